"""torch.optim.LBFGS without a line search, transcribed to plain NumPy from its description.

One call of ``step`` is one of torch: up to ``max_iter`` inner iterations, each an update, with the closure
called again after each but the last.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Closure = Callable[[np.ndarray], tuple[float, np.ndarray]]


class NumpyTorchLBFGS:
    """``point`` is the parameter vector; ``evaluations`` are all losses the closure gave."""

    def __init__(
        self,
        closure: Closure,
        point: np.ndarray,
        lr: float = 1.0,
        max_iter: int = 20,
        history_size: int = 100,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
    ) -> None:
        self._closure, self.point = closure, point.copy()
        self._lr, self._max_iter, self._history_size = lr, max_iter, history_size
        self._tolerance_grad, self._tolerance_change = tolerance_grad, tolerance_change
        self.evaluations: list[float] = []
        self.refused = 0  # pairs without curvature
        self._iterations = 0
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._scale = 1.0
        self._direction, self._length, self._previous = np.zeros_like(point), 0.0, np.zeros_like(point)

    def step(self) -> None:
        """One outer step."""
        loss, gradient = self._evaluate()
        if np.max(np.abs(gradient)) <= self._tolerance_grad:
            return
        for inner in range(1, self._max_iter + 1):
            self._iterations += 1
            if self._iterations > 1:
                self._remember(self._length * self._direction, gradient - self._previous)
            self._direction = -self._times_inverse_hessian(gradient)
            self._previous = gradient
            self._length = self._lr
            if self._iterations == 1:
                self._length *= min(1.0, 1.0 / np.sum(np.abs(gradient)))
            if gradient @ self._direction > -self._tolerance_change:
                return
            self.point = self.point + self._length * self._direction
            if inner == self._max_iter:
                return
            loss_before = loss
            loss, gradient = self._evaluate()
            if np.max(np.abs(gradient)) <= self._tolerance_grad:
                return
            if np.max(np.abs(self._length * self._direction)) <= self._tolerance_change:
                return
            if abs(loss - loss_before) < self._tolerance_change:
                return

    def _evaluate(self) -> tuple[float, np.ndarray]:
        loss, gradient = self._closure(self.point)
        self.evaluations.append(float(loss))
        return loss, gradient

    def _remember(self, s: np.ndarray, y: np.ndarray) -> None:
        if y @ s > 1e-10:
            self._pairs = [*self._pairs, (s, y)][-self._history_size :]
            self._scale = (y @ s) / (y @ y)
        else:
            self.refused += 1

    def _times_inverse_hessian(self, vector: np.ndarray) -> np.ndarray:
        """The BFGS recursion of the inverse Hessian itself: no two loops, a matrix."""
        matrix = self._scale * np.eye(vector.size)
        for s, y in self._pairs:
            shift = np.eye(vector.size) - np.outer(s, y) / (y @ s)
            matrix = shift @ matrix @ shift.T + np.outer(s, s) / (y @ s)
        return matrix @ vector
