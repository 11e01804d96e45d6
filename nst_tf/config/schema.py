"""Every word of the command line: its type, its meaning, its options and where their files are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from nst_tf.errors import InputError

# ----------------------------------------------------------------------------
# Where the configuration files and the bundled sample pictures are.

_PACKAGE = Path(__file__).resolve().parent.parent

# in a wheel the files lie inside of the package; in a checkout beside it
CONFIGURATION = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent / "conf"
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


# ----------------------------------------------------------------------------
# Options of config groups by name, as they exist in this version.

EXPERIMENT = "experiment"
"""The group whose options are whole experiments; what one chose shows in the choices of the others."""

_NAME = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")


def is_option(group: Any, option: Any) -> bool:
    """Whether ``group`` has the option, as a file of ours; a name that leaves the folder is no option."""
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in (group, option)):
        return False
    return (CONFIGURATION / group / f"{option}.yaml").is_file()


def options_in_folders(group: str) -> list[str]:
    """The options of ours that lie in folders of their group, which Hydra does not list: experiment's."""
    if group != EXPERIMENT:  # of another one, these are groups of their own
        return []
    top = CONFIGURATION / group
    return [path.relative_to(top).with_suffix("").as_posix() for path in sorted(top.glob("*/**/*.yaml"))]


def options_with(group: str, key: str) -> list[str]:
    """The options of a group whose files have the key at their top."""
    if not _NAME.fullmatch(group) or not key.isidentifier():
        return []
    files = sorted((CONFIGURATION / group).glob("*.yaml"))
    return [file.stem for file in files if re.search(rf"^{key}:", file.read_text(encoding="utf-8"), re.M)]


def known_choices(choices: Any) -> dict[str, str]:
    """Of recorded choices {group: option} those that exist here, without the experiment."""
    if not isinstance(choices, dict):
        return {}
    return {
        group: option for group, option in choices.items() if group != EXPERIMENT and is_option(group, option)
    }


# ----------------------------------------------------------------------------
# The schema under the YAML files: every word of the command line, its type and its meaning.

SCHEMA = "schema"
"""The name under which ``conf/config.yaml`` finds the schema."""

# the names of the members of these enumerations are the words of the command line
Network = Enum("Network", ["vgg19", "vgg16"])
Pooling = Enum("Pooling", ["max", "avg", "l2", "avg_rescaled", "l2_rescaled"])
Padding = Enum("Padding", ["same", "reflect", "replicate", "replicate_first", "circular"])
Pixels = Enum("Pixels", ["caffe", "caffe_256", "unit"])
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
    """The three terms; what is in each depends on the file that was chosen."""

    content: Any = MISSING
    style: Any = MISSING
    smoothness: Any = MISSING


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


def register_schema() -> None:
    """Make the schema known to Hydra; safe to call again."""
    ConfigStore.instance().store(name=SCHEMA, node=Settings)


# ----------------------------------------------------------------------------
# Types of the values inside of config groups: those that the option's own file has.

GROUPS_WITH_ONE_OPTION = (
    *("model", "objective", "balance", "layers", "optimizer", "init", "pyramid", "color"),
    *("guidance", "blending", "video"),
)
# hydra is not ours, experiments lay values anywhere, and the schema types the others
_NOT_TYPED_BY_FILE = ("hydra", "experiment", "layers", "model", "logger")


def check_option_types(settings: DictConfig, choices: Mapping[str, str]) -> None:
    """Raise InputError where a value has another type than in the file of the chosen option.

    A number may stand for any number, but not for a word; what is null in the file may be anything.
    """
    for group in GROUPS_WITH_ONE_OPTION:
        if group not in choices:  # Hydra takes a list of options as well, and notes no choice then
            raise InputError(f"{group} must have one option, not a list of them: say {group}=OPTION")
    for group, option in choices.items():
        if option is None or group.partition("/")[0] in _NOT_TYPED_BY_FILE:
            continue
        file = CONFIGURATION / group / f"{option}.yaml"
        if file.is_file():
            _compare(group.replace("/", "."), _values_of(str(file)), _node(settings, group))
    # several at once: Hydra notes no choice then, but each stands under its own name
    loggers = _node(settings, "logger")
    for name in loggers:
        file = CONFIGURATION / "logger" / f"{name}.yaml"
        if file.is_file():
            _compare("logger", _values_of(str(file)), loggers)


@cache
def _values_of(file: str) -> dict[str, Any]:
    values = OmegaConf.to_container(OmegaConf.load(file))
    if not isinstance(values, dict):
        return {}
    return {str(key): value for key, value in values.items() if key != "defaults"}


def _node(settings: DictConfig, group: str) -> Any:
    key = group.replace("/", ".")
    node = OmegaConf.select(settings, key)
    if not isinstance(node, DictConfig):
        raise InputError(f"{key}={node} is not possible: choose an option with {group}=OPTION")
    return OmegaConf.to_container(node, resolve=True)


def _compare(key: str, expected: Any, received: Any) -> None:
    if isinstance(expected, dict):
        if not isinstance(received, dict):
            return  # layers: a mapping, a list and a name are all right there, and are checked by name
        for name, value in expected.items():
            if name in received:
                _compare(f"{key}.{name}", value, received[name])
        return
    if isinstance(received, float) and not math.isfinite(received):
        raise InputError(f"{key} must be a finite number, but is {received}")
    if expected is None or isinstance(expected, list) or key.endswith(".layers"):
        return
    if isinstance(expected, bool) or isinstance(received, bool):
        if isinstance(expected, bool) != isinstance(received, bool):
            raise InputError(f"{key} must be {_kind(expected)}, but is {received!r}")
    elif isinstance(expected, int) and isinstance(received, float):
        raise InputError(f"{key} must be a whole number, but is {received!r}")
    elif (
        isinstance(expected, (int, float)) and received is not None and not isinstance(received, (int, float))
    ):
        raise InputError(f"{key} must be {_kind(expected)}, but is {received!r}")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a whole number" if isinstance(value, int) else "a number"
