"""Which saved runs a folder holds, and where their repetitions go."""

from __future__ import annotations

import datetime as calendar
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from nst_tf.errors import InputError
from nst_tf.run.saved_run import SUMMARY

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
