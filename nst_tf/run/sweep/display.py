"""What a person sees of a sweep: one line that moves in a terminal, a line a job elsewhere."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from nst_tf.run.sweep.notes import ENDED, JobNote
from nst_tf.run.sweep.state import FAILED, Sweep

_SECONDS_BETWEEN_LOOKS = 0.5  # a job takes seconds at least, and each look reads a file a job


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
        self._task = self._bar.add_task("sweep", total=sweep.count, said="")
        self._began = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="sweep", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        there = len(self._sweep.with_status("completed"))
        if there:
            self._line(f"{there} of {self._sweep.count} jobs are completed already")
        self._bar.start()
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and take the line away."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._look()
        self._bar.stop()

    @property
    def elapsed(self) -> str:
        """Hours, minutes and seconds since the start."""
        return _clock(time.monotonic() - self._began)

    def _follow(self) -> None:
        while not self._stopped.wait(_SECONDS_BETWEEN_LOOKS):
            self._look()

    def _look(self) -> None:
        try:
            ended = self._sweep.refresh()
        except OSError as error:  # a full disk must not end the thread; the end of the sweep writes again
            self._line(f"sweep.json can't be written now ({error.strerror})")
            return
        said = self._said()
        self._bar.update(self._task, completed=len(self._sweep.with_status(*ENDED)), said=said)
        for note in ended:
            self._tell(note, said)

    def _tell(self, note: JobNote, said: str) -> None:
        name = self._sweep.name({"number": note.number, "overrides": note.overrides})
        if note.status in FAILED:
            self._line(f"{name} {note.status}: {note.error}")
        elif not note.was_there and not self._console.is_terminal:
            took = f" in {note.seconds:.0f} s" if note.seconds is not None else ""
            self._line(f"{name} {note.status}{took}: {said}")

    def _said(self) -> str:
        ended, failed = self._sweep.with_status(*ENDED), self._sweep.with_status(*FAILED)
        of = f" of {self._sweep.count}" if self._sweep.count is not None else ""
        left = self._left(ended)
        return f"{len(ended)}{of} jobs done" + (f", {len(failed)} failed" if failed else "") + left

    def _left(self, ended: Sequence[object]) -> str:
        """From the mean time between the ends of jobs so far, those of earlier calls left out."""
        here = [note for note in self._sweep.notes.values() if note.status in ENDED and not note.was_there]
        if self._sweep.count is None or not here or len(ended) >= self._sweep.count:
            return ""
        each = (time.monotonic() - self._began) / len(here)
        return f", about {_clock(each * (self._sweep.count - len(ended)))} left"

    def _line(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))
