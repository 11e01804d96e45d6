"""On a GPU conditions select and on a CPU they branch: the numbers are the same."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.device import assign_if, selecting, selects
from nst_tf.optim import LBFGS, TorchLBFGS

SIDES = (1, 4, 5, 3)


@pytest.mark.parametrize("select", [False, True])
def test_a_condition_that_does_not_hold_leaves_every_bit(select):
    kept, changed = tf.Variable([1.0, -0.0, np.inf]), tf.Variable([1.0, 2.0])
    not_a_number = tf.fill((3,), np.float32(np.nan))
    with selecting(select):
        assign_if(tf.constant(False), lambda: [(kept, not_a_number)])
        assign_if(tf.constant(True), lambda: [(changed, tf.constant([3.0, 4.0]))])
    np.testing.assert_array_equal(np.signbit(kept.numpy()), [False, True, False])
    np.testing.assert_array_equal(kept.numpy(), [1.0, 0.0, np.inf])
    np.testing.assert_array_equal(changed.numpy(), [3.0, 4.0])
    assert not selects()  # on the CPU of the tests


def losses_and_end(make, select: bool, steps: int) -> tuple[list[float], np.ndarray, list[np.ndarray]]:
    """Of Rosenbrock's function, beyond a wall where it is infinite, and for a while everywhere infinite."""
    image = tf.Variable(np.random.default_rng(1).uniform(0, 1, SIDES).astype(np.float32))
    optimizer = make()
    optimizer.build([image])

    @tf.function(autograph=False)
    def step(number):
        with tf.GradientTape() as tape:
            at = tf.reshape(image, [-1]) * 4 - 2
            loss = tf.reduce_sum(100 * (at[1:] - at[:-1] ** 2) ** 2 + (1 - at[:-1]) ** 2)
        gradient = tape.gradient(loss, image)
        # for ten steps nothing is good enough: after eight refusals the curvature is forgotten
        refused = (loss > 3e4) | ((number >= 40) & (number < 50)) | (number == steps - 1)
        told = tf.where(refused, np.inf, loss)
        optimizer.apply([gradient], [image], loss=told)
        return loss

    with selecting(select):
        losses = [float(step(tf.constant(number))) for number in range(steps)]
    return losses, image.numpy(), [np.asarray(one) for one in optimizer.variables]


@pytest.mark.parametrize(
    "make",
    [
        lambda: LBFGS(history_size=3, first_step=0.5, octaves=1),
        lambda: TorchLBFGS(learning_rate=0.05, history_size=4),
    ],
    ids=["safe", "torch"],
)
def test_selecting_and_branching_are_equal_bit_for_bit(make):
    branched, selected = (losses_and_end(make, select, steps=80) for select in (False, True))
    assert branched[0] == selected[0]
    np.testing.assert_array_equal(branched[1], selected[1])
    for one, other in zip(branched[2], selected[2], strict=True):
        np.testing.assert_array_equal(one, other)
