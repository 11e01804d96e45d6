"""Finding the folders of runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nst_tf.compare.untrusted import inside, json_object
from nst_tf.errors import InputError

RUN, SWEEP = "run.json", "sweep.json"
_DIGITS = re.compile(r"(\d+)")


def find_runs(paths: Sequence[str | Path]) -> list[Path]:
    """The folders of all runs in ``paths``: run folders, sweep folders, or any folder above them.

    Each run once, in natural order (0, 1, 2, ..., 10) within a path, and in the order of the paths. A job
    that ``sweep.json`` names counts as a run even where it failed before it wrote anything but its folder.
    Links to folders are not followed below a path. Raises InputError for a path without any run.
    """
    if not paths:
        raise InputError("there is nothing to compare: give the folder of a run or of a sweep")
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        here = sorted(_runs_below(_folder(path)), key=_natural)
        if not here:
            raise InputError(f"there is no run in {path}: give the folder of a run, or one above it")
        for folder in here:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _folder(path: Path) -> Path:
    path = path.expanduser()
    if path.is_dir():
        return path
    if path.is_file() and (path.parent / RUN).is_file():  # a picture of a run, or its run.json
        return path.parent
    raise InputError(f"there is no folder {path}: give the folder of a run or of a sweep")


def _runs_below(top: Path) -> Iterator[Path]:
    for name, folders, files in os.walk(top):  # follows no links
        folder = Path(name)
        if RUN in files:
            folders.clear()
            yield folder
            continue
        jobs = set(_jobs_without_summary(folder)) if SWEEP in files else set()
        yield from jobs
        folders[:] = [one for one in folders if not one.startswith(".") and folder / one not in jobs]


def jobs_not_begun(paths: Sequence[str | Path]) -> tuple[int, int]:
    """How many jobs of the sweeps in ``paths`` have not begun, of how many that their ``sweep.json`` name."""
    begun: dict[Path, bool] = {}
    for path in paths:
        for name, folders, files in os.walk(_folder(Path(path))):
            if RUN in files:
                folders.clear()
            elif SWEEP in files:
                begun |= {folder.resolve(): has_begun for folder, has_begun in _jobs(Path(name))}
    return sum(not has_begun for has_begun in begun.values()), len(begun)


def _jobs_without_summary(sweep: Path) -> Iterator[Path]:
    for folder, has_begun in _jobs(sweep):
        if has_begun and not (folder / RUN).exists():
            yield folder


def _jobs(sweep: Path) -> Iterator[tuple[Path, bool]]:
    """The folders of the jobs that ``sweep.json`` names, and whether they have begun."""
    try:
        jobs = json_object(sweep / SWEEP).get("jobs")
    except InputError:
        return  # what the jobs wrote is found all the same
    for job in jobs if isinstance(jobs, list) else ():
        if not isinstance(job, dict):
            continue
        try:
            folder = inside(sweep, job.get("folder"), "the folder of a job")
        except InputError:
            continue
        if folder != sweep:
            yield folder, (folder / RUN).exists() or (job.get("status") != "pending" and folder.is_dir())


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    """For sorting: numbers in names count as numbers."""
    return [
        (part.isdigit(), int(part) if part.isdigit() else 0, part)
        for name in path.parts
        for part in [*_DIGITS.split(name), "/"]
        if part
    ]
