"""How the jobs of a sweep are: a record a job, written by the process that runs it, and sweep.json.

The process that launched the sweep reads the records, whichever launcher made the others.
"""

from __future__ import annotations

import json
import shlex
import sys
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from nst_tf.files import remove_empty, write_text_atomically
from nst_tf.machine import Process
from nst_tf.runs.folder import (
    ENDED,
    JOBS,
    METRICS,
    MULTIRUN,
    RUN_JSON,
    SWEEP,
    jobs_of,
    read_object,
    write_summary,
)
from nst_tf.sweep.plan import Plan, PlannedJob
from nst_tf.sweep.search import StoredStudy

_SILENCE_OF_THE_DEAD = 600.0  # seconds; a step takes a few, imports and compilation up to a minute
_KILLED = "its process was killed, by someone or for want of memory"


@dataclass(frozen=True)
class JobRecord:
    """One job: its folder within the sweep's, its overrides, how far it is.

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


def write_record(sweep: Path, record: JobRecord) -> None:
    """Write it in one step; it replaces the last one of this job."""
    folder = sweep / JOBS
    folder.mkdir(exist_ok=True)
    write_text_atomically(folder / f"{record.number}.json", json.dumps(asdict(record)) + "\n")


def read_records(sweep: Path) -> dict[int, JobRecord]:
    """The last record of every job that began, by its number; what is no record is passed over."""
    records = {}
    for path in (sweep / JOBS).glob("[0-9]*.json"):
        facts = read_object(path) or {}
        with suppress(KeyError, TypeError):
            facts |= {"process": Process(**facts["process"]), "overrides": tuple(facts["overrides"])}
            record = JobRecord(**facts)
            records[record.number] = record
    return dict(sorted(records.items()))


def remove_records(sweep: Path) -> None:
    """Take them away, when nobody will write one any more."""
    for path in (sweep / JOBS).glob("*.json"):
        path.unlink(missing_ok=True)
    remove_empty([sweep / JOBS])


def is_being_run(sweep: Path, record: JobRecord) -> bool:
    """Whether another process than this one is at the job.

    Of a process on another machine, as on a cluster, only its writing can be seen: it counts as gone after
    ten minutes without a sign of life.
    """
    if record.status != "running" or record.process == Process.this():
        return False
    if record.process.is_of_this_host:
        return record.process.is_alive
    folder = sweep / record.folder
    signs = (sweep / JOBS / f"{record.number}.json", folder / RUN_JSON, folder / METRICS)
    last = max((path.stat().st_mtime for path in signs if path.exists()), default=0.0)
    # a sign from the future, after the clock was set back, is none of life
    return abs(time.time() - last) < _SILENCE_OF_THE_DEAD


def end_running(folder: Path, status: str, error: str | None) -> None:
    """Say in the summary of a run how it ended, if it had not ended by itself."""
    summary = read_object(folder / RUN_JSON)
    if summary is not None and summary.get("status") not in ("completed", "diverged"):
        write_summary(folder, {**summary, "status": status} | ({"error": error} if error else {}))


def how_to_go_on(sweep: Path) -> str:
    """The end of a sentence about a sweep that is not over."""
    return f"the same words with hydra.sweep.dir={shlex.quote(str(sweep))} go on with it"


@dataclass
class Sweep:
    """A sweep: its jobs, counted, and ``sweep.json``, which says how they are.

    ``folder`` is absolute; ``completed`` are the jobs that an earlier call has completed; ``compare`` says
    whether the runs are compared at its end; ``study`` is what was stored of a search before.
    """

    current: ClassVar[Sweep | None] = None
    """The one that this process launched."""

    folder: Path
    plan: Plan
    completed: Collection[int] = ()
    compare: bool = True
    study: StoredStudy | None = None

    def __post_init__(self) -> None:
        self._created_folders = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        self._earlier = earlier_jobs(self.folder)
        self._records: dict[int, JobRecord] = {}
        self._written = ""
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Make the folder and say that nothing was run yet; records of an earlier call are removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_records(self.folder)
        self.refresh()

    def refresh(self) -> list[JobRecord]:
        """Read the records of the jobs and write sweep.json; returns those that ended since the last time."""
        with self._lock:
            records = read_records(self.folder)
            ended = [
                record
                for number, record in records.items()
                if record.status in ENDED
                and not (number in self._records and self._records[number].status in ENDED)
            ]
            self._records = records
            self._write("running")
            return ended

    def with_status(self, *statuses: str) -> list[Mapping[str, Any]]:
        """The jobs, as ``sweep.json`` tells of them, that have one of the statuses."""
        return [job for job in self.jobs() if job["status"] in statuses]

    def jobs(self) -> list[Mapping[str, Any]]:
        """Every job: number, folder, overrides, status; its error, its value in a search where it has one."""

        def entry(job: PlannedJob | JobRecord, status: str) -> dict[str, Any]:
            facts = {"number": job.number, "folder": job.folder, "overrides": list(job.overrides)}
            return facts | {"status": status}

        known = {
            job.number: entry(job, "completed" if job.number in self.completed else "pending")
            for job in self.plan.jobs or ()
        }
        for number, record in self._records.items():
            known[number] = entry(record, record.status)
            known[number] |= {"error": record.error} if record.error else {}
            known[number] |= {"value": record.value} if record.value is not None else {}
        return [known[number] for number in sorted(known)]

    def values(self) -> dict[str, float | list[float]]:
        """What a search makes smaller, by the names of its jobs, and of trials that other calls made."""
        told = (*(self._earlier if self.study else ()), *self.jobs())
        jobs = {job["number"]: job for job in told}
        here = {number: job for number, job in sorted(jobs.items()) if "value" in job}
        elsewhere = self.study.values(but=here) if self.study else {}
        return elsewhere | {self.name(job): job["value"] for job in here.values()}

    def name(self, job: Mapping[str, Any]) -> str:
        """The number of a job and the overrides that only it has."""
        own = " ".join(one for one in job["overrides"] if one not in self.plan.fixed)
        return f"job {job['number']}{f' ({own})' if own else ''}"

    def end(self, interrupted: bool = False) -> str:
        """Say of every job whose process is gone how it ended, and of the sweep; returns its status."""
        self.refresh()
        with self._lock:
            for number, record in self._records.items():
                if record.status == "running" and not is_being_run(self.folder, record):
                    status, error = ("interrupted", None) if interrupted else ("failed", _KILLED)
                    self._records[number] = replace(record, status=status, error=error)
                    end_running(self.folder / record.folder, status, error)
            statuses = {job["status"] for job in self.jobs()}
            status = "interrupted" if interrupted else "completed" if statuses <= {"completed"} else "failed"
            self._write(status)
            if "running" not in statuses:
                remove_records(self.folder)
        return status

    def interrupt(self) -> None:
        """The process ends in the middle of one of its own jobs: say so."""
        self.end(interrupted=True)
        print(f"\nnst: interrupted; {how_to_go_on(self.folder)}", file=sys.stderr, flush=True)  # noqa: T201

    def remove(self) -> None:
        """Take everything away that was made for a sweep none of whose jobs began."""
        remove_records(self.folder)
        if self.folder not in self._created_folders:
            return
        for name in (SWEEP, MULTIRUN):
            (self.folder / name).unlink(missing_ok=True)
        remove_empty(self._created_folders)

    def _write(self, status: str) -> None:
        known = {job["number"]: job for job in (*self._earlier, *self.jobs())}
        jobs = [known[number] for number in sorted(known)]
        facts = {"overrides": self.plan.overrides, "status": status, "process": asdict(Process.this())}
        text = json.dumps(facts | {"jobs": jobs}, indent=2) + "\n"
        if text != self._written:
            write_text_atomically(self.folder / SWEEP, text)
            self._written = text


def earlier_jobs(folder: Path) -> list[dict[str, Any]]:
    """The jobs of an earlier call whose folders are still there, as it told of them."""
    return [
        job
        for job in jobs_of(folder)
        if isinstance(job.get("number"), int) and (folder / job["folder"]).is_dir()
    ]
