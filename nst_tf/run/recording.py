"""The watcher that writes into the run's folder."""

from __future__ import annotations

import time

import numpy as np

from nst_tf.pyramid import Scale
from nst_tf.record import RunFolder
from nst_tf.record.checkpoint import Checkpoint
from nst_tf.run.interruption import Interruption
from nst_tf.solver import Report, Solver

# The next call may not end in the time that a signal leaves for it (see LeavingInTime) if this one took half
# of that time, or if it is of twice the size, and so four times as slow: then the picture is kept here.
_SECONDS_OF_A_SLOW_CALL = 0.5
# Then there may be no time for a checkpoint either. So after such calls there are more of them, as many as
# take this part of the time: a few megabytes are written after each call, a history of gigabytes is not.
_SECONDS_OF_AN_ENDLESS_CALL = 2.0
_PART_FOR_CHECKPOINTS = 0.02


class Recording:
    """Logs every report, a picture every ``image_every`` steps, a checkpoint every so many seconds.

    0 is none, of either; where a step takes seconds there are more checkpoints. ``resumed`` is the one that
    the run goes on from. An ``interruption`` is passed on when a call of the compiled step is over, after a
    checkpoint, unless there is to be none. ``keep_the_end``: there is one of the end, too.
    """

    def __init__(
        self,
        folder: RunFolder,
        image_every: int,
        checkpoint_every: float = 0,
        resumed: Checkpoint | None = None,
        interruption: Interruption | None = None,
        keep_the_end: bool = False,
    ) -> None:
        """Record into ``folder``."""
        self._keep_the_end = keep_the_end
        self._seconds = 0.0
        self.kept_the_end = False
        """Whether the last checkpoint is of the end."""
        self._folder = folder
        self._image_every = image_every
        self._checkpoint_every = checkpoint_every
        self._last_checkpoint = time.monotonic()
        self._checkpoint_took = self._in_calls = 0.0
        self._scale = resumed.scale - 1 if resumed else -1
        self._steps_at_scale = 0
        self._resumed = resumed
        self._interruption = interruption or Interruption()
        self._roll_backs = 0
        self.picture_so_far: tuple[int, np.ndarray] | None = None
        """Steps, and the image [H, W, 3] after them; of the last slow call or checkpoint."""

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Count sizes; each row of the metrics names its own."""
        self._scale += 1
        self._steps_at_scale = self._resumed.steps_at_scale if self._resumed else 0
        self._resumed = None

    def on_report(self, report: Report, solver: Solver) -> None:
        """Write the row, and picture and checkpoint if it is time; calls end at ``image_every``."""
        if self._checkpoint_every:
            self._interruption.hold()
        self._folder.log(report)
        if len(solver.roll_backs) != self._roll_backs:
            self._roll_backs = len(solver.roll_backs)
            self._folder.update(roll_backs=[one.told() for one in solver.roll_backs])
        self._steps_at_scale += 1
        self._seconds = report.seconds
        updates = report.step + 1
        if self._image_every and updates % self._image_every == 0:
            self._folder.progress_picture(updates, solver.picture)
        # only then is the solver's state that of this report
        if report.is_last_of_call:
            self._end_call(report, updates, solver)

    def on_end(self, solver: Solver) -> None:
        """Keep the state after the last step, if that is asked for."""
        if self._keep_the_end and solver.step:
            state = solver.state()
            self._folder.checkpoint(
                Checkpoint(self._scale, self._steps_at_scale, solver.step, self._seconds, state)
            )
            self.kept_the_end = True

    def _end_call(self, report: Report, updates: int, solver: Solver) -> None:
        before, self._in_calls = self._in_calls, solver.seconds["first_steps"] + solver.seconds["steps"]
        took, now = self._in_calls - before, time.monotonic()
        is_slow = took > _SECONDS_OF_A_SLOW_CALL
        is_due = bool(self._checkpoint_every) and (
            self._interruption.asked
            or now - self._last_checkpoint >= self._wait(took > _SECONDS_OF_AN_ENDLESS_CALL)
        )
        if is_slow or is_due:
            self.picture_so_far = updates, solver.picture
        if is_due:
            self._folder.checkpoint(
                Checkpoint(self._scale, self._steps_at_scale, updates, report.seconds, solver.state())
            )
            self._last_checkpoint = time.monotonic()
            self._checkpoint_took = self._last_checkpoint - now
            if self._interruption.asked:
                self._interruption.pass_on()

    def _wait(self, is_endless: bool) -> float:
        """Seconds between checkpoints."""
        if not is_endless:
            return self._checkpoint_every
        return min(self._checkpoint_every, self._checkpoint_took / _PART_FOR_CHECKPOINTS)
