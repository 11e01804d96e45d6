"""The moving average of the iterates against its definition as a sum."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses import ContentLoss
from nst_tf.objective import Objective
from nst_tf.optim.loop import Solver
from nst_tf.optim.step import CompiledSteps, MovingAverage


def weighted_mean(images: np.ndarray, decay: float) -> np.ndarray:
    """Weights fall by ``decay`` an image backwards from the newest, and sum to one."""
    weights = decay ** np.arange(len(images))[::-1].astype(np.float64)
    return np.tensordot(weights / weights.sum(), images, 1)


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_the_average_is_the_weighted_mean_of_all_images(random, decay):
    images = random.uniform(0, 1, (7, 1, 3, 4, 3))
    average = MovingAverage((1, 3, 4, 3), decay)
    average.reset(tf.constant(images[0], tf.float32))
    np.testing.assert_allclose(average.value(), images[0], rtol=1e-4)
    for count in range(2, 8):
        average.update(tf.constant(images[count - 1], tf.float32))
        np.testing.assert_allclose(average.value(), weighted_mean(images[:count], decay), rtol=1e-4)


def test_the_solver_averages_the_start_and_every_clipped_update(random):
    content, start = random.uniform(0, 1, (2, 5, 4, 3)).astype(np.float32)
    objective = Objective(lambda image: {"pixels": image}, ContentLoss({"pixels": 1.0}))
    bound = objective.bind(content, [])

    compiled = CompiledSteps()

    def images(count: int) -> np.ndarray:
        # the distance turns round and doubles, until the box stops it: every image differs
        solver = Solver(keras.optimizers.SGD(3 * content.size / 2), keep_best=False, compiled_steps=compiled)
        solver.enter(start, bound)
        list(solver.steps(count)) if count else None
        image = solver.last_image
        solver.close()
        return image

    solver = Solver(keras.optimizers.SGD(3 * content.size / 2), average=0.8)
    solver.enter(start, bound)
    list(solver.steps(6))
    expected = weighted_mean(np.stack([images(count) for count in range(7)]), 0.8)
    np.testing.assert_allclose(solver.image, expected, rtol=1e-4, atol=1e-6)
