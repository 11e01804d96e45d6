"""What follows a run while it goes on: its folder, the display, the end that came too early."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from nst_tf.errors import InputError, counted
from nst_tf.machine import seconds_of_process
from nst_tf.optim.loop import Solver
from nst_tf.pyramid import Scale
from nst_tf.report import Report, TimeLeft, clock
from nst_tf.runs.checkpoint import Checkpoint, write_checkpoint
from nst_tf.runs.folder import RunFolder, resume_hint
from nst_tf.runs.provenance import Timings
from nst_tf.runs.signals import DeferredSignals

# ---- The callback that writes into the run's folder ----

# After a signal a call of the compiled step has a second to end (see ExitInTime). A call of half of that may
# be followed by one that does not end in time, as at the next size: so the picture is kept here.
SECONDS_OF_A_SLOW_CALL = 0.5
# After calls this slow a signal leaves no time for a checkpoint, so they are written more often: as often as
# this part of the time allows, which is after every call for a few megabytes, and not for gigabytes.
SECONDS_OF_A_VERY_SLOW_CALL = 2.0
_PART_FOR_CHECKPOINTS = 0.02


@dataclass
class Recording:
    """Writes a row for every report, a picture every ``image_every`` steps, and checkpoints.

    A checkpoint is written every ``checkpoint_every`` seconds, more often where a step takes seconds, and
    with ``keep_the_end`` also after the last step; 0 writes no pictures, or no checkpoints. ``resumed`` is
    the checkpoint that the run continues from. A ``deferred`` signal is delivered after a call of the
    compiled step, once a checkpoint is written.
    """

    folder: RunFolder
    deferred: DeferredSignals
    image_every: int = 0
    checkpoint_every: float = 0
    resumed: Checkpoint | None = None
    keep_the_end: bool = False

    def __post_init__(self) -> None:
        self.kept_the_end = False
        """Whether the last checkpoint is of the end."""
        self.first_step_after: float | None = None
        """The age of the process after the first step: what a person waits before anything moves."""
        self.picture_so_far: tuple[int, np.ndarray] | None = None
        """Steps, and the image [H, W, 3] after them; of the last slow call or checkpoint."""
        self._seconds = 0.0
        self._last_checkpoint = time.monotonic()
        self._checkpoint_took = self._in_calls = 0.0
        self._scale = self.resumed.scale - 1 if self.resumed else -1
        self._steps_at_scale = self._roll_backs = 0

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Count sizes; each row of the metrics names its own."""
        self._scale += 1
        self._steps_at_scale = self.resumed.steps_at_scale if self.resumed else 0
        self.resumed = None  # later sizes begin anew

    def on_report(self, report: Report, solver: Solver) -> None:
        """Write the row, and picture and checkpoint if it is time; calls end at ``image_every``."""
        if self.checkpoint_every:
            self.deferred.defer()
        if self.first_step_after is None:
            self.first_step_after = round(seconds_of_process(), 3)
        self.folder.log(report)
        if len(solver.roll_backs) != self._roll_backs:
            self._roll_backs = len(solver.roll_backs)
            self.folder.update(roll_backs=[one.told() for one in solver.roll_backs])
        self._steps_at_scale += 1
        self._seconds = report.seconds
        updates = report.step + 1
        if self.image_every and updates % self.image_every == 0:
            self.folder.progress_picture(updates, solver.picture)
        # only then is the solver's state that of this report
        if report.is_last_of_call:
            self._end_call(report, updates, solver)

    def on_end(self, solver: Solver) -> None:
        """Keep the state after the last step, if that is asked for."""
        if self.keep_the_end and solver.step:
            self._keep(solver.step, self._seconds, solver)
            self.kept_the_end = True

    def _end_call(self, report: Report, updates: int, solver: Solver) -> None:
        before, self._in_calls = self._in_calls, solver.seconds["first_steps"] + solver.seconds["steps"]
        took, now = self._in_calls - before, time.monotonic()
        is_slow = took > SECONDS_OF_A_SLOW_CALL
        is_due = bool(self.checkpoint_every) and (
            self.deferred.is_waiting
            or now - self._last_checkpoint >= self._wait(took > SECONDS_OF_A_VERY_SLOW_CALL)
        )
        if is_slow or is_due:
            self.picture_so_far = updates, solver.picture
        if is_due:
            self._keep(updates, report.seconds, solver)
            self._last_checkpoint = time.monotonic()
            self._checkpoint_took = self._last_checkpoint - now
            if self.deferred.is_waiting:
                self.deferred.deliver()

    def _keep(self, step: int, seconds: float, solver: Solver) -> None:
        checkpoint = Checkpoint(self._scale, self._steps_at_scale, step, seconds, solver.state())
        write_checkpoint(self.folder.path, checkpoint)

    def _wait(self, is_very_slow: bool) -> float:
        """Seconds between checkpoints."""
        if not is_very_slow:
            return self.checkpoint_every
        return min(self.checkpoint_every, self._checkpoint_took / _PART_FOR_CHECKPOINTS)


# ---- What a run leaves that does not come to its end: the picture so far, and how to go on ----


@dataclass(frozen=True)
class EarlyEnd:
    """Ends one run early, in its own thread or from the one that can't wait for it.

    ``save`` writes an image [H, W, 3] as the picture; ``quiet``: ``save_and_record`` says nothing.
    """

    folder: RunFolder
    recording: Recording
    deferred: DeferredSignals
    timings: Timings
    save: Callable[[np.ndarray], Path]
    quiet: bool

    def record(self, error: BaseException) -> None:
        """Write how the run ended; interrupted, and not urgently, also the picture so far."""
        interrupted = isinstance(error, KeyboardInterrupt)
        facts: dict[str, Any] = {}
        if interrupted and not self.deferred.came_twice:
            facts = self._picture_so_far()
        self.folder.finish(
            "interrupted" if interrupted else "failed",
            error=f"{type(error).__name__}: {error}",
            seconds=self.timings.seconds,
            **facts,
        )

    def save_and_record(self, number: int, at_once: bool) -> None:
        """As ``record``, while the run's own thread is in the middle of a step; the last checkpoint stays."""
        facts = {} if at_once else self._picture_so_far()
        self.folder.interrupt(error=f"signal {number} came during a step", **facts)
        if not self.quiet:
            sentence = "; ".join(["nst: interrupted", *resume_hint(self.folder.path)])
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201

    def _picture_so_far(self) -> dict[str, Any]:
        if self.recording.picture_so_far is None:
            return {}
        steps, image = self.recording.picture_so_far
        try:
            picture = self.save(image)
        except (InputError, OSError):  # a full disk, or no numbers: how the run ended is still to be told
            return {}
        return {"steps": steps, "picture": picture.name}


# ---- What a person sees while a run goes on: a bar in a terminal, a line now and then elsewhere ----

_SECONDS_BETWEEN_LINES = 10.0  # often enough to see that it lives, seldom enough for a log


class Display:
    """Tells of the run on standard error; use it as a context."""

    def __init__(self, scales: list[Scale], quiet: bool) -> None:
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
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def on_frame(self, number: int, count: int) -> None:
        self._frame = f"frame {number} of {count}, "

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
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
