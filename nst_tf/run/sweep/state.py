"""The sweep that this process launched: its jobs, and ``sweep.json``, which says how they are."""

from __future__ import annotations

import json
import shlex
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

from nst_tf.files import write_text_atomically
from nst_tf.processes import Process
from nst_tf.run.sweep.notes import (
    ENDED,
    JobNote,
    end_running,
    is_being_run,
    read_notes,
    read_object,
    remove_notes,
)
from nst_tf.run.sweep.plan import Plan
from nst_tf.run.sweep.stored_study import StoredStudy

SWEEP = "sweep.json"
"""The file in the folder of a sweep that says how its jobs are."""

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
