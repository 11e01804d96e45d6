"""A moving average over several sizes: each begins with the enlarged average of the one before."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from nst_tf.init import enlarged
from nst_tf.losses import TotalVariation
from nst_tf.objective import Objective
from nst_tf.optim.loop import Solver


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.Adam(0.02), keras.optimizers.SGD(0.01)], ids=["adam", "sgd"]
)
def test_a_size_begins_with_the_average_of_the_one_before_and_averages_anew(optimizer, random):
    objective = Objective(None, None, None, TotalVariation(weight=1.0))
    solver = Solver(optimizer, average=0.9, keep_best=False)
    image = random.uniform(0.2, 0.8, (8, 12, 3)).astype(np.float32)
    solver.enter(image, objective.bind(image, []))
    seen = [image]
    for _ in solver.steps(4, 1):
        seen.append(solver.last_image)
    shares = 0.9 ** np.arange(4, -1, -1)
    average = np.tensordot(shares / shares.sum(), seen, 1)
    np.testing.assert_allclose(solver.image, average, atol=1e-6)
    begun = enlarged(solver.image, 16, 24)
    solver.enter(begun, objective.bind(begun, []))
    np.testing.assert_allclose(solver.image, begun, atol=1e-6)
    list(solver.steps(1))
    second = np.tensordot([0.9 / 1.9, 1 / 1.9], [begun, solver.last_image], 1)
    np.testing.assert_allclose(solver.image, second, atol=1e-6)
    solver.close()
