"""TorchLBFGS against recorded runs of torch itself, and against its algorithm in plain NumPy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from descent import Descent
from reference.numpy_torch_lbfgs import NumpyTorchLBFGS

from nst_tf.errors import InputError
from nst_tf.optim import TorchLBFGS

# made by tests/unit/optim/make_torch_lbfgs_trajectory.py, which states the problem
RECORDED = json.loads((Path(__file__).parent / "torch_lbfgs_trajectory.json").read_text())
INDEX = np.arange(20)
STIFFNESS, TARGET, START = 0.02 * 1.6**INDEX, np.sin(INDEX), np.cos(INDEX)


def chain(x: tf.Tensor) -> tf.Tensor:
    pull = tf.reduce_sum(np.float32(STIFFNESS) * (x - np.float32(TARGET)) ** 2 / 2 + x**4 / 4)
    return pull + 2 * tf.reduce_sum((x[1:] - x[:-1]) ** 2)


def chain_in_numpy(x: np.ndarray) -> tuple[float, np.ndarray]:
    steps = np.diff(x)
    gradient = STIFFNESS * (x - TARGET) + x**3
    gradient[1:] += 4 * steps
    gradient[:-1] -= 4 * steps
    return np.sum(STIFFNESS * (x - TARGET) ** 2 / 2 + x**4 / 4) + 2 * np.sum(steps**2), gradient


def ours(settings: dict) -> TorchLBFGS:
    """Inner iterations need nothing: n of them are n evaluations and n updates."""
    return TorchLBFGS(settings["lr"], settings.get("history_size", 100))


@pytest.mark.parametrize("name", RECORDED["cases"])
def test_the_recorded_trajectory_of_torch(name):
    case = RECORDED["cases"][name]
    path = Descent(ours(case["settings"]), chain, 20).run(START, 30)
    # two float32 programs that sum in different orders: measured 3e-5 of the loss, 2e-5 of a parameter
    np.testing.assert_allclose(path.losses, case["losses"], rtol=1e-4)
    for evaluation, point in case["points"].items():
        np.testing.assert_allclose(path.points[int(evaluation)], point, atol=1e-4)


@pytest.mark.parametrize("name", RECORDED["cases"])
def test_the_plain_algorithm_is_torchs(name):
    case = RECORDED["cases"][name]
    plain = NumpyTorchLBFGS(chain_in_numpy, START, **case["settings"])
    while len(plain.evaluations) < 30:
        plain.step()
    np.testing.assert_allclose(plain.evaluations[:30], case["losses"], rtol=1e-4)


def test_a_quadratic_against_the_plain_algorithm(random):
    rotation, _ = np.linalg.qr(random.standard_normal((12, 12)))
    hessian = rotation @ np.diag(np.logspace(0, 1.5, 12)) @ rotation.T
    start = random.standard_normal(12)
    plain = NumpyTorchLBFGS(
        lambda x: (x @ hessian @ x / 2 + 1, hessian @ x), start, 0.7, max_iter=1, history_size=5
    )
    for _ in range(25):
        plain.step()
    matrix = tf.constant(hessian, tf.float32)
    quadratic = lambda x: tf.tensordot(x, tf.linalg.matvec(matrix, x), 1) / 2 + 1  # noqa: E731
    path = Descent(TorchLBFGS(0.7, 5), quadratic, 12).run(start, 25)
    np.testing.assert_allclose(path.losses, plain.evaluations, rtol=1e-4)
    np.testing.assert_allclose(path.end, plain.point, atol=1e-4)


def test_the_first_step_is_the_learning_rate_over_the_one_norm_of_the_gradient():
    slopes = np.array([3.0, -1.0, 4.0])
    path = Descent(TorchLBFGS(0.5), lambda x: tf.reduce_sum(np.float32(slopes) * x), 3).run(np.zeros(3), 1)
    np.testing.assert_allclose(path.end, -0.5 / 8 * slopes, rtol=1e-6)
    # and never longer than the learning rate
    path = Descent(TorchLBFGS(0.5), lambda x: tf.reduce_sum(np.float32(slopes / 100) * x), 3).run(
        np.zeros(3), 1
    )
    np.testing.assert_allclose(path.end, -0.5 * slopes / 100, rtol=1e-6)


def test_a_pair_without_curvature_is_not_kept():
    # a linear function has y = 0: every later step is -lr * g, unscaled
    slopes = np.array([3.0, -1.0, 4.0])
    path = Descent(TorchLBFGS(0.5), lambda x: tf.reduce_sum(np.float32(slopes) * x), 3).run(np.zeros(3), 3)
    np.testing.assert_allclose(path.end, -(0.5 / 8 + 2 * 0.5) * slopes, rtol=1e-6)


def test_a_pair_that_bends_downwards_takes_no_place_in_the_history():
    frequency, stiffness = np.array([1.0, 1.7, 2.3]), np.array([0.3, 0.2, 0.1])

    def hills(x):
        value = np.sum(stiffness * x**2 / 2 - np.cos(frequency * x))
        return value, stiffness * x + frequency * np.sin(frequency * x)

    def same_hills(x):
        return tf.reduce_sum(np.float32(stiffness) * x**2 / 2 - tf.cos(np.float32(frequency) * x))

    start = np.array([2.0, 1.0, 1.5])
    plain = NumpyTorchLBFGS(hills, start, 2.0, max_iter=1, history_size=2)
    for _ in range(6):
        plain.step()
    assert plain.refused == 1
    path = Descent(TorchLBFGS(2.0, 2), same_hills, 3).run(start, 6)
    # leaps over hills multiply the rounding of float32: measured 3e-4 at the last
    np.testing.assert_allclose(path.losses, plain.evaluations, rtol=1e-3)


def test_nothing_moves_below_the_tolerances():
    tiny = lambda x: tf.reduce_sum(9e-8 * x)  # noqa: E731
    path = Descent(TorchLBFGS(), tiny, 3).run(np.ones(3), 5)
    np.testing.assert_array_equal(path.end, np.ones(3))
    # d.g = -norm2(g)^2 = -3e-10 > -1e-9, though every slope is above 1e-7
    flat = lambda x: tf.reduce_sum(1e-5 * x)  # noqa: E731
    path = Descent(TorchLBFGS(), flat, 3).run(np.ones(3), 5)
    np.testing.assert_array_equal(path.end, np.ones(3))
    path = Descent(TorchLBFGS(tolerance_change=1e-10), flat, 3).run(np.ones(3), 1)
    assert np.all(path.end < 1)


def test_there_is_no_safeguard():
    # fixed steps on |x|^1.5 overshoot: the loss rises at some step, as torch's does
    path = Descent(TorchLBFGS(4.0), lambda x: tf.reduce_sum(tf.abs(x) ** 1.5), 2).run(
        np.array([1.0, -0.3]), 12
    )
    assert np.any(np.diff(path.losses) > 0)


def test_the_configuration_makes_the_same_optimizer():
    optimizer = TorchLBFGS(0.3, 7, 1e-6, 1e-8)
    twin = TorchLBFGS.from_config(optimizer.get_config())
    assert twin.get_config() == optimizer.get_config()
    assert (twin.history_size, twin.tolerance_gradient, twin.tolerance_change) == (7, 1e-6, 1e-8)
    assert float(twin.learning_rate.numpy()) == pytest.approx(0.3)


@pytest.mark.parametrize("wrong", [0, -3, 2.5, True, "many"])
def test_a_history_that_holds_nothing_is_refused(wrong):
    with pytest.raises(InputError, match=f"history_size.*at least 1.*{wrong!r}"):
        TorchLBFGS(history_size=wrong)
