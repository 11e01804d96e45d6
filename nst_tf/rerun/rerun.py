"""A saved run or sweep made again, and whether the same came out."""

from __future__ import annotations

import copy
import json
import logging
import math
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from nst_tf.api import composed
from nst_tf.compare.yardstick import psnr
from nst_tf.config.overrides import NO_FILES, explicit_keys, spelled_as_keys, with_quoted_files
from nst_tf.config.schema import (
    EXPERIMENT,
    FILE_KEYS,
    SAMPLES,
    Settings,
    as_list,
    config_groups,
    flatten,
    is_there,
    nested,
    picture_path,
    value_at,
)
from nst_tf.config.validate import GROUPS_WITH_ONE_OPTION
from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.images.read import read_picture
from nst_tf.rerun.export import (
    composition,
    differing,
    group_overrides,
    refuse_removed_keys,
    rename_files,
    with_given_layers,
)
from nst_tf.run import run
from nst_tf.runs.folder import (
    CONFIG_YAML,
    LOG,
    SWEEP,
    also_logged_to,
    can_go_on,
    read_summary,
    write_summary,
)
from nst_tf.runs.saved_run import Located, SavedRun
from nst_tf.tensorflow_setup import load_tensorflow

# run.json, or the configuration of the run that was made, says what became of these
_RESOLVED = ("precision", "memory")


@dataclass(frozen=True)
class Verdict:
    """How a run that was made again compares with the first one.

    ``within`` says whether it is identical or at least ``tolerance`` dB alike; ``comparison`` is None, and
    ``error`` a sentence, if it came to no end that could be compared. ``picture`` is what came of it.
    """

    before: SavedRun
    folder: Path
    tolerance: float
    comparison: Comparison | None
    differences: list[str] = field(default_factory=list)
    located: Located = field(default_factory=Located)
    error: str | None = None
    seconds: float | None = None
    picture: Path | None = None

    @property
    def within(self) -> bool:
        """Whether the result is the same within the tolerance."""
        if self.comparison is None or self.comparison.psnr is None:
            return False
        return self.comparison.identical or self.comparison.psnr >= self.tolerance

    @property
    def result(self) -> str:
        """In a word or two."""
        if self.comparison is None:
            return "failed"
        if self.comparison.identical:
            return "bit-identical"
        return "within tolerance" if self.within else "different"

    def facts(self) -> dict[str, Any]:
        """What ``run.json`` of the new run says of it."""
        facts: dict[str, Any] = {"result": self.result, "within_tolerance": self.within}
        # null where it is infinite: JSON has no such number
        facts["tolerance_db"] = self.tolerance if math.isfinite(self.tolerance) else None
        if self.comparison is not None:
            decibels = self.comparison.psnr
            facts["identical_pixels"] = self.comparison.identical
            facts["identical_bytes"] = self.comparison.same_bytes
            # null where it is infinite, or has no meaning because the sizes differ
            facts["psnr_db"] = None if decibels is None or math.isinf(decibels) else round(decibels, 3)
        return facts | {"differences": self.differences, "changed_pictures": list(self.located.changed)}


def rerun(
    saved: SavedRun, folder: Path, tolerance: float, sweep: Path | None = None, overrides: Sequence[str] = ()
) -> Verdict:
    """Make the run again in the existing, empty ``folder``, by the same entry as ``nst`` does.

    Its ``run.json`` then has ``rerun_of``, the first folder, and ``verdict``. The first folder is only read.
    Loggers are left out: a foreign configuration may name a server that is to get the pictures.
    ``tolerance`` is a PSNR in dB. Of a sweep's runs, ``sweep`` is the folder of the new sweep. ``overrides``
    come after those of the run. A precision or a mode of memory that the run has, this machine lacks and no
    override asks for gives way to what is possible: the log says so, and the verdict.

    Raises InputError, before anything is written, as ``check_repeatable``.
    """
    wanted, located = check_repeatable(saved, overrides)
    facts = {
        "rerun_of": str(saved.folder.resolve()),
        # configured paths keep their meaning
        "working_folder": str(saved.working_folder.resolve()),
    }
    asked = saved.summary.get("requested_sha256")
    if not overrides and isinstance(asked, str):  # it is asked for again, whatever became of it then
        facts["requested_sha256"] = asked
    settings = copy.deepcopy(wanted.settings)
    if not overrides:
        settings.logger = {}
    complete = all(group in wanted.choices for group in GROUPS_WITH_ONE_OPTION)
    error, comparison, picture = None, None, None
    with _logged(folder / LOG):
        try:
            picture = run(
                settings,
                wanted.choices if complete else None,
                folder,
                wanted.overrides,
                files=located.files,
                sweep=sweep,
                facts=facts,
                explicit=explicit_keys(overrides),
            ).file
            comparison = compare_pictures(saved.picture, picture)
        except FloatingPointError as diverged:
            error = str(diverged)
    summary = read_summary(folder)
    differences = [
        *_changed_settings(saved, wanted, overrides),
        *_environment_differences(saved.summary, summary),
        # activations were held in another way: the gradient is the same, but for rounding
        *_difference("memory", _name(saved.settings.memory), _memory_of(folder)),
    ]
    seconds = summary.get("seconds", {}).get("steps")
    verdict = Verdict(saved, folder, tolerance, comparison, differences, located, error, seconds, picture)
    write_summary(folder, summary | {"verdict": verdict.facts()})
    return verdict


def _memory_of(folder: Path) -> str:
    """How the run in the folder held its activations."""
    return str(OmegaConf.select(OmegaConf.load(folder / CONFIG_YAML), "memory"))


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """The log of the run, as Hydra keeps one of a run that it starts; warnings are also told at once."""
    told = logging.StreamHandler()
    told.setLevel(logging.WARNING)
    told.setFormatter(logging.Formatter("nst-rerun: %(message)s"))
    logger = logging.getLogger("nst_tf")
    level = logger.level
    logger.addHandler(told)
    logger.setLevel(logging.INFO)
    try:
        with also_logged_to(path):
            yield
    finally:
        logger.removeHandler(told)
        logger.setLevel(level)


# ---- Which runs can be made again ----

_MOST_LETTERS = 300  # of an error's own sentence: ours are shorter
_ENDS = {
    "failed": "failed",
    "diverged": "diverged",
    "interrupted": "was interrupted",
    "running": "is not at its end, or was killed",
}


def is_completed(summary: Mapping[str, Any]) -> bool:
    """Whether the run with this ``run.json`` has a result."""
    return summary.get("status") == "completed"


def how_it_ended(folder: Path, summary: Mapping[str, Any]) -> str:
    """How the run in ``folder`` ended, with its error, as in "the run in FOLDER failed (ERROR)"."""
    status = summary.get("status")
    end = _ENDS.get(status) if isinstance(status, str) else None
    said = end or f"has the status {on_one_line(repr(status))}"
    error = summary.get("error")
    reason = (
        f" ({on_one_line(error, _MOST_LETTERS)})"
        if isinstance(error, str) and status != "interrupted"
        else ""
    )
    return f"the run in {folder} {said}{reason}"


def why_not_repeated(folder: Path, summary: Mapping[str, Any]) -> str:
    """The sentence that refuses to repeat the run; names the way on if there is a checkpoint."""
    goes_on = can_go_on(folder, summary.get("status"))
    way_on = f"; go on with it: nst resume={shlex.quote(str(folder))}" if goes_on else ""
    return f"{how_it_ended(folder, summary)}: only completed runs are repeated{way_on}"


def on_one_line(value: object, most: int = 80) -> str:
    """The value as text of at most ``most`` characters, without line ends or what commands a terminal."""
    text = " ".join(str(value).split())
    printable = "".join(letter for letter in text if letter.isprintable())
    return printable if len(printable) <= most else printable[: most - 3] + "..."


def check_repeatable(saved: SavedRun, overrides: Sequence[str]) -> tuple[SavedRun, Located]:
    """The run as it is to be made, with ``overrides`` after its own, and where its files are now.

    Raises InputError for a run that can't be made again or compared, and as ``_with_overrides`` does.
    """
    if not is_completed(saved.summary):
        raise InputError(why_not_repeated(saved.folder, saved.summary))
    _check_result(saved)
    wanted = _with_overrides(saved, overrides) if overrides else saved
    located = wanted.located()
    wanted.checked_inputs(located.files, explicit_keys(overrides))
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


# ---- Every completed run of a sweep, in a new sweep's folder ----


def rerun_sweep(
    old_folder: Path,
    runs: Mapping[str, SavedRun],
    folder: Path,
    tolerance: float,
    tell: Callable[[str, Verdict], None],
    overrides: Sequence[str],
) -> dict[str, Verdict]:
    """Make the runs again, each in the folder of its name below ``folder``; ``tell`` hears of each verdict.

    ``overrides`` come after those of every run.
    ``sweep.json`` is written as the command ``nst -m`` writes it, with ``rerun_of``.
    """
    verdicts: dict[str, Verdict] = {}
    jobs: list[dict[str, Any]] = []

    def write(status: str) -> None:
        facts = {"overrides": [], "rerun_of": str(old_folder.resolve()), "jobs": jobs, "status": status}
        write_text_atomically(folder / SWEEP, json.dumps(facts, indent=2) + "\n")

    for number, (name, saved) in enumerate(runs.items()):
        own = [*saved.overrides, *overrides]
        job = {"number": number, "folder": name, "overrides": own, "status": "running"}
        jobs.append(job)
        write("running")
        (folder / name).mkdir(parents=True)
        try:
            verdict = rerun(saved, folder / name, tolerance, folder, overrides)
        except Exception as error:  # one run that fails does not stop the others
            text = " ".join(str(error).split())
            said = text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"
            verdict = Verdict(saved, folder / name, tolerance, None, error=said)
        except BaseException:
            job["status"] = "interrupted"
            write("interrupted")
            raise
        job["status"] = "failed" if verdict.error else "completed"
        if verdict.error:
            job["error"] = verdict.error
        verdicts[name] = verdict
        tell(name, verdict)
    write("failed" if any("error" in job for job in jobs) else "completed")
    return verdicts


# ---- The run with overrides after its own ----

_OPTION = "the_saved_run"
# of the call, or of another run; the pictures of a saved run are those of its recipe
_NOT_OF_A_RUN = {
    "resume": "nst resume=RUN goes on with a run that is not completed",
    EXPERIMENT: "a run that is made again keeps its own recipe",
    "sweep": "the runs of a sweep are made again one by one",
}


def _with_overrides(saved: SavedRun, given: Sequence[str]) -> SavedRun:
    """The run as it is to be made after the overrides, KEY=VALUE or GROUP=OPTION, as ``nst`` takes them.

    They come after everything that the run says: an option that they choose replaces what the run has
    there. Names of files are those of the present folder. Raises InputError for whatever ``nst`` would
    refuse, and for overrides that are not of one run.
    """
    overrides = with_quoted_files(spelled_as_keys(given))
    _check_overrides(overrides)
    keys = explicit_keys(overrides)
    settings, choices = _composed_after(saved, overrides, keys)
    rename_files(settings, _from_here, keys.intersection(FILE_KEYS))
    if "precision" in keys:  # else a sweep would find it out in its middle
        load_tensorflow()
        from nst_tf.device import resolved_precision

        resolved_precision(settings.precision.name)
    named = {name for key in FILE_KEYS for name in as_list(value_at(settings, key)) if isinstance(name, str)}
    summary = {**saved.summary, "overrides": [*saved.overrides, *overrides]}
    inputs = tuple(one for one in saved.inputs if one.name in named)
    return replace(saved, summary=summary, settings=settings, choices=choices, inputs=inputs)


def _check_overrides(overrides: Sequence[str]) -> None:
    for override in overrides:
        key, equals, _ = override.partition("=")
        plain = key.lstrip("+~")
        if not equals or not plain:
            raise InputError(f"{override!r} is not of the form KEY=VALUE (see `nst-rerun --help`)")
        first = plain.partition(".")[0]
        if first == "hydra":
            raise InputError(f"{override} is not possible: --output says where the run is written")
        if first in _NOT_OF_A_RUN:
            raise InputError(f"{override} is not possible: {_NOT_OF_A_RUN[first]}")


def _composed_after(
    saved: SavedRun, overrides: Sequence[str], keys: frozenset[str]
) -> tuple[Settings, dict[str, str]]:
    """Settings and choices: the run as an experiment of this process, and the overrides after it."""
    wanted = copy.deepcopy(saved.settings)
    wanted.logger = {}
    if "calibration" in wanted.balance:  # was measured of the configuration before the overrides
        wanted.balance.calibration = None
    replaced = keys & config_groups()
    options = group_overrides(
        saved.choices if "layers" in replaced else with_given_layers(saved.choices, wanted)
    )
    base, flat = composition(options)[2], flatten(wanted)
    refuse_removed_keys(saved.folder, flat, base)

    def is_replaced(group: str) -> bool:
        return any(group == one or group.startswith(f"{one}/") for one in replaced)

    own = {
        path: value
        for path, value in differing(flat, base).items()
        if not any(is_replaced("/".join(path[:length])) for length in range(1, len(path) + 1))
    }
    ConfigStore.instance().store(group=EXPERIMENT, name=_OPTION, node=nested(own), package="_global_")
    kept = [option for option in options if not is_replaced(option.partition("=")[0])]
    settings, now = composed([*kept, f"{EXPERIMENT}={_OPTION}", *overrides])
    return settings, {group: one for group, one in now.items() if group != EXPERIMENT and one is not None}


def _from_here(name: str) -> str:
    """The absolute path: the working folder of the run that is made is that of the saved one."""
    path = None if name in NO_FILES else picture_path(name)
    if path is None or not is_there(path) or path.is_relative_to(SAMPLES):
        return name
    return os.path.abspath(path)  # noqa: PTH100  (keeps links as they are named)


# ---- Whether the same came out, and what was different ----


@dataclass(frozen=True)
class Comparison:
    """``identical``: every decoded pixel is; ``same_bytes``: the files are, too.

    ``psnr`` is in dB, infinite for identical pictures, and None for pictures of different sizes.
    """

    identical: bool
    same_bytes: bool
    psnr: float | None


def compare_pictures(before: Path, after: Path) -> Comparison:
    """Compare two picture files by their decoded pixels; raises InputError for one that can't be read."""
    first, second = read_picture(before), read_picture(after)
    if first.pixels.shape != second.pixels.shape:
        return Comparison(identical=False, same_bytes=False, psnr=None)
    return Comparison(
        identical=bool(np.array_equal(first.pixels, second.pixels)),
        same_bytes=first.file == second.file,
        psnr=psnr(first.pixels, second.pixels),
    )


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


def _environment_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """One line for each difference between two summaries (``run.json``): versions, device, pictures ..."""
    lines = []
    for path, name in _FACTS:
        lines += _difference(name, _at(before, path), _at(after, path))
    if before.get("stopped_by_callback"):
        lines.append(f"stopped by a callback after {before.get('steps')} steps then, made to the end now")
    lines += _difference("runs optimized at once", before.get("batch", 1), after.get("batch", 1))
    versions = [one if isinstance(one := run.get("versions"), dict) else {} for run in (before, after)]
    for name in sorted({str(key) for key in (*versions[0], *versions[1])}):
        lines += _difference(name, versions[0].get(name), versions[1].get(name))
    for key, name in (("styles", "style picture"), ("masks", "mask")):
        pictures = [
            one if isinstance(one := _at(run, ("inputs", key)), list) else [] for run in (before, after)
        ]
        for index, pair in enumerate(zip(*pictures, strict=False)):
            lines += _difference(f"SHA-256 of {name} {index}", *(_at(one, ("sha256",)) for one in pair))
    return lines


def _changed_settings(before: SavedRun, after: SavedRun, overrides: Sequence[str]) -> list[str]:
    """One line for each key of the overrides that has another value now."""
    keys = sorted(explicit_keys(spelled_as_keys(overrides)) - set(_RESOLVED))
    return [line for key in keys for line in _difference(key, *(_value(run, key) for run in (before, after)))]


def _value(run: SavedRun, key: str) -> Any:
    value = run.choices.get(key) if key in config_groups() else value_at(run.settings, key)
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=True)
    return "null" if value is None else _name(value)


def _name(value: Any) -> Any:
    """Of a member of an enumeration; another value as it is."""
    return getattr(value, "name", value)


def _difference(name: str, then: Any, now: Any) -> list[str]:
    """One line, or none if there is no difference."""
    shown = ["unknown" if value is None else on_one_line(value) for value in (then, now)]
    return [] if then == now else [f"{name}: {shown[0]} then, {shown[1]} now"]


def _at(node: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node
