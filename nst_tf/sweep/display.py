"""What a person sees of a sweep: one line that moves in a terminal, a line a job elsewhere."""

from __future__ import annotations

import threading
import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from nst_tf.errors import counted
from nst_tf.files import relative_to_here
from nst_tf.report import clock
from nst_tf.runs.folder import WENT_WRONG, last_row
from nst_tf.sweep.search import progress_of
from nst_tf.sweep.state import JobRecord, Sweep, read_records

_OVER = ("completed", *WENT_WRONG)  # one that was interrupted is still to be done
SECONDS_BETWEEN_LINES = 20.0  # where there is no terminal: a log shall show that it lives
_MOST_RUNNING = 2  # jobs: a terminal's line has room for no more
SECONDS_BETWEEN_LOOKS = 0.5  # a job takes seconds at least, and each look reads a file a job


class SweepDisplay:
    """Follows the jobs from a thread of its own, and keeps ``sweep.json`` true meanwhile."""

    def __init__(self, sweep: Sweep) -> None:
        """Follow ``sweep`` from ``start`` to ``stop``."""
        self._sweep = sweep
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("sweep"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[said]}"),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._over = {job["number"]: job["status"] for job in sweep.with_status(*_OVER)}
        self._ended_in_this_call = 0
        self._has_introduced = False
        self._task = self._bar.add_task("sweep", total=sweep.plan.count, said="")
        self._began = self._last_line = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="sweep", daemon=True)

    def start(self) -> None:
        self._bar.start()
        self._thread.start()

    def stop(self) -> None:
        """Read the records a last time, and take the line away."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._has_introduced or self._sweep.study is not None or read_records(self._sweep.folder):
            self.look()
        self._bar.stop()

    @property
    def elapsed(self) -> str:
        """Hours, minutes and seconds since the start."""
        return clock(time.monotonic() - self._began)

    def _follow(self) -> None:
        while not self._stopped.wait(SECONDS_BETWEEN_LOOKS):
            self.look()

    def _introduce(self) -> None:
        """At the first look: a sweep that Hydra refuses at once is over by then."""
        self._has_introduced = True
        count, there = self._sweep.plan.count, len(self._over)
        jobs = "a search" if count is None else counted(count, "job")
        self._line(f"{jobs} in {relative_to_here(self._sweep.folder)}")
        if self._sweep.study is not None:
            self._line(progress_of(self._sweep.study, count or 0))
        if there:
            self._line(f"{self._of_all(there)} {'is' if there == 1 else 'are'} completed already")

    def look(self) -> None:
        """Read the records of the jobs, tell of those that ended since, and move the bar."""
        if not self._has_introduced:
            self._introduce()
        try:
            ended = self._sweep.refresh()
        except OSError as error:  # a full disk must not end the thread; the end of the sweep writes again
            self._line(f"sweep.json can't be written now ({error.strerror})")
            return
        for record in ended:
            self._tell(record)
        running = self._running()
        said = "; ".join([self._counts(), *running])
        self._bar.update(self._task, completed=len(self._over), said=said)
        if not self._console.is_terminal and time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            for line in running:
                self._line(line)

    def _running(self) -> list[str]:
        """Of the first jobs that run, the step that each is at, and its loss."""
        said = []
        for job in self._sweep.with_status("running")[:_MOST_RUNNING]:
            row = last_row(self._sweep.folder / job["folder"]) or {}
            step, loss = row.get("step"), row.get("loss")
            if isinstance(step, int) and isinstance(loss, float):
                said.append(f"job {job['number']} at step {step + 1}, loss {loss:.4g}")
        return said

    def _tell(self, record: JobRecord) -> None:
        """Tell of a job; the counts are of those that were told of so far."""
        if record.status in _OVER:
            self._over[record.number] = record.status
            self._ended_in_this_call += not record.was_there
        name = self._sweep.name({"number": record.number, "overrides": record.overrides})
        if record.status in WENT_WRONG:
            self._line(f"{name} {record.status}: {record.error}")
        elif not record.was_there and not self._console.is_terminal:
            took = f" in {record.seconds:.0f} s" if record.seconds is not None else ""
            self._line(f"{name} {record.status}{took}: {self._counts()}")

    def _counts(self) -> str:
        failed = sum(status in WENT_WRONG for status in self._over.values())
        return (
            f"{self._of_all(len(self._over))} done" + (f", {failed} failed" if failed else "") + self._left()
        )

    def _of_all(self, number: int) -> str:
        count = self._sweep.plan.count
        return counted(number, "job") if count is None else f"{number} of {counted(count, 'job')}"

    def _left(self) -> str:
        """From the mean time between the ends of jobs so far, those of earlier calls left out."""
        left = (self._sweep.plan.count or 0) - len(self._over)
        if left <= 0 or not self._ended_in_this_call:
            return ""
        return f", about {clock((time.monotonic() - self._began) / self._ended_in_this_call * left)} left"

    def _line(self, text: str) -> None:
        self._last_line = time.monotonic()
        self._console.print(escape(text), soft_wrap=True)
