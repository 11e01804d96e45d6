"""What the job of a sweep tells the others: one small file a job, written by the process that runs it.

The process that launched the sweep reads them, whichever launcher made the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nst_tf.files import write_text_atomically
from nst_tf.processes import Process

NOTES = ".jobs"
"""The folder of the notes in the folder of a sweep, while it goes on."""

SUMMARY = "run.json"
"""What the folder of a run tells of it; ``nst_tf.record`` writes it, and imports TensorFlow."""

_SILENCE_OF_THE_DEAD = 600.0  # seconds; a step takes a few, imports and compilation up to a minute

ENDED = ("completed", "diverged", "failed", "interrupted")


@dataclass(frozen=True)
class JobNote:
    """One job: its folder within the sweep's, its words, how far it is.

    ``status`` is running or one of ``ENDED``; ``error`` is one sentence; ``seconds`` is how long it took;
    ``was_there`` marks a job that an earlier call had completed; ``value`` is what a search makes smaller.
    """

    number: int
    folder: str
    overrides: tuple[str, ...]
    status: str
    process: Process
    error: str | None = None
    seconds: float | None = None
    was_there: bool = False
    value: float | list[float] | None = None


def write_note(sweep: Path, note: JobNote) -> None:
    """Write it, in one step, in the place of the last one of this job."""
    folder = sweep / NOTES
    folder.mkdir(exist_ok=True)
    write_text_atomically(folder / f"{note.number}.json", json.dumps(asdict(note)) + "\n")


def read_notes(sweep: Path) -> dict[int, JobNote]:
    """The last note of every job that began, by its number."""
    notes = (_read(path) for path in (sweep / NOTES).glob("[0-9]*.json"))
    return {note.number: note for note in sorted(filter(None, notes), key=lambda note: note.number)}


def remove_notes(sweep: Path) -> None:
    """Take them away, when nobody will write one any more."""
    for path in (sweep / NOTES).glob("*.json"):
        path.unlink(missing_ok=True)
    if (sweep / NOTES).is_dir():
        (sweep / NOTES).rmdir()


def is_being_run(sweep: Path, note: JobNote) -> bool:
    """Whether another process than this one is at the job.

    Of a process on another machine, as on a cluster, only its writing can be seen: it counts as gone after
    ten minutes without a sign of life.
    """
    if note.status != "running" or note.process == Process.this():
        return False
    if note.process.is_of_this_host:
        return note.process.is_alive
    folder = sweep / note.folder
    signs = (sweep / NOTES / f"{note.number}.json", folder / SUMMARY, folder / "metrics.jsonl")
    last = max((path.stat().st_mtime for path in signs if path.exists()), default=0.0)
    # a sign from the future, after the clock was set back, is none of life
    return abs(time.time() - last) < _SILENCE_OF_THE_DEAD


def read_object(path: Path) -> Mapping[str, Any] | None:
    """The JSON object in a file; None if there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def end_running(folder: Path, status: str, error: str | None) -> None:
    """Say in the summary of a run how it ended, if it had not ended by itself."""
    summary = read_object(folder / SUMMARY)
    if summary is not None and summary.get("status") not in ("completed", "diverged"):
        ended = {**summary, "status": status} | ({"error": error} if error else {})
        write_text_atomically(folder / SUMMARY, json.dumps(ended, indent=2) + "\n")


def _read(path: Path) -> JobNote | None:
    value = read_object(path)
    try:
        return JobNote(
            **{
                **(value or {}),
                "process": Process(**(value or {})["process"]),
                "overrides": tuple((value or {})["overrides"]),
            }
        )
    except (KeyError, TypeError):
        return None
