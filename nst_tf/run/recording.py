"""The watcher that writes into the run's folder."""

from __future__ import annotations

import time

from nst_tf.pyramid import Scale
from nst_tf.record import RunFolder
from nst_tf.record.checkpoint import Checkpoint
from nst_tf.solver import Report, Solver


class Recording:
    """Logs every report, a picture every ``image_every`` steps, a checkpoint every so many seconds.

    0 is none, of either. ``resumed`` is the checkpoint that the run goes on from.
    """

    def __init__(
        self,
        folder: RunFolder,
        image_every: int,
        checkpoint_every: float = 0,
        resumed: Checkpoint | None = None,
    ) -> None:
        """Record into ``folder``."""
        self._folder = folder
        self._image_every = image_every
        self._checkpoint_every = checkpoint_every
        self._last_checkpoint = time.monotonic()
        self._scale = resumed.scale - 1 if resumed else -1
        self._steps_at_scale = 0
        self._resumed = resumed

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Count sizes; each row of the metrics names its own."""
        self._scale += 1
        self._steps_at_scale = self._resumed.steps_at_scale if self._resumed else 0
        self._resumed = None

    def on_report(self, report: Report, solver: Solver) -> None:
        """Write the row, and picture and checkpoint if it is time; calls end at ``image_every``."""
        self._folder.log(report)
        self._steps_at_scale += 1
        updates = report.step + 1
        if self._image_every and updates % self._image_every == 0:
            self._folder.progress_picture(updates, solver.image)
        due = time.monotonic() - self._last_checkpoint >= self._checkpoint_every > 0
        if due and report.is_last_of_call:
            self._folder.checkpoint(
                Checkpoint(self._scale, self._steps_at_scale, updates, report.seconds, solver.state())
            )
            self._last_checkpoint = time.monotonic()
