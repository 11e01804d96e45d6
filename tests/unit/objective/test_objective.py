"""Composition of terms: shares of styles, parts and their names, weights that compile nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from direct_features import DirectFeatures
from reference.numpy_objectives import gram

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.statistics import Gram

CONTENT = ContentLoss({"block4_conv2": 0.5, "block2_conv1": 2.0}, 3.0)
STYLE = StyleLoss({"block1_conv1": 1.0, "block2_conv1": 0.25}, 10.0, Gram(1, 1))
EXTRACT = DirectFeatures(["block4_conv2", "block1_conv1", "block2_conv1"])
SHAPE = (6, 7, EXTRACT.depth)


def picture(random: np.random.Generator, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return random.uniform(0, 1, shape).astype(np.float32)


def evaluated(objective: Objective, image: np.ndarray, content: np.ndarray, styles: list[StyleImage]):
    bound = objective.bind(content, styles)
    loss, parts, gradient = bound.value_and_gradient(tf.constant(image[np.newaxis]))
    return float(loss), dict(zip(bound.parts, parts.numpy(), strict=True)), gradient.numpy()[0]


def test_every_part_is_named_and_is_its_weighted_formula(random):
    image, content, style = picture(random), picture(random), picture(random, (9, 4, EXTRACT.depth))
    loss, parts, _ = evaluated(
        Objective(EXTRACT, CONTENT, STYLE, TotalVariation(0.1)), image, content, [StyleImage(style)]
    )
    mine, theirs, target = (EXTRACT.of(one.astype(np.float64)) for one in (image, style, content))

    def normal(features):
        return gram(features) / features.size  # divided by positions and channels

    assert parts == pytest.approx(
        {
            "content/block4_conv2": 3 * 0.5 * np.mean((mine["block4_conv2"] - target["block4_conv2"]) ** 2),
            "content/block2_conv1": 3 * 2 * np.mean((mine["block2_conv1"] - target["block2_conv1"]) ** 2),
            "style/block1_conv1": 10
            * np.mean((normal(mine["block1_conv1"]) - normal(theirs["block1_conv1"])) ** 2),
            "style/block2_conv1": 2.5
            * np.mean((normal(mine["block2_conv1"]) - normal(theirs["block2_conv1"])) ** 2),
            "smoothness": 0.1 * (np.sum(np.diff(image, axis=0) ** 2) + np.sum(np.diff(image, axis=1) ** 2)),
        },
        rel=1e-5,
    )
    assert loss == pytest.approx(sum(parts.values()), rel=1e-6)


def test_the_gradient_is_the_sum_of_those_of_the_terms(random):
    image, content, styles = picture(random), picture(random), [StyleImage(picture(random))]
    smooth = TotalVariation(0.1)
    _, _, whole = evaluated(Objective(EXTRACT, CONTENT, STYLE, smooth), image, content, styles)
    single = [
        evaluated(objective, image, content, styles)[2]
        for objective in (
            Objective(EXTRACT, CONTENT),
            Objective(EXTRACT, None, STYLE),
            Objective(None, None, None, smooth),
        )
    ]
    np.testing.assert_allclose(whole, sum(single), rtol=1e-4, atol=1e-6)


def test_shares_of_styles_are_divided_by_their_sum(random):
    image, content = picture(random), picture(random)
    first, second = picture(random), picture(random, (5, 9, EXTRACT.depth))
    objective = Objective(EXTRACT, None, STYLE)
    alone = [evaluated(objective, image, content, [StyleImage(one)])[0] for one in (first, second)]
    for weights in ((6.0, 2.0), (0.75, 0.25)):
        pair = [StyleImage(first, weights[0]), StyleImage(second, weights[1])]
        assert evaluated(objective, image, content, pair)[0] == pytest.approx(
            0.75 * alone[0] + 0.25 * alone[1]
        )
    assert evaluated(objective, image, content, [StyleImage(first, 17.0)])[0] == pytest.approx(alone[0])
    without_second = [StyleImage(first, 1.0), StyleImage(second, 0.0)]
    assert evaluated(objective, image, content, without_second)[0] == pytest.approx(alone[0])


def test_the_loss_is_zero_where_image_content_and_style_are_one(random):
    image = picture(random)
    loss, _, gradient = evaluated(Objective(EXTRACT, CONTENT, STYLE), image, image, [StyleImage(image)])
    assert loss == 0
    np.testing.assert_array_equal(gradient, np.zeros(SHAPE))


def test_terms_of_weight_zero_are_left_out(random):
    # the style's layers are not in this extractor: a term that were only multiplied by 0 would ask for them
    extract = DirectFeatures(["block4_conv2"])
    objective = Objective(
        extract,
        ContentLoss({"block4_conv2": 1.0}),
        dataclasses.replace(STYLE, weight=0.0),
        TotalVariation(0.0),
    )
    assert objective.parts == ("content/block4_conv2",)
    image, content = random.uniform(0, 1, (2, 4, 5, extract.depth)).astype(np.float32)
    assert evaluated(objective, image, content, [])[0] == pytest.approx(np.mean((image - content) ** 2))


def test_an_objective_without_any_term_is_refused():
    with pytest.raises(InputError, match="weight 0"):
        Objective(EXTRACT, dataclasses.replace(CONTENT, weight=0.0), None, TotalVariation(0.0))


def test_a_term_without_an_extractor_is_refused(random):
    with pytest.raises(InputError, match="extractor"):
        Objective(None, CONTENT).bind(picture(random), [])


@pytest.mark.parametrize(
    ("weights", "said"),
    [((), "at least one style"), ((0.0, 0.0), "above 0"), ((1.0, -0.5), r"-0\.5"), ((float("nan"),), "nan")],
)
def test_styles_without_a_usable_weight_are_refused(random, weights, said):
    styles = [StyleImage(picture(random), weight) for weight in weights]
    with pytest.raises(InputError, match=said):
        Objective(EXTRACT, None, STYLE).bind(picture(random), styles)


def test_new_weights_and_targets_trace_nothing(random):
    image, content, style = (picture(random) for _ in range(3))
    traces = []

    @tf.function(autograph=False)
    def losses(present, targets, weights, objective=Objective(EXTRACT, CONTENT, STYLE, TotalVariation(0.1))):  # noqa: B008
        traces.append(1)
        return objective.value_and_gradient(present, targets, weights)[0]

    found = []
    for weight in (10.0, 20.0):
        for target in (content, style):
            terms = CONTENT, dataclasses.replace(STYLE, weight=weight), TotalVariation(weight)
            bound = Objective(EXTRACT, *terms).bind(target, [StyleImage(style, weight)])
            found.append(float(losses(tf.constant(image[np.newaxis]), bound.targets, bound.weights)))
            expected = float(bound.value_and_gradient(tf.constant(image[np.newaxis]))[0])
            assert found[-1] == pytest.approx(expected, rel=1e-5)
    assert len(set(found)) == 4
    assert len(traces) == 1
