"""ScipyLBFGSB, asked and told from outside, against SciPy called the usual way."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.optim import ScipyLBFGSB

TARGET = np.sin(np.arange(12.0)) + 0.5


def valley(x: np.ndarray) -> tuple[float, np.ndarray]:
    """A convex function that is no quadratic; its minimum lies partly outside of [0, 1]."""
    stiffness = 0.1 * 1.6 ** np.arange(12.0)
    steps = np.diff(x)
    gradient = stiffness * (x - TARGET) + x**3
    gradient[1:] += steps
    gradient[:-1] -= steps
    return np.sum(stiffness * (x - TARGET) ** 2 / 2 + x**4 / 4) + np.sum(steps**2) / 2, gradient


def rounds_of_scipy(start: np.ndarray, rounds: int, **options) -> tuple[list[float], np.ndarray]:
    """As Chollet's book does it: each round begins at the result of the one before."""
    losses: list[float] = []

    def told(x):
        losses.append(valley(x)[0])
        return valley(x)

    point = start
    for _ in range(rounds):
        point, _, _ = scipy.optimize.fmin_l_bfgs_b(told, point, **options)
    return losses, point


def told_from_outside(optimizer: ScipyLBFGSB, start: np.ndarray, evaluations: int):
    variable = tf.Variable(np.float32(start))
    losses, points = [], []
    for _ in range(evaluations):
        points.append(variable.numpy().astype(np.float64))
        loss, gradient = valley(points[-1])
        losses.append(loss)
        optimizer.apply([tf.constant(gradient, tf.float32)], [variable], loss=tf.constant(loss, tf.float32))
    optimizer.close()
    return losses, np.array(points)


@pytest.mark.parametrize("bounds", [(None, None), (0.0, 1.0)])
def test_the_losses_are_those_of_scipys_rounds(bounds):
    start = np.full(12, 0.4)
    options = {"maxfun": 6, "m": 4, "bounds": None if bounds == (None, None) else [bounds] * 12}
    expected, _ = rounds_of_scipy(start, 3, **options)
    optimizer = ScipyLBFGSB(evaluations=6, history_size=4, lower=bounds[0], upper=bounds[1])
    losses, points = told_from_outside(optimizer, start, len(expected))
    # the same decisions on numbers that went through float32
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert losses[-1] < 0.9 * losses[0]
    if bounds != (None, None):
        assert points.min() >= 0
        assert points.max() <= 1
        assert np.any(points[-1] == 1)


def test_a_round_that_has_converged_is_followed_by_another():
    variable = tf.Variable([3.0, 4.0])
    optimizer = ScipyLBFGSB()
    for _ in range(30):
        loss = tf.reduce_sum((variable - 1) ** 2)
        optimizer.apply([2 * (variable - 1)], [variable], loss=loss)
    optimizer.close()
    np.testing.assert_allclose(variable.numpy(), [1, 1], atol=1e-4)
    assert int(optimizer.iterations.numpy()) == 30


def test_several_variables_of_different_shapes_are_one_vector():
    start = np.linspace(-1, 1, 12)
    expected, _ = told_from_outside(ScipyLBFGSB(), start, 8)
    variables = [tf.Variable(np.float32(start[:4].reshape(2, 2))), tf.Variable(np.float32(start[4:]))]
    optimizer = ScipyLBFGSB()
    losses = []
    for _ in range(8):
        loss, gradient = valley(np.concatenate([one.numpy().ravel() for one in variables]).astype(np.float64))
        losses.append(loss)
        gradients = [
            tf.constant(gradient[:4].reshape(2, 2), tf.float32),
            tf.constant(gradient[4:], tf.float32),
        ]
        optimizer.apply(gradients, variables, loss=tf.constant(loss, tf.float32))
    optimizer.close()
    assert losses == expected


def test_closing_ends_the_thread_of_an_unfinished_round():
    before = threading.active_count()
    optimizer = ScipyLBFGSB()
    variable = tf.Variable([3.0, 4.0])
    optimizer.apply([tf.constant([1.0, 1.0])], [variable], loss=tf.constant(1.0))
    assert threading.active_count() == before + 1
    optimizer.close()
    optimizer.close()
    assert threading.active_count() == before


def test_the_configuration_makes_the_same_optimizer():
    optimizer = ScipyLBFGSB(evaluations=7, history_size=3, lower=-1.0, upper=None)
    twin = ScipyLBFGSB.from_config(optimizer.get_config())
    assert twin.get_config() == optimizer.get_config()
    assert (twin.evaluations, twin.history_size, twin.lower, twin.upper) == (7, 3, -1.0, None)


def test_wrong_parameters_are_refused_by_name_and_value():
    with pytest.raises(InputError, match=r"evaluations.*at least 1.*0"):
        ScipyLBFGSB(evaluations=0)
    with pytest.raises(InputError, match=r"history_size.*at least 1.*0"):
        ScipyLBFGSB(history_size=0)
    with pytest.raises(InputError, match="loss="):
        ScipyLBFGSB().apply([tf.constant([1.0])], [tf.Variable([1.0])])


@pytest.mark.parametrize("stop", range(1, 14))
def test_a_restored_optimizer_is_where_the_other_one_was(stop):
    """SciPy's own state can't be saved: all that the round was told is, and is told again."""

    def asked(optimizer: ScipyLBFGSB, variable: tf.Variable, evaluations: int) -> list[np.ndarray]:
        points = []
        for _ in range(evaluations):
            loss, gradient = valley(variable.numpy().astype(np.float64))
            optimizer.apply(
                [tf.constant(gradient, tf.float32)], [variable], loss=tf.constant(loss, tf.float32)
            )
            # as the solver does: SciPy then hears of another point than it asked for
            variable.assign(tf.clip_by_value(variable, 0.0, 1.0))
            points.append(variable.numpy())
        return points

    whole, stopped, restored = (ScipyLBFGSB(evaluations=6) for _ in range(3))
    expected = asked(whole, tf.Variable(np.full(12, 0.4, np.float32)), 20)
    variable = tf.Variable(np.full(12, 0.4, np.float32))
    asked(stopped, variable, stop)
    restored.build([variable])
    for one, other in zip(restored.variables, stopped.variables, strict=True):
        one.assign(other)
    np.testing.assert_array_equal(asked(restored, variable, 20 - stop), expected[stop:])
    for optimizer in (whole, stopped, restored):
        optimizer.close()
