"""The safe L-BFGS against SciPy's L-BFGS-B: the same solutions, for about as many evaluations.

Evaluations are counted until the loss is within a part of the way from start to optimum. Both keep 20 pairs.
Measured over the problems here, ours over SciPy's: 0.95 to 1.05 on quadratics, 0.76 to 1.29 on bounded ones,
0.83 to 1.45 on Rosenbrock's functions, medians 1.0, 1.0 and 1.1. The limits below leave room
for other rounding.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf
from descent import Descent, evaluations_to

from nst_tf.optim import LBFGS

SIZE = 50


def scipys(function, start: np.ndarray, bounds=None):
    """Losses of SciPy's evaluations in order, and its solution."""
    losses = []

    def told(point):
        loss, gradient = function(point)
        losses.append(loss)
        return loss, gradient

    options = {"maxcor": 20, "ftol": 0, "gtol": 1e-12, "maxiter": 2000, "maxfun": 2000}
    found = scipy.optimize.minimize(told, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.array(losses), found


def quadratic(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A Hessian with eigenvalues from 1 to 1000, and the place of the minimum."""
    rotation, _ = np.linalg.qr(random.standard_normal((SIZE, SIZE)))
    return rotation @ np.diag(np.logspace(0, 3, SIZE)) @ rotation.T, random.standard_normal(SIZE)


def quadratic_loss(point, hessian, centre):
    away = point - centre
    return tf.tensordot(away, tf.linalg.matvec(hessian, away), 1) / 2


def rosenbrock(x):
    return tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def compared(paths, optima, part: float) -> np.ndarray:
    """Ours over SciPy's evaluations, a ratio for each pair of runs."""
    ratios = []
    for (path, losses), optimum in zip(paths, optima, strict=True):
        level = optimum + part * (losses[0] - optimum)
        ratios.append(path.evaluations_to(level) / evaluations_to(losses, level))
    return np.array(ratios)


@pytest.fixture(scope="module")
def free() -> Descent:
    return Descent(LBFGS(lower=None, upper=None), quadratic_loss, SIZE)


@pytest.fixture(scope="module")
def boxed() -> Descent:
    return Descent(LBFGS(lower=0.0, upper=1.0), quadratic_loss, SIZE)


def test_convex_quadratics(random, free):
    paths = []
    for _ in range(3):
        hessian, centre = quadratic(random)
        start = 2 * random.standard_normal(SIZE)
        losses, _ = scipys(lambda x, h=hessian, c=centre: ((x - c) @ h @ (x - c) / 2, h @ (x - c)), start)
        path = free.run(start, 110, hessian, centre)
        np.testing.assert_allclose(path.losses[0], losses[0], rtol=1e-5)
        paths.append((path, losses))
    for part in (1e-3, 1e-6):
        ratios = compared(paths, [0.0] * 3, part)
        assert ratios.max() < 1.3
        assert np.median(ratios) < 1.15


def test_bounded_quadratics_end_at_the_same_bounds(random, boxed):
    paths, optima = [], []
    for _ in range(5):
        hessian, centre = quadratic(random)
        start = random.uniform(0, 1, SIZE)
        losses, found = scipys(
            lambda x, h=hessian, c=centre: ((x - c) @ h @ (x - c) / 2, h @ (x - c)), start, [(0, 1)] * SIZE
        )
        path = boxed.run(start, 60, hessian, centre)
        paths.append((path, losses))
        optima.append(found.fun)
        assert path.points.min() >= 0
        assert path.points.max() <= 1
        # every coordinate that SciPy holds at a bound is at that bound, and no other is
        best = path.points[np.argmin(path.losses)]
        assert 10 < np.sum(found.x == 0) + np.sum(found.x == 1) < SIZE
        np.testing.assert_array_equal(best == 0, found.x == 0)
        np.testing.assert_array_equal(best == 1, found.x == 1)
        # float32 tells losses apart to 1e-7 of about 10^3: sqrt(2 * 1e-4 / smallest eigenvalue 1) = 0.014
        np.testing.assert_allclose(best, found.x, atol=0.015)
    for part in (1e-3, 1e-5):
        ratios = compared(paths, optima, part)
        assert ratios.max() < 1.6
        assert np.median(ratios) < 1.25


@pytest.mark.parametrize(
    ("size", "starts"),
    [
        (2, [[-1.2, 1.0], [2.0, -1.0], [0.0, 0.0], [-2.0, -2.0]]),
        (10, [[-1.2, 1.0] * 5, [0.0] * 10, [2.0] * 10, [0.5, -0.5] * 5]),
    ],
)
def test_rosenbrock(size, starts):
    descent = Descent(LBFGS(lower=None, upper=None), rosenbrock, size)
    function = lambda x: (scipy.optimize.rosen(x), scipy.optimize.rosen_der(x))  # noqa: E731
    paths = [(descent.run(start, 150), scipys(function, np.array(start))[0]) for start in starts]
    for path, _ in paths:
        np.testing.assert_allclose(path.end, np.ones(size), atol=1e-3)
    for part in (1e-3, 1e-6):
        ratios = compared(paths, [0.0] * len(paths), part)
        assert ratios.max() < 2
        assert np.median(ratios) < 1.5


def test_rosenbrock_with_its_minimum_outside_of_the_box():
    # the minimum (1, 1) is cut off at 0.8: SciPy's solution has x at the bound
    descent = Descent(LBFGS(lower=-0.5, upper=0.8), rosenbrock, 2)
    function = lambda x: (scipy.optimize.rosen(x), scipy.optimize.rosen_der(x))  # noqa: E731
    _, found = scipys(function, np.array([-0.3, 0.3]), [(-0.5, 0.8)] * 2)
    path = descent.run(np.array([-0.3, 0.3]), 150)
    np.testing.assert_allclose(found.x, [0.8, 0.64], atol=1e-6)
    np.testing.assert_allclose(path.end, found.x, atol=1e-4)


def test_a_start_outside_of_the_box_is_brought_in(boxed, random):
    hessian, centre = quadratic(random)
    path = boxed.run(np.full(SIZE, 3.0), 40, hessian, centre)
    assert path.points[1:].min() >= 0
    assert path.points[1:].max() <= 1
    assert path.losses[-1] < path.losses[0]
