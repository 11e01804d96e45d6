"""A saved run or sweep made again, and whether the same came out."""

from __future__ import annotations

import copy
import datetime as calendar
import json
import logging
import math
import os
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from nst_tf.api import composed
from nst_tf.compare.picture_distances import psnr
from nst_tf.config.flat import leaves, nested
from nst_tf.config.schema import EXPERIMENT, GROUPS_WITH_ONE_OPTION, SAMPLES, is_there, picture_path
from nst_tf.config.words import NO_FILES, as_spelled_here, groups, typed_keys, with_quoted_files
from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.images.read import read_picture
from nst_tf.rerun.export import (
    FILE_LEAVES,
    composition,
    differing,
    group_words,
    needs_given_layers,
    on_one_line,
    refuse_taken_away,
)
from nst_tf.run import run
from nst_tf.runs.saved_run import SUMMARY, Located, SavedRun, has_checkpoint, read_saved_run, read_summary
from nst_tf.tensorflow_setup import load_tensorflow

# ----------------------------------------------------------------------------
# Which saved runs a folder holds, and where their repetitions go.

_OUTPUTS, _SWEEPS = Path("outputs"), Path("outputs/multirun")  # as conf/config.yaml has them
_SUFFIX_BYTES = 2  # four hexadecimal digits tell apart runs that start in the same second, as nst's own
_MOST_DEPTH = 3  # of the runs of a sweep below its folder: hydra.sweep.subdir may have slashes


@dataclass(frozen=True)
class Found:
    """A run, or the runs of a sweep by their names relative to ``folder``, in their order."""

    folder: Path
    is_sweep: bool
    names: tuple[str, ...] = ("",)

    def path(self, name: str) -> Path:
        """The folder of one run."""
        return self.folder / name if name else self.folder


def found(folder: Path) -> Found:
    """What the folder holds; raises InputError if that is neither a run nor a sweep."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give the folder of a run or of a sweep")
    if (folder / SUMMARY).exists():
        return Found(folder, is_sweep=False)
    names = []
    for path, below, files in os.walk(folder):  # does not follow links
        relative = Path(path).relative_to(folder)
        if SUMMARY in files:
            names.append(relative.as_posix())
        if SUMMARY in files or len(relative.parts) >= _MOST_DEPTH:
            below.clear()
    if not names:
        raise InputError(f"{folder} is neither the folder of a run nor of a sweep: there is no {SUMMARY}")
    return Found(folder, is_sweep=True, names=tuple(sorted(names, key=_in_order)))


def new_folder(wanted: str | None, old: Path, is_sweep: bool) -> Path:
    """Make the folder for the repetition: ``wanted``, or outputs/DATE/TIME-xxxx as ``nst`` has them.

    Raises InputError if it is not empty, lies within ``old``, or can't be made.
    """
    if wanted is not None:
        folder = Path(wanted).expanduser()
        if folder.resolve().is_relative_to(old.resolve()):
            raise InputError(
                f"--output {wanted} lies in {old}, which is left as it is: choose another folder"
            )
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"--output {wanted} is there already: choose a folder that is new or empty")
    else:
        now = calendar.datetime.now()
        day = (_SWEEPS if is_sweep else _OUTPUTS) / f"{now:%Y-%m-%d}"
        folder = day / f"{now:%H-%M-%S}-{secrets.token_hex(_SUFFIX_BYTES)}"
    try:
        folder.mkdir(parents=True, exist_ok=wanted is not None)
    except OSError as error:
        raise InputError(
            f"can't write to the folder {folder} ({error.strerror}): choose another with --output"
        ) from None
    return folder


def _in_order(name: str) -> list[tuple[int, str]]:
    """Runs of a sweep are numbered: 10 comes after 9."""
    return [(int(part) if part.isdecimal() else -1, part) for part in name.split("/")]


# ----------------------------------------------------------------------------
# Whether two saved pictures are the same, and if not, how far apart.


@dataclass(frozen=True)
class Likeness:
    """``identical``: every decoded pixel is; ``same_bytes``: the files are, too.

    ``psnr`` is in dB, infinite for identical pictures, and None for pictures of different sizes.
    """

    identical: bool
    same_bytes: bool
    psnr: float | None


def likeness(before: Path, after: Path) -> Likeness:
    """Compare two picture files by their decoded pixels; raises InputError for one that can't be read."""
    first, second = read_picture(before), read_picture(after)
    if first.pixels.shape != second.pixels.shape:
        return Likeness(identical=False, same_bytes=False, psnr=None)
    return Likeness(
        identical=bool(np.array_equal(first.pixels, second.pixels)),
        same_bytes=first.file == second.file,
        psnr=psnr(first.pixels, second.pixels),
    )


# ----------------------------------------------------------------------------
# What was different when a run was made again: versions, device, processor, pictures, weights.

# entries of run.json on which the numbers may depend, as (path in it, what it is called)
_FACTS = (
    (("device",), "device"),
    (("machine", "processor"), "processor"),
    (("machine", "system"), "system"),
    (("precision",), "precision"),
    (("git_commit",), "commit of nst_tf"),
    (("weights", "sha256"), "SHA-256 of the weights"),
    (("inputs", "content", "sha256"), "SHA-256 of the content picture"),
    (("inputs", "init", "sha256"), "SHA-256 of the picture to start from"),
    (("inputs", "profile", "sha256"), "SHA-256 of the color profile"),
)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """One line for each difference between two summaries (``run.json``), "NAME: A then, B now"."""
    lines = []
    for path, name in _FACTS:
        lines += _line(name, _at(before, path), _at(after, path))
    lines += _line("runs optimized at once", before.get("batch", 1), after.get("batch", 1))
    versions = [one if isinstance(one := _at(run, ("versions",)), dict) else {} for run in (before, after)]
    for name in sorted({str(key) for key in (*versions[0], *versions[1])}):
        lines += _line(name, versions[0].get(name), versions[1].get(name))
    styles = [
        one if isinstance(one := _at(run, ("inputs", "styles")), list) else [] for run in (before, after)
    ]
    for index, pair in enumerate(zip(*styles, strict=False)):
        lines += _line(f"SHA-256 of style picture {index}", *(_at(one, ("sha256",)) for one in pair))
    masks = [one if isinstance(one := _at(run, ("inputs", "masks")), list) else [] for run in (before, after)]
    for index, pair in enumerate(zip(*masks, strict=False)):
        lines += _line(f"SHA-256 of mask {index}", *(_at(one, ("sha256",)) for one in pair))
    return lines


def difference(name: str, then: Any, now: Any) -> str:
    """One line."""
    return f"{name}: {_shown(then)} then, {_shown(now)} now"


def _line(name: str, then: Any, now: Any) -> list[str]:
    return [] if then == now else [difference(name, then, now)]


def _shown(value: Any) -> str:
    return "unknown" if value is None else on_one_line(value)


def _at(node: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


# ----------------------------------------------------------------------------
# What became of a run that was not completed, and what can be done with it.

_MOST = 300  # of an error's own sentence: ours are shorter
_ENDS = {
    "failed": "failed",
    "diverged": "diverged",
    "interrupted": "was interrupted",
    "running": "is not at its end, or was killed",
}
# from the checkpoint of one that diverged, the same steps lead to the same end
_GOES_ON = ("failed", "interrupted", "running")


def is_completed(summary: Mapping[str, Any]) -> bool:
    """Whether the run with this ``run.json`` has a result."""
    return summary.get("status") == "completed"


def end_of(folder: Path, summary: Mapping[str, Any]) -> str:
    """How the run in ``folder`` ended, with its error, as in "the run in FOLDER failed (ERROR)"."""
    status = summary.get("status")
    end = _ENDS.get(status) if isinstance(status, str) else None
    said = end or f"has the status {on_one_line(repr(status))}"
    error = summary.get("error")
    reason = f" ({on_one_line(error, _MOST)})" if isinstance(error, str) and status != "interrupted" else ""
    return f"the run in {folder} {said}{reason}"


def not_repeated(folder: Path, summary: Mapping[str, Any]) -> str:
    """The sentence that refuses to repeat the run; names the way on if there is a checkpoint."""
    goes_on = summary.get("status") in _GOES_ON and has_checkpoint(folder)
    advice = f"; go on with it: nst resume={shlex.quote(str(folder))}" if goes_on else ""
    return f"{end_of(folder, summary)}: only completed runs are repeated{advice}"


# ----------------------------------------------------------------------------
# A saved run with words of the command line after its own: what is to be made in its place.

_OPTION = "the_saved_run"
# of the call, or of another run; the pictures of a saved run are those of its recipe
_NOT_OF_A_RUN = {
    "resume": "nst resume=RUN goes on with a run that is not completed",
    EXPERIMENT: "a run that is made again keeps its own recipe",
    "sweep": "the runs of a sweep are made again one by one",
}


def changed(saved: SavedRun, words: Sequence[str]) -> SavedRun:
    """The run as it is to be made after ``words``, KEY=VALUE or GROUP=OPTION, as ``nst`` takes them.

    They come after everything that the run says: an option that they choose replaces what the run has
    there. Names of files are those of the present folder. Raises InputError for whatever ``nst`` would
    refuse, and for words that are not of one run.
    """
    if not words:
        return saved
    typed = with_quoted_files(as_spelled_here(words))
    _check(typed)
    keys = typed_keys(typed)
    settings, choices = _composed(saved, typed, keys)
    for path in FILE_LEAVES:
        if ".".join(path) in keys:
            _name_from_here(settings, ".".join(path))
    if "precision" in keys:  # else a sweep would find it out in its middle
        load_tensorflow()
        from nst_tf.device import resolved_precision

        resolved_precision(settings.precision.name)
    named = {name for path in FILE_LEAVES for name in _names(OmegaConf.select(settings, ".".join(path)))}
    summary = {**saved.summary, "overrides": [*saved.overrides, *typed]}
    inputs = tuple(one for one in saved.inputs if one.name in named)
    return replace(saved, summary=summary, settings=settings, choices=choices, inputs=inputs)


def what_was_changed(before: SavedRun, after: SavedRun, words: Sequence[str]) -> list[tuple[str, Any, Any]]:
    """Each key of ``words`` with what the run had there, and what it has now."""
    keys = sorted(typed_keys(as_spelled_here(words)))
    values = [(key, *(_value(run, key) for run in (before, after))) for key in keys]
    return [one for one in values if one[1] != one[2]]


def _check(words: Sequence[str]) -> None:
    for word in words:
        key, equals, _ = word.partition("=")
        plain = key.lstrip("+~")
        if not equals or not plain:
            raise InputError(f"{word!r} is not of the form KEY=VALUE (see `nst-rerun --help`)")
        first = plain.partition(".")[0]
        if first == "hydra":
            raise InputError(f"{word} is not possible: --output says where the run is written")
        if first in _NOT_OF_A_RUN:
            raise InputError(f"{word} is not possible: {_NOT_OF_A_RUN[first]}")


def _composed(saved: SavedRun, words: Sequence[str], keys: frozenset[str]) -> tuple[DictConfig, dict]:
    wanted = copy.deepcopy(saved.settings)
    wanted.logger = {}
    if "calibration" in wanted.balance:  # was measured of the configuration before the words
        wanted.balance.calibration = None
    chosen = keys & set(groups())
    choices = {
        group: option
        for group, option in saved.choices.items()
        if not any(group == one or group.startswith(f"{one}/") for one in chosen)
    }
    options = group_words(saved.choices)
    if "layers" not in chosen and needs_given_layers(wanted, composition(options)[0]):
        choices, options = choices | {"layers": "given"}, group_words(saved.choices | {"layers": "given"})
    base, flat = composition(options)[2], leaves(wanted)
    refuse_taken_away(saved.folder, flat, base)
    replaced = [tuple(group.split("/")) for group in chosen]
    own = {
        path: value
        for path, value in differing(flat, base).items()
        if not any(path[: len(group)] == group for group in replaced)
    }
    node = nested(own)
    ConfigStore.instance().store(group=EXPERIMENT, name=_OPTION, node=node, package="_global_")
    kept = [word for word in options if word.partition("=")[0] in choices]
    settings, now = composed([*kept, f"{EXPERIMENT}={_OPTION}", *words])
    return settings, {group: one for group, one in now.items() if group != EXPERIMENT and one is not None}


def _name_from_here(settings: DictConfig, key: str) -> None:
    """The working folder of the run that is made is that of the saved one."""

    def absolute(name: Any) -> Any:
        path = picture_path(name) if isinstance(name, str) and name not in NO_FILES else None
        if path is None or not is_there(path) or path.is_relative_to(SAMPLES):
            return name
        return os.path.abspath(path)  # noqa: PTH100  (keeps links as they are named)

    value = OmegaConf.select(settings, key)
    several = OmegaConf.is_list(value)
    OmegaConf.update(settings, key, [absolute(one) for one in value] if several else absolute(value))


def _names(value: Any) -> list[str]:
    values = list(value) if OmegaConf.is_list(value) else [value]
    return [one for one in values if isinstance(one, str)]


def _value(run: SavedRun, key: str) -> Any:
    value = run.choices.get(key) if key in set(groups()) else OmegaConf.select(run.settings, key)
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=True)
    return "null" if value is None else getattr(value, "name", value)


# ----------------------------------------------------------------------------
# One saved run, made again in a folder of its own, and what came of it.

_LOG = "nst.log"
# of these run.json, or the configuration of the run that was made, says what became of them
_RESOLVED = ("precision", "memory")
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"  # as conf/config.yaml has it


@dataclass(frozen=True)
class Verdict:
    """How a run that was made again compares with the first one.

    ``within`` says whether it is identical or at least ``tolerance`` dB alike; ``likeness`` is None, and
    ``error`` a sentence, if it came to no end that could be compared. ``picture`` is what came of it.
    """

    before: SavedRun
    folder: Path
    tolerance: float
    likeness: Likeness | None
    differences: list[str] = field(default_factory=list)
    located: Located = field(default_factory=Located)
    error: str | None = None
    seconds: float | None = None
    picture: Path | None = None

    @property
    def within(self) -> bool:
        """Whether the result is the same within the tolerance."""
        if self.likeness is None or self.likeness.psnr is None:
            return False
        return self.likeness.identical or self.likeness.psnr >= self.tolerance

    @property
    def result(self) -> str:
        """In a word or two."""
        if self.likeness is None:
            return "failed"
        if self.likeness.identical:
            return "bit-identical"
        return "within tolerance" if self.within else "different"

    def facts(self) -> dict[str, Any]:
        """What ``run.json`` of the new run says of it."""
        facts: dict[str, Any] = {"result": self.result, "within_tolerance": self.within}
        # null where it is infinite: JSON has no such number
        facts["tolerance_db"] = self.tolerance if math.isfinite(self.tolerance) else None
        if self.likeness is not None:
            decibels = self.likeness.psnr
            facts["identical_pixels"] = self.likeness.identical
            facts["identical_bytes"] = self.likeness.same_bytes
            # null where it is infinite, or has no meaning because the sizes differ
            facts["psnr_db"] = None if decibels is None or math.isinf(decibels) else round(decibels, 3)
        return facts | {"differences": self.differences, "changed_pictures": list(self.located.changed)}


def check_repeatable(saved: SavedRun, words: Sequence[str] = ()) -> tuple[SavedRun, Located]:
    """The run as it is to be made, with ``words`` after its own, and where its files are now.

    Raises InputError for a run that can't be made again or compared, and for words as ``changed`` does.
    """
    if not is_completed(saved.summary):
        raise InputError(not_repeated(saved.folder, saved.summary))
    _check_result(saved)
    wanted = changed(saved, words)
    located = wanted.located()
    if located.missing:
        raise InputError(located.put_back(saved.working_folder))
    wanted.checked(located.files, typed_keys(words))
    return wanted, located


def _check_result(saved: SavedRun) -> None:
    """Raise InputError if the saved picture is damaged, or has not the size that is recorded."""
    path = saved.picture
    picture = read_picture(path)
    size, recorded = {"height": picture.height, "width": picture.width}, saved.summary.get("size")
    if isinstance(recorded, dict) and recorded != size:
        then = " x ".join(on_one_line(recorded.get(side)) for side in size)
        raise InputError(
            f"{path} has {picture.height} x {picture.width} pixels (height x width), and had {then} when the"
            " run was made: put that picture back"
        )


def rerun(
    saved: SavedRun, folder: Path, tolerance: float, sweep: Path | None = None, words: Sequence[str] = ()
) -> Verdict:
    """Make the run again in the existing, empty ``folder``, by the same entry as ``nst`` does.

    Its ``run.json`` then has ``rerun_of``, the first folder, and ``verdict``. The first folder is only read.
    Loggers are left out: a foreign configuration may name a server that is to get the pictures.
    ``tolerance`` is a PSNR in dB. Of a sweep's runs, ``sweep`` is the folder of the new sweep. ``words`` come
    after those of the run. A precision or a mode of memory that the run has, this machine lacks and no word
    asks for gives way to what is possible: the log says so, and the verdict.

    Raises InputError, before anything is written, as ``check_repeatable``.
    """
    wanted, located = check_repeatable(saved, words)
    facts = {
        "rerun_of": str(saved.folder.resolve()),
        # configured paths keep their meaning
        "working_folder": str(saved.working_folder.resolve()),
    }
    asked = saved.summary.get("requested_sha256")
    if not words and isinstance(asked, str):  # it is asked for again, whatever became of it then
        facts["requested_sha256"] = asked
    settings = copy.deepcopy(wanted.settings)
    if not words:
        settings.logger = {}
    complete = all(group in wanted.choices for group in GROUPS_WITH_ONE_OPTION)
    error, alike, picture = None, None, None
    with _logged(folder / _LOG):
        try:
            picture = run(
                settings,
                wanted.choices if complete else None,
                folder,
                wanted.overrides,
                files=located.files,
                sweep=sweep,
                facts=facts,
                typed=typed_keys(words),
            )
            alike = likeness(saved.picture, picture)
        except FloatingPointError as diverged:
            error = str(diverged)
    summary = read_summary(folder)
    seconds = summary.get("seconds", {}).get("steps")
    verdict = Verdict(
        saved,
        folder,
        tolerance,
        alike,
        [
            *(difference(*one) for one in what_was_changed(saved, wanted, words) if one[0] not in _RESOLVED),
            *differences(saved.summary, summary),
            *_of_memory(saved.settings, settings),
        ],
        located,
        error,
        seconds,
        picture,
    )
    text = json.dumps(summary | {"verdict": verdict.facts()}, indent=2)
    write_text_atomically(folder / SUMMARY, text + "\n")
    return verdict


def _of_memory(before: DictConfig, after: DictConfig) -> list[str]:
    """Whether activations were held in another way: the gradient is the same, but for rounding."""
    then, now = (one.memory if isinstance(one.memory, str) else one.memory.name for one in (before, after))
    return [difference("memory", then, now)] if then != now else []


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """The log of the run, as Hydra keeps one of a run that it starts; warnings are also told at once."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_LOG_FORMAT))
    told = logging.StreamHandler()
    told.setLevel(logging.WARNING)
    told.setFormatter(logging.Formatter("nst-rerun: %(message)s"))
    logger = logging.getLogger("nst_tf")
    level = logger.level
    logger.addHandler(handler)
    logger.addHandler(told)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(told)
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


# ----------------------------------------------------------------------------
# Every completed run of a sweep, made again in a new sweep's folder.

SWEEP = "sweep.json"


@dataclass
class Repeated:
    """The verdict of each run by its name in the sweep, and why others were left out."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def within(self) -> bool:
        """Whether every run that was completed came out the same within the tolerance."""
        return bool(self.verdicts) and all(verdict.within for verdict in self.verdicts.values())


def completed_runs(sweep: Found) -> tuple[dict[str, SavedRun], dict[str, str]]:
    """The completed runs by name, and a sentence for each other one, of which nothing but its end is read.

    Raises InputError if there is none, or if a completed one can't be read.
    """
    runs, left_out = {}, {}
    for name in sweep.names:
        folder = sweep.path(name)
        try:
            summary = read_summary(folder)
            if is_completed(summary):
                runs[name] = read_saved_run(folder)
            else:
                left_out[name] = f"{end_of(folder, summary)}: left out"
        except InputError as error:
            raise InputError(f"run {name} of the sweep: {error}") from None
    if not runs:
        raise InputError(
            f"no run of the sweep in {sweep.folder} is completed: {next(iter(left_out.values()))}"
        )
    return runs, left_out


def rerun_sweep(
    sweep: Found,
    runs: dict[str, SavedRun],
    folder: Path,
    tolerance: float,
    tell: Callable[[str, Verdict], None],
    words: Sequence[str] = (),
) -> Repeated:
    """Make the runs again, each in the folder of its name below ``folder``; ``tell`` hears of each.

    ``words`` come after those of every run.
    ``sweep.json`` is written as the command ``nst -m`` writes it, with ``rerun_of``.
    """
    repeated = Repeated()
    jobs: list[dict[str, Any]] = []
    for number, (name, saved) in enumerate(runs.items()):
        job = {"number": number, "folder": name, "overrides": [*saved.overrides, *words], "status": "running"}
        jobs.append(job)
        _write(folder, sweep.folder, jobs, "running")
        (folder / name).mkdir(parents=True)
        try:
            verdict = rerun(saved, folder / name, tolerance, folder, words)
        except Exception as error:  # one run that fails does not stop the others
            verdict = Verdict(saved, folder / name, tolerance, None, error=_sentence(error))
        except BaseException:
            job["status"] = "interrupted"
            _write(folder, sweep.folder, jobs, "interrupted")
            raise
        job["status"] = "failed" if verdict.error else "completed"
        if verdict.error:
            job["error"] = verdict.error
        repeated.verdicts[name] = verdict
        tell(name, verdict)
    _write(folder, sweep.folder, jobs, "failed" if any("error" in job for job in jobs) else "completed")
    return repeated


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


def _write(folder: Path, old: Path, jobs: list[dict[str, Any]], status: str) -> None:
    facts = {"overrides": [], "rerun_of": str(old.resolve()), "jobs": jobs, "status": status}
    write_text_atomically(folder / SWEEP, json.dumps(facts, indent=2) + "\n")
