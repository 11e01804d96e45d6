"""The safe L-BFGS on twenty small style transfers: however they start, they never end above it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from descent import Descent

from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.optim import LBFGS
from nst_tf.statistics import AbsoluteError, Gram, SquaredError

SIDE = 32
EVALUATIONS = 25
LAYERS = dict.fromkeys(["block1_conv1", "block2_conv1"], 0.5)
# of very different sizes and shapes: losses from 1e-1 to 1e12, smooth ones and one with kinks
TERMS = {
    "pastiche": (ContentLoss({"block2_conv2": 1.0}, 0.01), StyleLoss(LAYERS, 10.0, Gram(1, 1)), None),
    "raw sums": (
        ContentLoss({"block2_conv2": 1.0}, 1.0, SquaredError("sum")),
        StyleLoss(LAYERS, 1.0, Gram(0, 0, SquaredError("sum"))),
        TotalVariation(1e-4, 2.5, coupled=True, pixel_scale=255),
    ),
    "tiny": (ContentLoss({"block2_conv2": 1.0}, 1e-9), StyleLoss(LAYERS, 1e-6, Gram(1, 1)), None),
    "kinks": (
        ContentLoss({"block2_conv2": 1.0}, 1.0, AbsoluteError()),
        StyleLoss(LAYERS, 1.0, Gram(1, 1, AbsoluteError())),
        TotalVariation(10.0, 1.0),
    ),
}


def smooth_picture(random: np.random.Generator) -> np.ndarray:
    coarse = tf.constant(random.uniform(0, 1, (6, 6, 3)))
    return np.clip(tf.image.resize(coarse, (SIDE, SIDE), "bicubic").numpy(), 0, 1)


@pytest.mark.parametrize("name", TERMS)
def test_five_problems_never_end_above_their_start(small_extractor, name):
    objective = Objective(small_extractor, *TERMS[name])

    def loss_and_gradient(vector, targets, weights):
        image = tf.reshape(vector, [1, SIDE, SIDE, 3])
        loss, _, gradient = objective.value_and_gradient(image, targets, weights)
        return loss, tf.reshape(gradient, [-1])

    descent = Descent(LBFGS(), loss_and_gradient, SIDE * SIDE * 3)
    for seed in range(5):
        random = np.random.default_rng(seed)
        content, style = smooth_picture(random), random.uniform(0, 1, (SIDE, SIDE, 3))
        start = content if seed % 2 else random.uniform(0, 1, (SIDE, SIDE, 3))
        bound = objective.bind(np.float32(content), [StyleImage(np.float32(style))])
        path = descent.run(start.ravel(), EVALUATIONS, bound.targets, bound.weights)
        assert path.accepted[-1] < path.losses[0]
        assert np.all(np.diff(path.accepted) <= 0)
        assert path.points.min() >= 0
        assert path.points.max() <= 1
        # the accepted loss is what the objective says of the accepted point, evaluated apart
        image = tf.reshape(descent.optimizer._point.value, [1, SIDE, SIDE, 3])
        assert float(bound.value_and_gradient(image)[0]) == pytest.approx(path.accepted[-1], rel=1e-4)
