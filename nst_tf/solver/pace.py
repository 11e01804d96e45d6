"""How many steps are made in one compiled call."""

from __future__ import annotations

from nst_tf.solver.patience import Patience

# a report is a host sync: about four a second keep a person informed and a GPU busy
_SECONDS_A_REPORT = 0.25
_MOST_STEPS_A_REPORT = 64


class Pace:
    """Steps a call, of so many in all: as many as take a quarter of a second, beginning with one."""

    def __init__(self, count: int) -> None:
        """``count`` steps are to be made."""
        self._count = count
        self._steps_a_call = 1
        self.done = 0
        """Steps made so far."""

    @property
    def left(self) -> int:
        """Steps that are still to be made."""
        return self._count - self.done

    def next_call(self, step: int, reports_every: int | None, patience: Patience | None = None) -> int:
        """Steps of the next call, at most.

        It does not cross a multiple of ``reports_every``, after ``step`` updates at all sizes, nor the next
        look of ``patience``.
        """
        steps = min(self._steps_a_call, self.left)
        if reports_every:
            steps = min(steps, reports_every - step % reports_every)
        if patience:
            steps = min(steps, patience.steps_to_next_look)
        return steps

    def made(self, steps: int, seconds: float) -> None:
        """A call made so many steps in so many ``seconds``."""
        self.done += steps
        if seconds < _SECONDS_A_REPORT / 2:
            self._steps_a_call = min(2 * self._steps_a_call, _MOST_STEPS_A_REPORT)
