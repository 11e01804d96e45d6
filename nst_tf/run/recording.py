"""The watcher that writes into the run's folder."""

from __future__ import annotations

from nst_tf.pyramid import Scale
from nst_tf.record import RunFolder
from nst_tf.solver import Report, Solver


class Recording:
    """Logs every report, and a picture every ``image_every`` steps (0: none)."""

    def __init__(self, folder: RunFolder, image_every: int) -> None:
        """Record into ``folder``."""
        self._folder = folder
        self._image_every = image_every

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Nothing to write: each row names its size."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """Write the row, and the picture if it is time; calls end at multiples of ``image_every``."""
        self._folder.log(report)
        updates = report.step + 1
        if self._image_every and updates % self._image_every == 0:
            self._folder.progress_picture(updates, solver.image)
