"""A saved run read back: nothing in its folder is trusted. What resume and more steps begin from."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.config.build import build, check_targets
from nst_tf.config.foreign import read_foreign_yaml
from nst_tf.config.inputs import PROFILES, Files, Inputs, is_source, read_inputs, sha256_of_source, video_of
from nst_tf.config.messages import sentence_for
from nst_tf.config.overrides import ExplicitKeys
from nst_tf.config.schema import Settings, as_list, known_choices, picture_path, user_path, with_values
from nst_tf.config.validate import validate
from nst_tf.errors import InputError, counted
from nst_tf.guidance.masks import mask_names
from nst_tf.runs.checkpoint import Checkpoint
from nst_tf.runs.folder import CONFIG_YAML, INPUTS, RUN_JSON, has_checkpoint, path_inside, read_summary
from nst_tf.runs.memory import chosen_memory
from nst_tf.runs.sizes import check_sizes

_log = logging.getLogger(__name__)

# ---- A run as its folder tells it, which may come from anybody: nothing in it is trusted or unpickled ----

# of these the schema says nothing: each is an object that the configuration describes
_OBJECTS = (
    *("objective.content", "objective.style", "objective.smoothness", "objective.structure"),
    *("balance", "optimizer", "init", "pyramid", "color", "guidance", "blending", "parameterization"),
)
_OBJECTS_IF_ANY = ("objective.style.statistic", "objective.style.statistic.kernel")


@dataclass(frozen=True)
class SavedRun:
    """A run that was read back; ``choices`` are those options of config groups that exist here, too.

    ``settings`` has every key of the schema, with the precision that the run had.
    """

    folder: Path
    summary: Mapping[str, Any]
    settings: Settings
    choices: dict[str, str]
    inputs: tuple[SavedInput, ...]

    @property
    def status(self) -> str:
        """running, completed, diverged, interrupted, failed, or unknown."""
        status = self.summary.get("status")
        return status if isinstance(status, str) else "unknown"

    @property
    def working_folder(self) -> Path:
        """The folder that configured paths start from."""
        folder = self.summary.get("working_folder")
        return Path(folder) if isinstance(folder, str) else Path()

    @property
    def overrides(self) -> tuple[str, ...]:
        """The words of the command line that asked for the run."""
        words = self.summary.get("overrides")
        return tuple(word for word in words if isinstance(word, str)) if isinstance(words, list) else ()

    @property
    def picture(self) -> Path:
        """The result; raises InputError if it is not in the folder itself, or not there."""
        path = path_inside(self.folder, "picture", self.summary.get("picture", self.settings.record.picture))
        if not path.is_file():
            raise InputError(f"the picture of the run is missing: {path} does not exist")
        return path

    def located(self) -> Located:
        """Find every file: the copy in the folder, else the configured path from where the run was started.

        One with the recorded hash is preferred; without any, the first that exists is ``changed``. Raises
        InputError for one that is nowhere.
        """
        files, changed, damaged = {}, [], []
        for one in self.inputs:
            # a picture that serves twice, as content and style, has two copies
            others = [other.copy for other in self.inputs if other is not one and other.name == one.name]
            places = [copy for copy in (one.copy, *others) if copy]
            places += [self.working_folder / user_path(one.name), picture_path(one.name)]
            found = [place for place in places if is_source(place)]
            same = [place for place in found if one.sha256 is None or sha256_of_source(place) == one.sha256]
            if not found:
                raise InputError(self._sentence_for_missing(one))
            files[one.name] = (same or found)[0]
            if one.copy and files[one.name] != one.copy:
                why = "is not what it was" if one.copy in found else "is missing"
                damaged.append(f"{one.copy} {why}: {files[one.name]} serves in its place")
            if not same:
                changed.append(one.name)
        copies = {one.name: one.copy for one in self.inputs if one.copy}
        return Located(files, tuple(changed), copies, tuple(damaged))

    def _sentence_for_missing(self, one: SavedInput) -> str:
        where = f"as seen from {self.working_folder}"
        if one.copy:
            return f"{one.copy} is missing, and so is {one.name}, its original, {where}: put one of them back"
        return f"the file {one.name} is missing, {where}: put it back"

    def checked_inputs(self, files: Files, explicit: ExplicitKeys = ()) -> Inputs:
        """Check every value and read the pictures; raises InputError for whatever no run could use.

        What was not ``explicit`` may be what only another machine can do: see ``chosen_memory``.
        """
        try:
            validate(self.settings, None, files)
            inputs = read_inputs(self.settings, files)
            check_sizes(self.settings, inputs)
            # reads more of the values; how much memory there is does not count yet
            chosen_memory(self.settings, inputs, None, "float32", explicit)
            return inputs
        except InputError:
            raise
        except Exception as error:  # values of any kind stand in a foreign file: not all are foreseen
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            path = self.folder / CONFIG_YAML
            raise InputError(f"the configuration {path} can't be run ({reason})") from error


@dataclass(frozen=True)
class SavedInput:
    """A picture (or file of weights) of a run: its configured name, its hash and its copy in the folder."""

    name: str
    sha256: str | None
    copy: Path | None = None


@dataclass(frozen=True)
class Located:
    """Where the files of a run were found; ``changed`` names those that are not what they were.

    ``copies`` are those that the run's folder should hold; ``damaged`` has a sentence for each that can't
    serve while its original can.
    """

    files: dict[str, Path] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    copies: dict[str, Path] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()

    def named(self, name: str) -> str:
        """The file of this name in a sentence: if it is, or should be, a copy, as that."""
        copy = self.copies.get(name)
        is_copy = copy is not None and self.files.get(name, copy) == copy
        return f"{copy}, the copy of {name}," if is_copy else f"the picture {name}"


def read_saved_run(folder: Path) -> SavedRun:
    """Read a run's folder; raises InputError for one that is no run, or whose content no run could have."""
    summary = read_summary(folder)
    path = path_inside(folder, CONFIG_YAML, CONFIG_YAML)
    values = read_foreign_yaml(path)
    try:
        settings: Any = OmegaConf.merge(OmegaConf.structured(Settings), values)
    except OmegaConfBaseException as error:
        raise InputError(f"the configuration {path} can't be read: {sentence_for(error)}") from None
    for key in _OBJECTS:
        if not isinstance(OmegaConf.select(settings, key), DictConfig):
            raise InputError(f"the configuration {path} can't be run: {key} is not a mapping with a _target_")
    for key in _OBJECTS_IF_ANY:
        value = OmegaConf.select(settings, key)
        if value is not None and not isinstance(value, DictConfig):
            raise InputError(f"the configuration {path} can't be run: {key} is no mapping with a _target_")
    if not isinstance(settings.objective.terms, DictConfig) or not all(
        isinstance(term, DictConfig) for term in settings.objective.terms.values()
    ):
        raise InputError(f"the configuration {path} can't be run: objective.terms is no mapping of terms")
    if missing := OmegaConf.missing_keys(settings):
        raise InputError(f"the configuration {path} can't be run: {min(missing)} has no value")
    if settings.resume is not None:
        raise InputError(f"the configuration {path} can't be run: resume must be null")
    check_targets(OmegaConf.to_container(settings))
    return SavedRun(
        folder, summary, settings, known_choices(summary.get("choices")), _inputs(folder, summary, settings)
    )


def _inputs(folder: Path, summary: Mapping[str, Any], settings: Settings) -> tuple[SavedInput, ...]:
    """The pictures that the configuration names, in its order, with what is recorded of each."""
    contents = [] if settings.content is None else [settings.content]
    names = [*contents, *as_list(settings.style)]
    if not all(isinstance(name, str) and name for name in names):
        raise InputError(f"the run in {folder} names no pictures that can be read: {names}")
    if "inputs" not in summary and summary.get("status") != "completed":
        raise InputError(f"the run in {folder} ended before its pictures were recorded: begin it anew")
    recorded = summary.get("inputs")
    recorded = recorded if isinstance(recorded, dict) else {}
    entries = [recorded.get("frames", recorded.get("content"))] if contents else []
    entries += _list(recorded.get("styles"))
    if len(entries) != len(names):
        raise InputError(f"{folder / RUN_JSON} does not tell of the {len(names)} pictures of its run")
    masks, of_masks = mask_names(settings), _list(recorded.get("masks"))
    if len(of_masks) != len(masks):
        raise InputError(f"{folder / RUN_JSON} does not tell of the {counted(len(masks), 'mask')} of its run")
    pairs = list(zip(names, entries, strict=True))
    if isinstance(start := settings.init.get("path"), str):
        pairs.append((start, recorded.get("init")))
    pairs += [(name, entry) for name, entry in zip(masks, of_masks, strict=True) if name is not None]
    if settings.record.profile not in PROFILES:
        pairs.append((settings.record.profile, recorded.get("profile")))
    inputs = [_input(folder, name, entry) for name, entry in pairs]
    if settings.model.weights not in ("auto", "random"):
        # the hash of weights is that of what was read from the file, in any of its formats: see run.json
        inputs.append(SavedInput(settings.model.weights, None))
    return tuple(inputs)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _input(folder: Path, name: str, entry: Any) -> SavedInput:
    facts = entry if isinstance(entry, dict) else {}
    sha256, copy = facts.get("sha256"), facts.get("copy")
    return SavedInput(
        name,
        sha256 if isinstance(sha256, str) else None,
        None if copy is None else path_inside(folder, "copy", copy, INPUTS),
    )


# ---- resume=FOLDER: the settings and pictures of a run that goes on ----


def resumable(folder: Path, steps: int | None = None) -> tuple[Settings, Inputs, Files]:
    """Settings, pictures and files of the run; raises InputError for one that can't go on.

    A completed one goes on for ``steps`` at its last size, if its last state was kept; another one has the
    steps that it was configured with.
    The pictures are the copies in the folder, or those at the configured paths, as seen from where the run
    was started, if they still are what they were. Targets are those that any configuration may name.
    """
    saved = read_saved_run(folder)
    if saved.status == "completed":
        if refusal := _refusal_of_completed(saved, steps):
            raise InputError(refusal)
    elif steps is not None:
        raise InputError(f"a run that is not completed keeps its own configuration: leave out steps={steps}")
    for path in folder.iterdir():
        if path.is_symlink():  # going on would write through it
            raise InputError(f"{path} is a symbolic link: a run's folder holds its own files")
    located = saved.located()
    if located.changed:
        raise InputError(
            f"{located.named(located.changed[0])} is not what it was when the run began: begin it anew"
        )
    for sentence in located.damaged:
        _log.warning("%s", sentence)
    return saved.settings, saved.checked_inputs(located.files), located.files


# ---- More steps for a run that is completed: from the state that was kept, or another way ----


def _refusal_of_completed(saved: SavedRun, steps: int | None) -> str | None:
    """Why a completed run does not go on, with a command that does; None if it can, for ``steps``."""
    folder, settings = shlex.quote(str(saved.folder)), saved.settings
    completed = f"the run in {saved.folder} is completed"
    if video_of(settings).takes_frames:
        more = 2 * settings.steps if steps is None else steps
        return f"{completed}, and an animation keeps no state: make it again, nst-rerun {folder} steps={more}"
    if has_checkpoint(saved.folder):
        ask = f"{completed}: for more steps say nst resume={folder} steps={2 * settings.steps}"
        return ask if steps is None else None
    picture = shlex.quote(str(saved.picture))
    asked = "" if steps is None else f" steps={steps}"
    again = f"nst-rerun {folder} init=file init.path={picture} pyramid=single{asked} --tolerance 0"
    return (
        f"{completed}, and its last state was not kept, as record.keep_checkpoint=true does:"
        f" to begin again from its picture say {again}"
    )


def with_steps(settings: Settings, folder: Path, last: Checkpoint | None, steps: int) -> Settings:
    """The settings of a completed run with ``steps`` for its last size; coarser sizes keep theirs.

    They are those of a run that makes them all at once. Raises InputError unless that is more than ``last``,
    the state at its end, has.
    """
    size = settings.image.size
    plan: Any = build("pyramid", settings.pyramid)
    scales = plan.scales(size, settings.image.style_size or size, settings.steps)
    if last is None or last.scale != len(scales) - 1:
        raise InputError(f"the checkpoint in {folder} is not of the end of its run: begin the run anew")
    if steps <= last.steps_at_scale:
        raise InputError(
            f"steps={steps} is possible only above the {counted(last.steps_at_scale, 'step')} that the run in"
            f" {folder} has made at its last size"
        )
    plan = {"pyramid.steps": [*(scale.steps for scale in scales[:-1]), steps]}
    return with_values(settings, {"steps": steps} | (plan if "steps" in settings.pyramid else {}))
