"""Ending a size when the picture no longer improves."""

from __future__ import annotations

import math

import numpy as np

from nst_tf.errors import InputError


class Patience:
    """Every ``steps`` steps of a size: exhausted if the loss fell by less than ``tolerance`` of itself.

    It looks after a fixed number of steps, however many of them run in one call, so that a run ends at the
    same step on a fast and on a slow machine.
    """

    def __init__(self, steps: int, tolerance: float) -> None:
        """Raises InputError for less than one step, or a tolerance that is not within 0 and 1."""
        if steps < 1:
            raise InputError(f"stop.patience must be null or at least 1, but is {steps}")
        if not 0 <= tolerance < 1:
            raise InputError(f"stop.tolerance must be at least 0 and below 1, but is {tolerance}")
        self._steps, self._tolerance = steps, tolerance
        self.begin()

    def begin(self) -> None:
        """A size begins."""
        self._made, self._lowest, self.exhausted = 0, math.inf, False

    @property
    def steps_to_next_look(self) -> int:
        """At least 1."""
        return self._steps - self._made % self._steps

    def made(self, steps: int, lowest: float) -> None:
        """So many more steps were made, and this is the lowest loss by now."""
        self._made += steps
        if self._made % self._steps:
            return
        self.exhausted = not lowest < (1 - self._tolerance) * self._lowest
        self._lowest = lowest

    def state(self) -> np.ndarray:
        """What ``restore`` needs; [3] float64."""
        return np.array([self._made, self._lowest, self.exhausted], np.float64)

    def restore(self, state: np.ndarray) -> None:
        """Go on from a saved state."""
        self._made, self._lowest, self.exhausted = int(state[0]), float(state[1]), bool(state[2])
