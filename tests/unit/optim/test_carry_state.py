"""What an optimizer takes along when the image changes its size."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.optim import LBFGS, ScipyLBFGSB, TorchLBFGS
from nst_tf.optim.loop import carry_state


def stepped(optimizer: keras.optimizers.Optimizer, side: int, steps: int = 3) -> keras.optimizers.Optimizer:
    image = tf.Variable(tf.random.stateless_uniform((1, side, side, 3), seed=(1, 2)))
    optimizer.build([image])
    for _ in range(steps):
        optimizer.apply([image - 0.3], [image])
    return optimizer


def test_moments_are_resampled_and_counts_copied() -> None:
    old, new = stepped(keras.optimizers.Adam(0.01), 8), stepped(keras.optimizers.Adam(0.01), 16, steps=0)
    assert carry_state(old, new)
    assert int(new.iterations) == 3
    momentum = next(np.asarray(one) for one in old.variables if "momentum" in one.path)
    resampled = next(np.asarray(one) for one in new.variables if "momentum" in one.path)
    assert resampled.shape == (1, 16, 16, 3)
    np.testing.assert_allclose(resampled.mean(), momentum.mean(), rtol=0.05)
    velocity = next(np.asarray(one) for one in new.variables if "velocity" in one.path)
    assert velocity.min() > 0


def test_a_moment_of_one_value_stays_it() -> None:
    old, new = stepped(keras.optimizers.SGD(0.1, momentum=0.9), 8), keras.optimizers.SGD(0.1, momentum=0.9)
    new = stepped(new, 12, steps=0)
    for variable in old.variables:
        if len(variable.shape) == 4:
            variable.assign(tf.fill(variable.shape, 0.25))
    carry_state(old, new)
    moment = next(np.asarray(one) for one in new.variables if len(one.shape) == 4)
    np.testing.assert_allclose(moment, 0.25, atol=1e-6)


@pytest.mark.parametrize("make", [LBFGS, TorchLBFGS])
def test_a_history_of_vectors_starts_anew_as_a_whole(make: type) -> None:
    def asked(optimizer: keras.optimizers.Optimizer, side: int) -> tf.Variable:
        image = tf.Variable(tf.random.stateless_uniform((1, side, side, 3), seed=(1, 2)))
        optimizer.build([image])
        for _ in range(3):
            optimizer.apply([image - 0.3], [image], loss=tf.reduce_sum((image - 0.3) ** 2) / 2)
        return image

    old, new, fresh = make(), make(), make()
    asked(old, 8)
    new.build([tf.Variable(tf.zeros((1, 12, 12, 3)))])
    assert not carry_state(old, new)
    np.testing.assert_array_equal(asked(new, 12), asked(fresh, 12))


def test_scipy_has_no_state_to_mix_up() -> None:
    one, other = ScipyLBFGSB(), ScipyLBFGSB()
    image = tf.Variable(tf.fill((1, 4, 4, 3), 0.9))
    one.build([image])
    for _ in range(30):
        one.apply([image - 0.3], [image], loss=tf.reduce_sum((image - 0.3) ** 2) / 2)
    one.close()
    other.build([image])
    np.testing.assert_allclose(image, 0.3, atol=1e-5)
