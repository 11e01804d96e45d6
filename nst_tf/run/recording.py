"""The watcher that writes into the run's folder."""

from __future__ import annotations

import time

from nst_tf.pyramid import Scale
from nst_tf.record import RunFolder
from nst_tf.record.checkpoint import Checkpoint
from nst_tf.run.interruption import Interruption
from nst_tf.solver import Report, Solver


class Recording:
    """Logs every report, a picture every ``image_every`` steps, a checkpoint every so many seconds.

    0 is none, of either. ``resumed`` is the checkpoint that the run goes on from. An ``interruption`` is
    passed on when a call of the compiled step is over, after a checkpoint, unless there is to be none.
    """

    def __init__(
        self,
        folder: RunFolder,
        image_every: int,
        checkpoint_every: float = 0,
        resumed: Checkpoint | None = None,
        interruption: Interruption | None = None,
    ) -> None:
        """Record into ``folder``."""
        self._folder = folder
        self._image_every = image_every
        self._checkpoint_every = checkpoint_every
        self._last_checkpoint = time.monotonic()
        self._scale = resumed.scale - 1 if resumed else -1
        self._steps_at_scale = 0
        self._resumed = resumed
        self._interruption = interruption or Interruption()

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
        self._steps_at_scale += 1
        updates = report.step + 1
        if self._image_every and updates % self._image_every == 0:
            self._folder.progress_picture(updates, solver.picture)
        # only then is the solver's state that of this report
        if self._checkpoint_every and report.is_last_of_call:
            is_over = self._interruption.asked
            if is_over or time.monotonic() - self._last_checkpoint >= self._checkpoint_every:
                self._folder.checkpoint(
                    Checkpoint(self._scale, self._steps_at_scale, updates, report.seconds, solver.state())
                )
                self._last_checkpoint = time.monotonic()
            if is_over:
                self._interruption.pass_on()
