"""Several terms of style in one objective, weights by size, and terms that take all layers together."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_slope

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.evaluation import WholePicture
from nst_tf.optim.batched import stacked
from nst_tf.pyramid import Scale, by_size
from nst_tf.statistics import (
    ChannelMeans,
    Gram,
    HypercolumnMoments,
    MatchedHypercolumns,
    NearestFeatures,
    RelaxedTransport,
    SelfSimilarity,
)
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.recompute import read_recomputing

LAYERS = {"block1_conv1": 0.5, "block2_conv1": 0.5}
SIZE = (24, 32)


@pytest.fixture(scope="module")
def extractor(random_weights) -> FeatureExtractor:
    return FeatureExtractor(random_weights, ["pixels", "block1_conv1", "block2_conv1", "block2_conv2"])


def strotss(**options) -> dict:
    """Its terms at small sizes."""
    options = {"positions": 40, "style_positions": 60, **options}
    layers = {"pixels": 0.25, "block1_conv1": 0.25, "block2_conv1": 0.25, "block2_conv2": 0.25}
    return {
        "content": ContentLoss(layers, 2.0, SelfSimilarity(40, options.get("resample", True))),
        "style": StyleLoss(layers, 1.0, RelaxedTransport(**options)),
        "terms": {
            "moments": StyleLoss(layers, 1.0, HypercolumnMoments(**options)),
            "palette": StyleLoss({"pixels": 1.0}, 0.5, RelaxedTransport(cost="palette", **options)),
        },
    }


def pictures(random, *sizes) -> list[np.ndarray]:
    return [random.uniform(0, 1, (*size, 3)).astype(np.float32) for size in sizes]


def evaluated(bound, image: np.ndarray) -> tuple[float, dict[str, float], np.ndarray]:
    loss, parts, gradient = bound.value_and_gradient(tf.constant(image[np.newaxis]))
    return float(loss), dict(zip(bound.parts, parts.numpy(), strict=True)), gradient.numpy()[0]


def test_terms_add_up_and_every_part_has_the_name_of_its_term(random, extractor):
    image, content, style = pictures(random, SIZE, SIZE, (20, 28))
    gram, means = StyleLoss(LAYERS, 3.0, Gram()), StyleLoss({"pixels": 1.0}, 2.0, ChannelMeans())
    loss, parts, gradient = evaluated(
        Objective(extractor, style=gram, terms={"tones": means}).bind(content, [StyleImage(style)]), image
    )
    alone = [
        evaluated(Objective(extractor, style=one).bind(content, [StyleImage(style)]), image)
        for one in (gram, means)
    ]
    assert list(parts) == ["style/block1_conv1", "style/block2_conv1", "tones/pixels"]
    assert loss == pytest.approx(alone[0][0] + alone[1][0], rel=1e-6)
    np.testing.assert_allclose(gradient, alone[0][2] + alone[1][2], rtol=1e-4, atol=1e-8)
    # the layer `pixels` is the picture itself: RGB in [0, 1]
    expected = 2 * np.mean((image.mean(axis=(0, 1)) - style.mean(axis=(0, 1))) ** 2)
    assert parts["tones/pixels"] == pytest.approx(expected, rel=1e-4)


def test_pixels_alone_need_no_convolution(random, random_weights):
    image, style = pictures(random, SIZE, (20, 28))
    extractor = FeatureExtractor(random_weights, ["pixels"])
    assert extractor.reach == (1, 0)
    term = StyleLoss({"pixels": 1.0}, 1.0, ChannelMeans())
    for read in (WholePicture(), WholePicture(read_recomputing)):
        bound = Objective(extractor, style=term, evaluation=read).bind(image, [StyleImage(style)])
        loss, _, gradient = evaluated(bound, image)
        apart = image.mean(axis=(0, 1)) - style.mean(axis=(0, 1))
        assert loss == pytest.approx(np.mean(apart**2), rel=1e-4)
        np.testing.assert_allclose(gradient[3, 5], 2 * apart / 3 / (24 * 32), rtol=1e-3)


@pytest.mark.parametrize(
    ("given", "factors"),
    [(None, [1, 1, 1]), (2.0, [4, 2, 1]), (0.5, [0.25, 0.5, 1]), ([1, 0], [1, 1, 0]), ([3, 2, 1], [3, 2, 1])],
)
def test_weights_by_size(given, factors):
    scales = [Scale(32 * 2**index, 32, 1, 2 - index) for index in range(3)]
    assert [by_size(given, scale) for scale in scales] == factors
    assert by_size([5, 4, 3, 2, 1], scales[0]) == 3


def test_a_term_without_weight_at_a_size_is_not_there(random, extractor):
    style = StyleLoss(LAYERS, 3.0, Gram(), weight_by_size=[1, 0])
    last = StyleLoss({"block2_conv2": 1.0}, 5.0, ChannelMeans(), weight_by_size=[0, 2])
    objective = Objective(extractor, style=style, terms={"last": last})
    coarse, fine = (objective.at(Scale(32, 32, 1, finer)) for finer in (1, 0))
    assert coarse.parts == ("style/block1_conv1", "style/block2_conv1")
    assert fine.parts == ("last/block2_conv2",)
    assert fine.styles["last"].weight == 10
    with pytest.raises(InputError, match="every term of the objective has weight 0"):
        Objective(extractor, style=style).at(Scale(32, 32, 1))


@pytest.mark.parametrize("given", [[], "x", -1, [1, -2], True, float("nan")])
def test_factors_of_sizes_that_are_none_are_refused(given):
    with pytest.raises(InputError, match="weight_by_size"):
        StyleLoss(LAYERS, weight_by_size=given)
    with pytest.raises(InputError, match=r"objective\.content\.weight_by_size"):
        ContentLoss(LAYERS, weight_by_size=given)


def test_joint_terms_have_one_part_each_and_the_gradient_of_their_value(random, extractor):
    image, content, style = pictures(random, SIZE, SIZE, (20, 28))
    bound = Objective(extractor, **strotss()).bind(content, [StyleImage(style)])
    loss, parts, gradient = evaluated(bound, image)
    assert list(parts) == ["content", "style", "moments", "palette"]
    assert loss == pytest.approx(sum(parts.values()), rel=1e-5)
    direction = random.normal(0, 1, image.shape).astype(np.float32)

    def value(at: np.ndarray) -> float:
        return evaluated(bound, at.astype(np.float32))[0]

    slope = central_slope(value, image, direction, 3e-4)  # float32: at a smaller step rounding is seen
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=0.02)


def test_joint_terms_are_recomputed_with_the_same_gradient(random, extractor):
    image, content, style = pictures(random, SIZE, SIZE, (20, 28))
    terms = strotss()
    terms["terms"]["matched"] = StyleLoss(LAYERS, 1.0, MatchedHypercolumns())
    terms["terms"]["nearest"] = StyleLoss(LAYERS, 1.0, NearestFeatures(5))
    losses, gradients = [], []
    for evaluation in (WholePicture(), WholePicture(read_recomputing)):
        bound = Objective(extractor, **terms, evaluation=evaluation).bind(content, [StyleImage(style)])
        loss, _, gradient = evaluated(bound, image)
        losses.append(loss)
        gradients.append(gradient)
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-3, atol=1e-4 * np.abs(gradients[0]).max())


def test_of_several_pictures_each_has_the_value_that_it_has_alone(random, extractor):
    terms = strotss(resample=False)
    bounds, images = [], []
    for _ in range(2):
        image, content, style = pictures(random, SIZE, SIZE, SIZE)
        bounds.append(Objective(extractor, **terms).bind(content, [StyleImage(style)]))
        images.append(image)
    several = bounds[0].objective.value_and_gradient_of_several
    found = several(tf.constant(np.stack(images)[:, np.newaxis]), *stacked(bounds))
    for number, bound in enumerate(bounds):
        loss, _, gradient = evaluated(bound, images[number])
        assert float(found[0][number]) == pytest.approx(loss, rel=1e-4)
        np.testing.assert_allclose(
            found[2][number][0], gradient, rtol=1e-3, atol=1e-4 * np.abs(gradient).max()
        )


def test_the_style_is_turned_and_the_start_of_a_size_has_its_say(random, extractor):
    content, start, style = pictures(random, SIZE, SIZE, (16, 40))
    images = [style, *(np.rot90(style, turn).copy() for turn in (1, 2, 3))]

    def targets(alpha: float) -> np.ndarray:
        term = StyleLoss(LAYERS, 1.0, MatchedHypercolumns(alpha))
        objective = Objective(extractor, style=term)
        assert objective.asks_for_start
        bound = objective.bind(content, [StyleImage(style)], start=start)
        return bound.targets["style"]["style"][0][0].numpy()

    def features(picture: np.ndarray) -> tf.Tensor:
        seen = extractor(tf.constant(picture[np.newaxis]))
        return MatchedHypercolumns().describe([seen[layer] for layer in LAYERS])

    every = tf.concat([features(one) for one in images], axis=0)
    for alpha, query in ((0.0, start), (1.0, content)):
        expected = MatchedHypercolumns().matched(features(query), every)
        np.testing.assert_allclose(targets(alpha), expected, rtol=1e-4, atol=1e-6)
    assert not np.allclose(targets(0.0), targets(1.0))


@pytest.mark.parametrize(
    "statistic", [MatchedHypercolumns(), RelaxedTransport(), HypercolumnMoments()], ids=str
)
def test_relative_to_content_a_joint_term_begins_at_its_weight(random, extractor, statistic):
    content, style = pictures(random, SIZE, (20, 28))
    term = StyleLoss(LAYERS, 3.0, statistic, relative_to_content=True)
    loss, _, _ = evaluated(Objective(extractor, style=term).bind(content, [StyleImage(style)]), content)
    # the content's own positions are others than those of a step
    assert loss == pytest.approx(3, rel=0.1)
    loss, _, _ = evaluated(Objective(extractor, style=term).bind(content, [StyleImage(content)]), content)
    assert np.isfinite(loss)


def test_what_all_layers_share_has_no_gradient_of_one_layer():
    with pytest.raises(InputError, match="normalize_gradients=true"):
        StyleLoss(LAYERS, statistic=RelaxedTransport(), normalize_gradients=True)
    with pytest.raises(InputError, match="normalize_gradients=true"):
        ContentLoss(LAYERS, distance=SelfSimilarity(), normalize_gradients=True)


def test_weights_and_their_factors_compile_nothing_anew(extractor):
    one = Objective(
        extractor, style=StyleLoss(LAYERS, 1.0, weight_by_size=2.0), smoothness=TotalVariation(1.0)
    )
    other = Objective(
        extractor, style=dataclasses.replace(one.styles["style"], weight=3.0, weight_by_size=None)
    )
    assert one.compile_key != other.compile_key
    other = Objective(extractor, style=other.styles["style"], smoothness=TotalVariation(2.0))
    assert one.compile_key == other.compile_key
