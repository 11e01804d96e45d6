"""What a person sees while a run goes on: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from nst_tf.counted import counted
from nst_tf.pyramid import Scale
from nst_tf.run.time_left import TimeLeft, clock
from nst_tf.solver import Report, Solver

_SECONDS_BETWEEN_LINES = 10.0  # often enough to see that it lives, seldom enough for a log


class Display:
    """Tells of the run on standard error; use it as a context."""

    def __init__(self, scales: list[Scale], quiet: bool = False) -> None:
        """``scales`` are those that the run will go through; ``quiet`` says nothing."""
        self._console = Console(stderr=True, highlight=False, quiet=quiet)
        self._total = sum(scale.steps for scale in scales)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f}/{task.total:.0f}  {task.fields[numbers]}"),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("preparing", total=self._total, numbers="")
        self._size = self._frame = ""
        self._entered = (0.0, 0)
        self._left = TimeLeft(scales)
        self._known_left: float | None = None
        self._last_line = time.perf_counter()
        self._is_early = True  # no line has told yet how long it takes

    def __enter__(self) -> Display:
        """Start the bar."""
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the bar away."""
        self._bar.stop()

    def on_frame(self, number: int, count: int) -> None:
        """Say which frame of an animation comes."""
        self._frame = f"frame {number} of {count}, "

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Say which size begins."""
        self._size = f"{self._frame}{width} x {height}"
        self._entered = (0.0, 0)
        self._left.scale_begins(scale, time.perf_counter())
        self._bar.update(self._task, description=self._size)
        if not self._console.is_terminal:
            self._console.print(f"{self._size} pixels, {counted(scale.steps, 'step')}", soft_wrap=True)

    def on_report(self, report: Report, solver: Solver) -> None:
        """Move the bar, or print a line if the last one is long ago."""
        if self._entered[0] == 0.0:
            self._entered = (report.seconds, report.step)
        seconds, steps = report.seconds - self._entered[0], report.step - self._entered[1]
        rate = f"{steps / seconds:.2f} steps/s" if seconds > 0 and steps > 0 else ""
        terms: dict[str, float] = {}
        for name, value in report.parts.items():
            term = name.partition("/")[0]
            terms[term] = terms.get(term, 0.0) + value
        numbers = f"loss {report.loss:.4g} = " + " + ".join(
            f"{term} {value:.3g}" for term, value in terms.items()
        )
        done, now = report.step + 1, time.perf_counter()
        left = self._left.step_ends(done, now) if report.is_last_of_call else self._known_left
        self._known_left = left
        ending = f", about {clock(left)} left" if left is not None and done < self._total else ""
        self._bar.update(self._task, completed=done, numbers=f"{numbers}  {rate}{ending}")
        is_due = now - self._last_line > _SECONDS_BETWEEN_LINES or (self._is_early and ending)
        if not self._console.is_terminal and (is_due or done == self._total):
            self._last_line, self._is_early = now, False
            self._console.print(f"step {done} of {self._total}: {numbers}  {rate}{ending}", soft_wrap=True)
