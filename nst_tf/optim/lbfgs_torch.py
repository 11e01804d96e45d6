"""L-BFGS exactly as ``torch.optim.LBFGS`` without a line search: the step of half of the peers."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from nst_tf.device import assign_if
from nst_tf.optim.lbfgs import (
    CurvaturePairs,
    check_history_size,
    count_parameters,
    count_update,
    dot,
    flatten,
    unflattened,
    zero_variables_of,
)

# torch/optim/lbfgs.py: "if ys > 1e-10" before a pair is kept
_SMALLEST_CURVATURE = 1e-10


class TorchLBFGS(keras.optimizers.Optimizer):
    """One evaluation, one update: d = -H g, x += t d with t = learning_rate.

    The first step is min(1, 1 / norm1(g)) * learning_rate along -g. A pair is kept only where
    y.s > 1e-10; the initial metric is y.s / y.y. The update is left out where the largest gradient is
    at most ``tolerance_gradient`` or d.g > -``tolerance_change``, which ends torch's inner loop.
    Torch's inner iterations (``max_iter``) need nothing more: n of them are n updates here.

    There is no safeguard: the loss may rise without bound. That is what the sources do; use ``LBFGS``
    for anything else.
    """

    def __init__(
        self,
        learning_rate: float = 1.0,
        history_size: int = 100,
        tolerance_gradient: float = 1e-7,
        tolerance_change: float = 1e-9,
        name: str = "lbfgs_torch",
        **keras_options,
    ) -> None:
        """Torch's defaults; raises InputError for a history below 1."""
        super().__init__(learning_rate=learning_rate, name=name, **keras_options)
        check_history_size(history_size)
        self.history_size = history_size
        self.tolerance_gradient = tolerance_gradient
        self.tolerance_change = tolerance_change

    def build(self, var_list) -> None:
        if self.built:
            return
        super().build(var_list)
        size = count_parameters(var_list)
        make = zero_variables_of(self)
        self._pairs = CurvaturePairs(make, self.history_size, size)
        self._gradient = make((size,), "float32", "previous_gradient")
        self._step = make((size,), "float32", "previous_step")

    def apply(self, grads, trainable_variables=None, loss=None) -> None:
        """Update the variables from their gradients; ``loss`` is accepted and not needed."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        gradient = flatten(grads)
        largest = tf.reduce_max(tf.abs(gradient))
        # "not <=" and not ">": a NaN goes on, as it does in torch, and is caught by whoever watches the loss
        self._update_if(tf.logical_not(largest <= self.tolerance_gradient), gradient, variables)
        count_update(self)

    def get_config(self) -> dict:
        return super().get_config() | {
            "history_size": self.history_size,
            "tolerance_gradient": self.tolerance_gradient,
            "tolerance_change": self.tolerance_change,
        }

    def _update_if(self, condition: tf.Tensor, gradient: tf.Tensor, variables) -> None:
        iterations: Any = self.iterations
        first = tf.equal(tf.convert_to_tensor(iterations.value), 0)
        change = gradient - self._gradient.value
        curvature = dot(change, self._step.value)
        keep = condition & tf.logical_not(first) & (curvature > _SMALLEST_CURVATURE)
        self._pairs.push_if(keep, tf.convert_to_tensor(self._step.value), change)

        def updated() -> list[tuple[Any, tf.Tensor]]:
            learning_rate = tf.cast(self._get_current_learning_rate(), tf.float32)
            direction = -self._pairs.times_inverse_hessian(gradient)
            shrink = tf.minimum(1.0, 1.0 / tf.reduce_sum(tf.abs(gradient)))
            step = tf.where(first, shrink, 1.0) * learning_rate * direction
            moves = tf.logical_not(dot(gradient, direction) > -self.tolerance_change)
            moved = flatten(variables) + tf.where(moves, step, 0.0)
            return [(self._gradient, gradient), (self._step, step), *unflattened(variables, moved)]

        assign_if(condition, updated)
