"""The objective of several pictures at once against that of each alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.optim.batched import stacked
from nst_tf.statistics import (
    Contextual,
    Covariance,
    GaussianWasserstein,
    Gram,
    HistogramMatching,
    MaximumMeanDiscrepancy,
    NearestPatches,
    PolynomialKernel,
    SlicedWasserstein,
)

STATISTICS = [
    Gram(),
    *(
        pytest.param(one, marks=pytest.mark.slow)
        for one in (
            SlicedWasserstein(3),  # the gradient of sorting has no vectorized form: one after another
            Covariance(),
            GaussianWasserstein(),
            GaussianWasserstein(0.0),
            MaximumMeanDiscrepancy(PolynomialKernel(2, 0.5)),
            HistogramMatching(),
            NearestPatches(),
            Contextual(),
        )
    ),
]
COUNT = 3


def bound_for_each(objective, random, view=False):
    """The objective bound to another content, style and weight for each, and an image for each."""
    bounds, images = [], []
    for number in range(COUNT):
        content, style, image = random.uniform(0, 1, (3, 20, 24, 3)).astype(np.float32)
        span = random.uniform(0.2, 0.5, (2, 20, 24, 1)).astype(np.float32)
        bounds.append(objective(number).bind(content, [StyleImage(style)], (*span,) if view else None))
        images.append(image[np.newaxis])
    return bounds, np.stack(images)


def assert_each_is_as_alone(bounds, images):
    several = tf.function(bounds[0].objective.value_and_gradient_of_several, autograph=False)
    found = several(tf.constant(images), *stacked(bounds))
    for number, bound in enumerate(bounds):
        for some, alone in zip(found, bound.value_and_gradient(tf.constant(images[number])), strict=True):
            # sums of float32 in another order
            np.testing.assert_allclose(some[number], alone, rtol=1e-4, atol=1e-5 * np.abs(alone).max())


@pytest.mark.parametrize("statistic", STATISTICS, ids=lambda one: type(one).__name__)
def test_each_picture_has_the_value_and_the_gradient_that_it_has_alone(random, small_extractor, statistic):
    def objective(number):
        style = StyleLoss(
            {"block1_conv1": 1.0, "block2_conv1": 0.5}, weight=10.0**number, statistic=statistic
        )
        return Objective(small_extractor, ContentLoss({"block2_conv2": 1.0}), style, TotalVariation(0.1))

    assert_each_is_as_alone(*bound_for_each(objective, random))


def test_the_network_is_asked_once_for_all_of_them(random, small_extractor):
    def objective(number):
        return Objective(small_extractor, None, StyleLoss({"block1_conv1": 1.0, "block2_conv1": 1.0}))

    bounds, images = bound_for_each(objective, random)
    objective = bounds[0].objective
    several = tf.function(objective.value_and_gradient_of_several, autograph=False)
    one = tf.function(objective.value_and_gradient, autograph=False)
    kinds = kinds_of(several.get_concrete_function(tf.constant(images), *stacked(bounds)))
    alone = kinds_of(one.get_concrete_function(tf.constant(images[0]), bounds[0].targets, bounds[0].weights))
    # block1_conv1 to block2_conv2, forwards and backwards; alone, the last has no gradient to take back
    assert (convolutions(kinds), convolutions(alone)) == (8, 7)
    assert kinds["While"] + kinds["StatelessWhile"] == 0
    # the Gram matrix of each picture by itself would be COUNT times as many
    assert kinds["BatchMatMulV2"] == alone["MatMul"] + alone["BatchMatMulV2"] > 0


def convolutions(kinds: Counter) -> int:
    """Forwards and backwards: which kind serves which depends on the processor."""
    return kinds["Conv2D"] + kinds["Conv2DBackpropInput"]


def kinds_of(function) -> Counter:
    """How many operations of each kind."""
    return Counter(operation.type for operation in function.graph.get_operations())
