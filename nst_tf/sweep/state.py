"""How the jobs of a sweep are: sweep.json, and one note a job."""

from __future__ import annotations

import json
import shlex
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from nst_tf.files import write_text_atomically
from nst_tf.machine import Process
from nst_tf.runs.folder import SWEEP
from nst_tf.sweep.plan import Plan
from nst_tf.sweep.search import StoredStudy

# ----------------------------------------------------------------------------
# What the job of a sweep tells the others: one small file a job, written by the process that runs it.
#
# The process that launched the sweep reads them, whichever launcher made the others.

NOTES = ".jobs"
"""The folder of the notes in the folder of a sweep, while it goes on."""

SUMMARY = "run.json"
"""What the folder of a run tells of it; ``nst_tf.runs`` writes it, and imports TensorFlow."""

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


# ----------------------------------------------------------------------------
# The sweep that this process launched: its jobs, and ``sweep.json``, which says how they are.

MULTIRUN = "multirun.yaml"  # Hydra's own record of the command

FAILED = ("failed", "diverged")
_KILLED = "its process was killed, by someone or for want of memory"


class Sweep:
    """One sweep. ``compare`` says whether the runs are compared at its end."""

    current: ClassVar[Sweep | None] = None
    """The one that this process launched."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        completed: Iterable[int] = (),
        compare: bool = True,
        study: StoredStudy | None = None,
    ) -> None:
        """``folder`` is absolute; ``completed`` are the jobs that an earlier call has completed.

        ``study`` is what was stored of a search before.
        """
        self.study = study
        self.folder = folder
        self.plan = plan
        self.compare = compare
        self.missing_folders = tuple(path for path in (folder, *folder.parents) if not path.exists())
        self._completed = frozenset(completed)
        self._earlier = earlier_jobs(folder)
        self._notes: dict[int, JobNote] = {}
        self._written = ""
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Make the folder and say that nothing was run yet; notes of an earlier call are void."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_notes(self.folder)
        self.refresh()

    def refresh(self) -> list[JobNote]:
        """Read what the jobs said, write it down; returns those that ended since the last time."""
        with self._lock:
            notes = read_notes(self.folder)
            ended = [
                note
                for number, note in notes.items()
                if note.status in ENDED and self._status(number) not in ENDED
            ]
            self._notes = notes
            self._write("running")
            return ended

    @property
    def notes(self) -> Mapping[int, JobNote]:
        """The last note of every job that began in this call."""
        return self._notes

    @property
    def count(self) -> int | None:
        """How many jobs there are in all; None where a search doesn't say."""
        return self.plan.count

    def with_status(self, *statuses: str) -> list[Mapping[str, Any]]:
        """The jobs, as ``sweep.json`` tells of them, that have one of the statuses."""
        return [job for job in self.jobs() if job["status"] in statuses]

    def jobs(self) -> list[Mapping[str, Any]]:
        """Every job: number, folder, overrides, status; its error, its value in a search where it has one."""
        known: dict[int, dict[str, Any]] = {
            job.number: {
                "number": job.number,
                "folder": job.folder,
                "overrides": list(job.overrides),
                "status": "completed" if job.number in self._completed else "pending",
            }
            for job in self.plan.jobs or ()
        }
        for number, note in self._notes.items():
            known[number] = {
                "number": number,
                "folder": note.folder,
                "overrides": list(note.overrides),
                "status": note.status,
            }
            known[number] |= {"error": note.error} if note.error else {}
            known[number] |= {"value": note.value} if note.value is not None else {}
        return [known[number] for number in sorted(known)]

    def values(self) -> dict[str, float | list[float]]:
        """What a search makes smaller, by the names of its jobs, and of trials that other calls made."""
        jobs = {job["number"]: job for job in (*self._earlier, *self.jobs())} if self.study else {}
        jobs |= {job["number"]: job for job in self.jobs()}
        here = {number: job for number, job in sorted(jobs.items()) if "value" in job}
        elsewhere = self.study.values(but=here) if self.study else {}
        return elsewhere | {self.name(job): job["value"] for job in here.values()}

    def name(self, job: Mapping[str, Any]) -> str:
        """The number of a job and the words that only it has."""
        own = " ".join(word for word in job["overrides"] if word not in self.plan.fixed)
        return f"job {job['number']}{f' ({own})' if own else ''}"

    def end(self, interrupted: bool = False) -> str:
        """Say of every job whose process is gone how it ended, and of the sweep; returns its status."""
        self.refresh()
        with self._lock:
            for number, note in self._notes.items():
                if note.status == "running" and not is_being_run(self.folder, note):
                    status, error = ("interrupted", None) if interrupted else ("failed", _KILLED)
                    self._notes[number] = replace(note, status=status, error=error)
                    end_running(self.folder / note.folder, status, error)
            statuses = {job["status"] for job in self.jobs()}
            status = "interrupted" if interrupted else "completed" if statuses <= {"completed"} else "failed"
            self._write(status)
            if "running" not in statuses:
                remove_notes(self.folder)
        return status

    def leave(self) -> None:
        """The process ends in the middle of one of its own jobs: say so."""
        self.end(interrupted=True)
        how = f"the same words with hydra.sweep.dir={shlex.quote(str(self.folder))} go on with it"
        print(f"\nnst: interrupted; {how}", file=sys.stderr, flush=True)  # noqa: T201

    def abandon(self) -> None:
        """Take everything away that was made for a sweep none of whose jobs began."""
        remove_notes(self.folder)
        if self.folder not in self.missing_folders:
            return
        for name in (SWEEP, MULTIRUN):
            (self.folder / name).unlink(missing_ok=True)
        for empty in self.missing_folders:
            try:
                empty.rmdir()
            except OSError:
                return

    def _status(self, number: int) -> str | None:
        return self._notes[number].status if number in self._notes else None

    def _write(self, status: str) -> None:
        known = {job["number"]: job for job in (*self._earlier, *self.jobs())}
        jobs = [known[number] for number in sorted(known)]
        facts = {"overrides": self.plan.words, "status": status, "process": asdict(Process.this())}
        text = json.dumps(facts | {"jobs": jobs}, indent=2) + "\n"
        if text != self._written:
            write_text_atomically(self.folder / SWEEP, text)
            self._written = text


def earlier_jobs(folder: Path) -> list[dict[str, Any]]:
    """The jobs of an earlier call whose folders are still there, as it told of them."""
    jobs = (read_object(folder / SWEEP) or {}).get("jobs")
    return [
        job
        for job in (jobs if isinstance(jobs, list) else [])
        if isinstance(job, dict)
        and isinstance(job.get("number"), int)
        and isinstance(job.get("folder"), str)
        and (folder / job["folder"]).is_dir()
    ]
