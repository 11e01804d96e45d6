"""Every key of the command line: its type and meaning; the options of groups and where their files are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

# ---- Settings by their paths: {path: value}, where a list or an empty mapping is a value ----

KeyPath = tuple[str, ...]


def flatten(settings: Settings | Mapping[str, Any]) -> dict[KeyPath, Any]:
    """{"optimizer": {"beta_1": 0.9}} -> {("optimizer", "beta_1"): 0.9}, in the order of the configuration.

    A DictConfig is resolved, with enumerations by name.
    """
    plain = settings
    if isinstance(settings, DictConfig):
        plain = OmegaConf.to_container(settings, resolve=True, enum_to_str=True)
    found: dict[KeyPath, Any] = {}

    def walk(node: Any, path: KeyPath) -> None:
        if isinstance(node, Mapping) and (node or not path):
            for key, value in node.items():
                walk(value, (*path, str(key)))
        else:
            found[path] = node

    walk(plain, ())
    return found


def nested(flat: Mapping[KeyPath, Any]) -> dict[str, Any]:
    """The mapping of mappings that flattens to these settings."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return tree


# the names of the members of these enumerations are the words of the command line
Network = Enum("Network", ["vgg19", "vgg16"])
Pooling = Enum("Pooling", ["max", "avg", "l2", "avg_rescaled", "l2_rescaled"])
Padding = Enum("Padding", ["same", "reflect", "replicate", "replicate_first", "circular"])
Pixels = Enum("Pixels", ["caffe", "caffe_256", "unit", "imagenet"])
Stretch = Enum("Stretch", ["none", "style", "square"])
Precision = Enum("Precision", ["auto", "float32", "bfloat16", "float16"])
Alpha = Enum("Alpha", ["keep", "flatten"])
Memory = Enum("Memory", ["auto", "plain", "recompute", "tiles"])


@dataclass
class ImageSettings:
    """Sizes are long sides in pixels; ``style_size`` null is the same as ``size``.

    ``aspect`` is width / height of a texture, null is 1; a run with a content has the content's.
    """

    size: int = MISSING
    style_size: int | None = None
    aspect: float | None = None
    clip: bool = True
    stretch: Stretch = Stretch.none


@dataclass
class ModelSettings:
    """The feature extractor; ``weights`` is auto, random or the path of a file."""

    name: Network = MISSING
    pooling: Pooling = MISSING
    padding: Padding = MISSING
    pixels: Pixels = MISSING
    weights: str = MISSING


@dataclass
class ObjectiveSettings:
    """The terms; what is in each depends on the file that was chosen.

    ``terms``: further terms of style by name, each like ``style``, with ``layers`` of its own.
    """

    content: Any = MISSING
    style: Any = MISSING
    smoothness: Any = MISSING
    terms: Any = field(default_factory=dict)
    # of runs that were saved before there was such a term
    structure: Any = field(default_factory=lambda: {"_target_": "nst_tf.structure.NoStructure"})


@dataclass
class LayerSettings:
    """Each a layer, a list of layers (equal shares of the term's weight) or a mapping to weights."""

    content: Any = MISSING
    style: Any = MISSING


@dataclass
class RecordSettings:
    """``image_every`` counts steps, ``checkpoint_every`` seconds, 0 is never; ``picture`` is a file name.

    ``animation`` is one, too; null for none.

    ``bits`` a channel, ``profile`` (srgb, content or a file) and ``alpha`` are those of the result; ``exif``:
    it carries the content's EXIF data, with ``exif_place`` those of the place, too. Without a word a saved
    configuration is older than these, and means what was done then: opaque, without EXIF data.
    ``keep_checkpoint``: the state at the end stays, from which ``resume`` makes more steps.
    ``copy_inputs``: the pictures of the run are copied into its folder.
    ``tensorflow_profile`` writes one for TensorBoard.
    """

    image_every: int = MISSING
    checkpoint_every: float = MISSING
    keep_checkpoint: bool = False
    picture: str = MISSING
    animation: str | None = "animation.gif"
    bits: int = 8
    profile: str = "srgb"
    alpha: Alpha = Alpha.flatten
    exif: bool = False
    exif_place: bool = False
    copy_inputs: bool = True
    tensorflow_profile: bool = False


@dataclass
class StopSettings:
    """``patience`` counts steps, null is never; ``tolerance`` is a part of the loss."""

    patience: int | None = None
    tolerance: float = MISSING


@dataclass
class SweepSettings:
    """``compare``: whether the runs of a sweep are compared at its end.

    ``batch``: how many of them are optimized at once; a whole number, or auto.
    """

    compare: bool | None = True
    batch: Any = "auto"


@dataclass
class Settings:
    """A whole run."""

    content: Any = MISSING
    style: Any = MISSING
    style_weights: Any = None
    style_layers: Any = None
    style_scale: Any = None
    image: ImageSettings = field(default_factory=ImageSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    # of runs that were saved before there was a balance
    balance: Any = field(default_factory=lambda: {"_target_": "nst_tf.balance.GivenBalance"})
    layers: LayerSettings = field(default_factory=LayerSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    optimizer: Any = MISSING
    steps: int = MISSING
    keep_best: bool = True
    average: float | None = None
    init: Any = MISSING
    seed: int = MISSING
    pyramid: Any = MISSING
    video: Any = field(default_factory=dict)  # empty: of a run from before there were animations
    guidance: Any = field(default_factory=lambda: {"_target_": "nst_tf.guidance.masks.NoGuidance"})
    blending: Any = field(default_factory=lambda: {"_target_": "nst_tf.objective.blending.SummedLosses"})
    # runs of before this group was there have no such key
    parameterization: Any = field(default_factory=lambda: {"_target_": "nst_tf.parameterization.Pixels"})
    # runs of before this group was there have no such key
    color: Any = field(default_factory=lambda: {"_target_": "nst_tf.color.Unchanged"})
    precision: Precision = MISSING
    memory: Memory = Memory.auto
    memory_limit: float | None = None
    tile_size: int | None = None
    jit_compile: bool = False
    deterministic: bool = False
    record: RecordSettings = field(default_factory=RecordSettings)
    stop: StopSettings = field(default_factory=StopSettings)
    sweep: SweepSettings = field(default_factory=SweepSettings)
    logger: Any = field(default_factory=dict)
    resume: str | None = None
    profile: bool = False
    # what a person calls the run: of no consequence for it
    name: str | None = None
    tags: Any = field(default_factory=list)
    notes: str | None = None


LABELS = ("name", "tags", "notes")
"""The keys by which people find a run again."""


def as_settings(config: Any) -> Settings:
    """OmegaConf's configuration by its types: at every attribute it is what ``Settings`` says."""
    return config


def value_at(settings: Settings, key: str) -> Any:
    """The value at a dotted key; None where there is none."""
    return OmegaConf.select(cast("DictConfig", settings), key)


def with_values(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """A copy of the settings with other values, by dotted key: settings themselves are never changed."""
    copy = cast("Any", settings).copy()
    OmegaConf.set_readonly(copy, False)
    for key, value in values.items():
        OmegaConf.update(copy, key, value, merge=False)
    OmegaConf.set_readonly(copy, True)
    return copy


def register_schema() -> None:
    """Make the schema known to Hydra, as ``conf/config.yaml`` names it; again, it costs nothing."""
    store = ConfigStore.instance()
    if "schema.yaml" not in store.repo:
        store.store(name="schema", node=Settings)


FILE_KEYS = (
    *("content", "style", "init.path", "model.weights", "record.profile"),
    *("guidance.content", "guidance.styles"),
)
"""The keys whose values are names of files."""


def config_keys() -> Iterator[str]:
    """Every key of the schema, with dots."""

    def walk(node: DictConfig, prefix: str) -> Iterator[str]:
        for key in node:
            yield f"{prefix}{key}"
            child = node._get_node(key)
            if isinstance(child, DictConfig) and not child._is_missing():
                yield from walk(child, f"{prefix}{key}.")

    return walk(OmegaConf.structured(Settings), "")


def as_list(value: Any) -> list[Any]:
    """A list as it is, anything else as a list of it alone."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


# ---- Where the configuration files and the bundled sample pictures are, and what a name of a file means ----

_PACKAGE = Path(__file__).resolve().parent.parent

# in a wheel the files lie inside of the package; in a checkout beside it
CONF_FOLDER = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent / "conf"
"""The folder of the YAML files."""

SAMPLES = _PACKAGE / "samples"
"""The folder of the bundled pictures."""

_SAMPLE_PREFIX = "samples/"


def picture_path(name: str) -> Path:
    """The file that a name in ``content`` or ``style`` stands for.

    A path as the shell would take it; a name that starts with ``samples/`` is the bundled picture,
    unless there is such a file in the present folder.
    """
    path = user_path(name)
    bundled = _PACKAGE / name
    if name.startswith(_SAMPLE_PREFIX) and not is_there(path) and bundled.is_file():
        return bundled
    return path


def user_path(name: str | Path) -> Path:
    """The path with ~ and ~USER as the shell takes them; as it is where there is no such user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; not for what can't be the name of one, as too long a text."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


# ---- Config groups and their options, as they exist in this version ----

EXPERIMENT = "experiment"
"""The group whose options are whole experiments; what one chose shows in the choices of the others."""

_NAME = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")


def config_groups() -> set[str]:
    """Every config group, with slashes."""
    return {
        folder.relative_to(CONF_FOLDER).as_posix() for folder in CONF_FOLDER.rglob("*") if folder.is_dir()
    }


@cache
def keys_of_options() -> tuple[str, ...]:
    """Every key that an option of a group brings, with dots; those of experiments are others' keys."""
    found: dict[str, None] = {}
    for path in sorted(CONF_FOLDER.rglob("*.yaml")):
        group = path.relative_to(CONF_FOLDER).parent.parts
        if not group or group[0] == EXPERIMENT:
            continue
        content: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
        for key in flatten(content) if isinstance(content, dict) else ():
            if not any(part.startswith("_") or part == "defaults" for part in map(str, key)):
                found[".".join(map(str, (*group, *key)))] = None
    return tuple(found)


def is_option(group: Any, option: Any) -> bool:
    """Whether ``group`` has the option, as a file of ours; a name that leaves the folder is no option."""
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in (group, option)):
        return False
    return _file(group, option).is_file()


@cache
def option_values(group: str, option: str) -> dict[str, Any]:
    """What the option's own file says; nothing if it is no option of ours. Not to be changed."""
    if not is_option(group, option):
        return {}
    values: Any = OmegaConf.to_container(OmegaConf.load(_file(group, option)))
    return {str(key): value for key, value in (values or {}).items() if key != "defaults"}


def _file(group: str, option: str) -> Path:
    return CONF_FOLDER / group / f"{option}.yaml"


def known_choices(choices: Any) -> dict[str, str]:
    """Of recorded choices {group: option} those that exist here, without the experiment."""
    if not isinstance(choices, dict):
        return {}
    return {
        group: option for group, option in choices.items() if group != EXPERIMENT and is_option(group, option)
    }
