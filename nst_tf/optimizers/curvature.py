"""The curvature pairs of L-BFGS and the two-loop recursion over them."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


class CurvaturePairs:
    """The last m pairs s = change of position, y = change of gradient, oldest overwritten first.

    ``make_variable(shape, dtype, name)`` creates a zero-filled variable, so that the owner of the
    pairs (an optimizer) tracks, saves and restores them.
    """

    def __init__(self, make_variable, size: int, parameters: int) -> None:
        """Room for ``size`` pairs of vectors with ``parameters`` elements, float32."""
        self._size = size
        self._steps = make_variable((size, parameters), "float32", "curvature_steps")
        self._changes = make_variable((size, parameters), "float32", "curvature_changes")
        self._pushed = make_variable((), "int32", "curvature_pushed")

    @property
    def pushed(self) -> tf.Tensor:
        """How many pairs were pushed since the last clearing; scalar int32."""
        return tf.convert_to_tensor(self._pushed.value)

    def push(self, step: tf.Tensor, change: tf.Tensor) -> None:
        """Remember the pair; both [n]."""
        row = tf.math.floormod(self.pushed, self._size)
        self._steps.value.scatter_nd_update([[row]], step[tf.newaxis])
        self._changes.value.scatter_nd_update([[row]], change[tf.newaxis])
        self._pushed.assign_add(1)

    def clear(self) -> None:
        """Forget every pair."""
        self._pushed.assign(0)

    def times_inverse_hessian(
        self,
        vector: tf.Tensor,
        free: tf.Tensor | None = None,
        metric: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    ) -> tf.Tensor:
        """The L-BFGS approximation of H^-1 v for v [n]: Nocedal and Wright 2006, algorithm 7.4.

        ``metric`` is a symmetric positive operator P [n] -> [n]. The initial metric is P times
        (s.y)/(y.P y) of the newest pair (equation 7.20, where P is the identity), or P itself without
        a pair. With ``free`` [n] of zeros and ones the recursion runs in the subspace of the free
        coordinates: every pair is cut to it, pairs without positive curvature there are passed over,
        and ``vector`` must be zero outside of it.
        """

        def initial(vector):
            return metric(vector) if free is None else metric(vector) * free

        count = tf.minimum(self.pushed, self._size)
        newest = self.pushed - 1
        # convert_to_tensor of a whole history would copy it; a row at a time does not
        steps, changes = self._steps.value, self._changes.value

        def pair(age):
            row = (newest - age) % self._size
            step, change = tf.gather(steps, row), tf.gather(changes, row)
            if free is not None:
                step, change = step * free, change * free
            return step, change, dot(step, change)

        def first_loop(age, rest, coefficients, scale):
            step, change, curvature = pair(age)
            usable = curvature > 0
            coefficient = tf.where(usable, tf.math.divide_no_nan(dot(step, rest), curvature), 0.0)
            scale = tf.cond(
                usable & (scale == 0),
                lambda: tf.math.divide_no_nan(curvature, dot(change, initial(change))),
                lambda: scale,
            )
            return age + 1, rest - coefficient * change, coefficients.write(age, coefficient), scale

        coefficients = tf.TensorArray(tf.float32, size=self._size, element_shape=(), clear_after_read=False)
        _, rest, coefficients, scale = tf.while_loop(
            lambda age, *_: age < count,
            first_loop,
            (0, vector, coefficients, tf.constant(0.0)),
            parallel_iterations=1,
        )

        def second_loop(age, product):
            step, change, curvature = pair(age)
            correction = tf.math.divide_no_nan(dot(change, product), curvature)
            factor = tf.where(curvature > 0, coefficients.read(age) - correction, 0.0)
            return age - 1, product + factor * step

        scale = tf.where(scale > 0, scale, 1.0)
        _, product = tf.while_loop(
            lambda age, _: age >= 0, second_loop, (count - 1, scale * initial(rest)), parallel_iterations=1
        )
        return product


def dot(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Inner product of two vectors [n]; scalar."""
    return tf.tensordot(left, right, 1)
