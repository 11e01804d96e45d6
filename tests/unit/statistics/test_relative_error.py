"""The relative squared error: no unit, 0 at the target, 1 at zero."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from nst_tf.statistics import RelativeSquaredError


def test_closed_forms() -> None:
    target = tf.constant([[3.0, 4.0]])
    distance = RelativeSquaredError()
    assert float(distance(target, target)) == 0
    np.testing.assert_allclose(distance(tf.zeros((1, 2)), target), 1, rtol=1e-6)
    np.testing.assert_allclose(distance(2 * target, target), 1, rtol=1e-6)
    np.testing.assert_allclose(distance(tf.constant([[3.0, 5.0]]), target), 1 / 25, rtol=1e-6)


def test_a_common_factor_changes_nothing() -> None:
    random = np.random.default_rng(0)
    generated, target = (tf.constant(random.normal(size=(5, 7)), tf.float64) for _ in range(2))
    once = RelativeSquaredError()(generated, target)
    np.testing.assert_allclose(RelativeSquaredError()(1000 * generated, 1000 * target), once, rtol=1e-9)


def test_a_target_of_zeros_stays_finite() -> None:
    generated = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        value = RelativeSquaredError()(generated, tf.zeros(2))
    assert np.isfinite(value)
    assert np.isfinite(tape.gradient(value, generated)).all()
