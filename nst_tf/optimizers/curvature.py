"""The curvature pairs of L-BFGS and the two-loop recursion over them."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from nst_tf.conditional_assignment import selects


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
        self._pushed = make_variable((), "int64", "curvature_pushed")

    @property
    def pushed(self) -> tf.Tensor:
        """How many pairs were pushed since the last clearing; scalar int64."""
        return tf.convert_to_tensor(self._pushed.value)

    def push_if(self, condition: tf.Tensor, step: tf.Tensor, change: tf.Tensor) -> None:
        """Remember the pair if the scalar ``condition`` holds; both [n]."""
        steps, changes = self._steps.value, self._changes.value
        row = tf.math.floormod(self.pushed, self._size)

        def push(step: tf.Tensor, change: tf.Tensor) -> tf.Operation:
            steps.scatter_nd_update([[row]], step[tf.newaxis])
            changes.scatter_nd_update([[row]], change[tf.newaxis])
            return tf.no_op()

        if selects():  # of the whole history only the one row
            push(
                tf.where(condition, step, tf.gather(steps, row)),
                tf.where(condition, change, tf.gather(changes, row)),
            )
        else:
            tf.cond(condition, lambda: push(step, change), tf.no_op)
        self._pushed.assign_add(tf.cast(condition, tf.int64))

    def clear_if(self, condition: tf.Tensor) -> None:
        """Forget every pair if the scalar ``condition`` holds."""
        self._pushed.assign(tf.where(condition, tf.zeros_like(self.pushed), self.pushed))

    def times_inverse_hessian(
        self,
        vector: tf.Tensor,
        free: tf.Tensor | None = None,
        metric: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
        scale: float = 1.0,
    ) -> tf.Tensor:
        """The L-BFGS approximation of H^-1 v for v [n]: Nocedal and Wright 2006, algorithm 7.4.

        ``metric`` is a symmetric positive operator P [n] -> [n]. The initial metric is P times
        ``scale`` (s.y)/(y.P y) of the newest pair (equation 7.20, where P is the identity and the scale
        is 1), or P itself without a pair. With ``free`` [n] of zeros and ones the recursion runs in the
        subspace of the free coordinates: every pair is cut to it, pairs without positive curvature there
        are passed over, and ``vector`` must be zero outside of it.
        """

        def initial(vector):
            return metric(vector) if free is None else metric(vector) * free

        count = tf.minimum(self.pushed, self._size)
        newest = self.pushed - 1
        # the host counts the turns of a loop: on a GPU it doesn't know how many pairs there are
        turns = self._size if selects() else tf.cast(count, tf.int32)
        # convert_to_tensor of a whole history would copy it; a row at a time does not
        steps, changes = self._steps.value, self._changes.value

        def pair(row):
            step, change = tf.gather(steps, row), tf.gather(changes, row)
            if free is not None:
                step, change = step * free, change * free
            return step, change, dot(step, change)

        def pair_of_age(age):
            age = tf.cast(age, tf.int64)
            row = (newest - age) % self._size
            step, change, curvature = pair(row)
            return row, step, change, curvature, (curvature > 0) & (age < count)

        def first_loop(age, rest, coefficients, newest_usable):
            row, step, change, curvature, usable = pair_of_age(age)
            coefficient = tf.where(usable, tf.math.divide_no_nan(dot(step, rest), curvature), 0.0)
            newest_usable = tf.where(usable & (newest_usable < 0), row, newest_usable)
            return age + 1, rest - coefficient * change, coefficients.write(age, coefficient), newest_usable

        coefficients = tf.TensorArray(tf.float32, size=self._size, element_shape=(), clear_after_read=False)
        _, rest, coefficients, newest_usable = tf.while_loop(
            lambda age, *_: age < turns,
            first_loop,
            (0, vector, coefficients, tf.constant(-1, tf.int64)),
            parallel_iterations=1,
        )

        def second_loop(age, product):
            _, step, change, curvature, usable = pair_of_age(age)
            correction = tf.math.divide_no_nan(dot(change, product), curvature)
            factor = tf.where(usable, coefficients.read(age) - correction, 0.0)
            return age - 1, product + factor * step

        _, change, curvature = pair(tf.maximum(newest_usable, 0))
        length = scale * tf.math.divide_no_nan(curvature, dot(change, initial(change)))
        length = tf.where((newest_usable >= 0) & (length > 0), length, 1.0)
        _, product = tf.while_loop(
            lambda age, _: age >= 0, second_loop, (turns - 1, length * initial(rest)), parallel_iterations=1
        )
        return product


def dot(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Inner product of two vectors [n]; scalar."""
    return tf.tensordot(left, right, 1)
