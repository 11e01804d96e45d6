"""What a folder holds that is to be made again, how a run there ended, and where its repetition goes."""

from __future__ import annotations

import datetime as calendar
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nst_tf.errors import InputError
from nst_tf.files import natural_order
from nst_tf.runs.folder import SUMMARY, can_go_on, read_summary
from nst_tf.runs.saved_run import SavedRun, read_saved_run

_OUTPUTS, _SWEEPS = Path("outputs"), Path("outputs/multirun")  # as conf/config.yaml has them
_SUFFIX_BYTES = 2  # four hexadecimal digits tell apart runs that start in the same second, as nst's own
_MOST_DEPTH = 3  # of the runs of a sweep below its folder: hydra.sweep.subdir may have slashes
_MOST_LETTERS = 300  # of an error's own sentence: ours are shorter
_ENDS = {
    "failed": "failed",
    "diverged": "diverged",
    "interrupted": "was interrupted",
    "running": "is not at its end, or was killed",
}


@dataclass(frozen=True)
class RunsInFolder:
    """A run, or the runs of a sweep by their names relative to ``folder``, in their order."""

    folder: Path
    is_sweep: bool
    names: tuple[str, ...] = ("",)


def find_runs(folder: Path) -> RunsInFolder:
    """What the folder holds; raises InputError if that is neither a run nor a sweep."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give the folder of a run or of a sweep")
    if (folder / SUMMARY).exists():
        return RunsInFolder(folder, is_sweep=False)
    names = []
    for path, below, files in os.walk(folder):  # does not follow links
        relative = Path(path).relative_to(folder)
        if SUMMARY in files:
            names.append(relative.as_posix())
        if SUMMARY in files or len(relative.parts) >= _MOST_DEPTH:
            below.clear()
    if not names:
        raise InputError(f"{folder} is neither the folder of a run nor of a sweep: there is no {SUMMARY}")
    return RunsInFolder(folder, is_sweep=True, names=tuple(sorted(names, key=natural_order)))


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


def completed_runs(sweep: RunsInFolder) -> tuple[dict[str, SavedRun], dict[str, str]]:
    """The completed runs by name, and a sentence for each other one, of which nothing but its end is read.

    Raises InputError if there is none, or if a completed one can't be read.
    """
    runs, left_out = {}, {}
    for name in sweep.names:
        folder = sweep.folder / name
        try:
            summary = read_summary(folder)
            if is_completed(summary):
                runs[name] = read_saved_run(folder)
            else:
                left_out[name] = f"{how_it_ended(folder, summary)}: left out"
        except InputError as error:
            raise InputError(f"run {name} of the sweep: {error}") from None
    if not runs:
        raise InputError(
            f"no run of the sweep in {sweep.folder} is completed: {next(iter(left_out.values()))}"
        )
    return runs, left_out


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
