"""When the first step was done: what a person waits before anything moves."""

from __future__ import annotations

from nst_tf.pyramid import Scale
from nst_tf.run.timings import seconds_of_process
from nst_tf.solver import Report, Solver


class FirstStep:
    """A watcher; ``seconds`` is the age of the process after the first step, None before it."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.seconds: float | None = None

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Nothing."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """Look at the clock, once."""
        if self.seconds is None:
            self.seconds = round(seconds_of_process(), 3)
