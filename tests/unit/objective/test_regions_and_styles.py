"""Regions, blends and layers of styles in an objective: what pulls where."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.guidance import PROPAGATIONS, Regions
from nst_tf.losses import ContentLoss, StyleLoss
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.blending import BlendedStatistics
from nst_tf.objective.evaluation import WholePicture
from nst_tf.objective.tiles import Tiles
from nst_tf.statistics import Covariance, GaussianWasserstein, Gram, NearestPatches, SlicedWasserstein
from nst_tf.vgg.recompute import read_recomputing

LAYERS = ("block1_conv1", "block2_conv1")
# block1_conv1 sees one pixel beside its own, block2_conv1 four
CUT, SIDE = 24, 32


def objective_of(
    extractor, statistic=None, layers=LAYERS, evaluation=None, blending=None, **options
) -> Objective:
    style = StyleLoss(dict.fromkeys(layers, 1.0), 1.0, statistic or Gram(), **options)
    content = ContentLoss({"block2_conv2": 1.0}, 1e-3)
    return Objective(extractor, content, style, evaluation=evaluation, blending=blending)


def pictures_of(random, *shapes) -> list[np.ndarray]:
    return [
        (random.uniform(0, 1, (*shape, 3)) ** power).astype(np.float32)
        for shape, power in zip(shapes, (1, 3, 0.4, 2), strict=False)
    ]


def cut(height: int, width: int, edge: int) -> np.ndarray:
    mask = np.zeros((height, width, 2), np.float32)
    mask[:, :edge, 0], mask[:, edge:, 1] = 1, 1
    return mask


def regions_of(mask, styles, styles_of, shares=(0.5, 0.5), **options) -> Regions:
    return Regions(("left", "right"), mask, styles, styles_of, shares, **options)


def loss_and_gradient(bound, image) -> tuple[float, dict[str, float], np.ndarray]:
    loss, parts, gradient = bound.value_and_gradient(tf.constant(image[np.newaxis]))
    return float(loss), dict(zip(bound.parts, parts.numpy(), strict=True)), gradient.numpy()[0]


def test_one_region_that_is_everything_is_no_region(random, small_extractor):
    content, style, image = pictures_of(random, (24, 40), (32, 24), (24, 40))
    objective = objective_of(small_extractor)
    plain = loss_and_gradient(objective.bind(content, [StyleImage(style)]), image)
    whole = Regions(("all",), np.ones((24, 40, 1), np.float32), (None,), ((0,),), (1.0,))
    guided = loss_and_gradient(objective.bind(content, [StyleImage(style)], regions=whole), image)
    assert guided[0] == pytest.approx(plain[0], rel=1e-6)
    np.testing.assert_allclose(guided[2], plain[2], atol=1e-6 * np.abs(plain[2]).max())


@pytest.mark.parametrize(
    "statistic", [Gram(), Gram(0, 1), Covariance(), GaussianWasserstein(), SlicedWasserstein()]
)
def test_a_picture_cut_in_two_has_the_losses_of_its_halves(random, small_extractor, statistic):
    """By masks of content and of style; positions that see both halves are left out by ``inside``."""
    left, right, style_left, style_right = pictures_of(random, (24, 32), (24, 32), (32, 32), (32, 32))
    image, style = np.concatenate([left, right], 1), np.concatenate([style_left, style_right], 1)
    inside = PROPAGATIONS["inside"]
    objective = objective_of(small_extractor, statistic, ("block1_conv1",))
    masks = cut(24, 64, SIDE), cut(32, 64, SIDE)
    regions = regions_of(masks[0], (masks[1],), ((0,), (0,)), (0.25, 0.75), propagation=inside)
    _, parts, _ = loss_and_gradient(objective.bind(image, [StyleImage(style)], regions=regions), image)

    def described(picture, columns):
        features = small_extractor(tf.constant(picture[np.newaxis]))["block1_conv1"]
        count = picture.shape[0] * picture.shape[1]
        part = features[:, :, columns]
        found = statistic.describe(part)
        if statistic == Gram(0, 1):  # not over positions: that of a whole picture that is like the region
            found *= count / (part.shape[1] * part.shape[2])
        if statistic == Covariance():  # 1/(M - 1), with M of the whole layer
            inner = part.shape[1] * part.shape[2]
            found *= (inner - 1) / inner * count / (count - 1)
        return found

    halves = slice(0, SIDE - 1), slice(SIDE + 1, None)
    expected = sum(
        share * float(statistic.compare(described(image, columns), described(style, columns)))
        for share, columns in zip((0.25, 0.75), halves, strict=True)
    )
    assert parts["style/block1_conv1"] == pytest.approx(expected, rel=1e-4)


def test_each_region_follows_its_own_style_alone(random, small_extractor):
    content, image, one, other = pictures_of(random, (24, 64), (24, 64), (32, 24), (24, 32))
    objective = objective_of(small_extractor)
    regions = regions_of(cut(24, 64, SIDE), (None, None), ((0,), (1,)))

    def gradient(first, second):
        return loss_and_gradient(
            objective.bind(content, [StyleImage(first), StyleImage(second)], regions=regions), image
        )[2]

    before, after = gradient(one, other), gradient(one, np.sqrt(other))
    moved = np.abs(after - before).max(axis=(0, 2)) > 1e-6 * np.abs(before).max()
    # block2_conv1's last position of the left half sees four pixels of the right one, and the other way round
    assert not moved[: SIDE - 4].any()
    assert moved[SIDE + 4 :].all()


@pytest.mark.parametrize("statistic", [Gram(), SlicedWasserstein()], ids=str)
def test_a_region_without_a_pixel_leaves_everything_finite(random, small_extractor, statistic):
    content, style, image = pictures_of(random, (24, 40), (32, 24), (24, 40))
    objective = objective_of(small_extractor, statistic, relative_to_content=True)
    regions = regions_of(cut(24, 40, 40), (cut(32, 24, 0),), ((0,), (0,)))
    bound = objective.bind(content, [StyleImage(style)], regions=regions)
    loss, parts, gradient = loss_and_gradient(bound, image)
    assert np.isfinite([loss, *parts.values()]).all()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize(
    "evaluation", [WholePicture(read_recomputing), Tiles(16)], ids=["recompute", "tiles"]
)
@pytest.mark.parametrize("propagation", ["simple", "inside"])
def test_regions_in_pieces_are_those_of_the_whole(random, small_extractor, evaluation, propagation):
    content, image, style, other = pictures_of(random, (45, 67), (45, 67), (50, 41), (33, 40))
    soft = np.clip(cut(45, 67, 30) + 0.2 * random.uniform(-1, 1, (45, 67, 2)), 0, 1).astype(np.float32)
    kept = (random.uniform(0, 1, (45, 67)) > 0.7).astype(np.float32)
    regions = regions_of(
        soft, (cut(50, 41, 20), None), ((0,), (0, 1)), kept=kept, propagation=PROPAGATIONS[propagation]
    )
    found = []
    for how in (None, evaluation):
        objective = objective_of(small_extractor, evaluation=how, relative_to_content=True)
        bound = objective.bind(content, [StyleImage(style, 2.0), StyleImage(other)], regions=regions)
        found.append(loss_and_gradient(bound, image))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    np.testing.assert_allclose(found[1][2], found[0][2], atol=2e-5 * np.abs(found[0][2]).max())
    assert not found[0][2][kept == 1].any()


def test_other_masks_of_the_same_sizes_compile_nothing(random, small_extractor):
    content, style, image = pictures_of(random, (24, 40), (32, 24), (24, 40))
    objective = objective_of(small_extractor)
    bounds = [
        objective.bind(
            content, [StyleImage(style)], regions=regions_of(cut(24, 40, edge), (None,), ((0,), (0,)), shares)
        )
        for edge, shares in ((10, (0.5, 0.5)), (30, (0.1, 0.9)))
    ]
    assert bounds[0].compile_key == bounds[1].compile_key
    traces = []

    @tf.function(autograph=False)
    def compiled(at, targets, weights):
        traces.append(1)
        return objective.value_and_gradient(at, targets, weights)[0]

    for bound in bounds:
        found = compiled(tf.constant(image[np.newaxis]), bound.targets, bound.weights)
        assert float(found) == pytest.approx(loss_and_gradient(bound, image)[0], rel=1e-5)
    assert len(traces) == 1
    assert objective.bind(content, [StyleImage(style)]).compile_key != bounds[0].compile_key


def test_a_blend_pulls_to_the_mean_of_the_gram_matrices(random, small_extractor):
    content, image, one, other = pictures_of(random, (24, 40), (24, 40), (32, 24), (24, 32))
    styles = [StyleImage(one, 3.0), StyleImage(other, 1.0)]
    blended = objective_of(small_extractor, blending=BlendedStatistics()).bind(content, styles)
    _, parts, gradient = loss_and_gradient(blended, image)

    def gram(picture, layer):
        vectors = small_extractor(tf.constant(picture[np.newaxis]))[layer].numpy()
        vectors = vectors.reshape(-1, vectors.shape[-1]).astype(np.float64)
        return vectors.T @ vectors / len(vectors)

    small = [name for name in LAYERS if name in small_extractor.layers]
    for layer in small:
        target = 0.75 * gram(one, layer) + 0.25 * gram(other, layer)
        expected = np.mean((gram(image, layer) - target) ** 2)
        assert parts[f"style/{layer}"] == pytest.approx(expected, rel=1e-4)
    # with squared errors the sum of the losses has the same gradient, and a value that can't reach 0
    _, summed, same = loss_and_gradient(objective_of(small_extractor).bind(content, styles), image)
    np.testing.assert_allclose(gradient, same, atol=1e-4 * np.abs(same).max())
    assert all(summed[f"style/{layer}"] > parts[f"style/{layer}"] for layer in small)


def test_a_statistic_without_a_mean_is_no_blend():
    with pytest.raises(InputError, match=r"NearestPatches.*blending=losses"):
        BlendedStatistics().check(NearestPatches())


def test_a_style_has_no_influence_on_layers_of_others(random, small_extractor):
    content, image, one, other = pictures_of(random, (24, 40), (24, 40), (32, 24), (24, 32))
    objective = objective_of(small_extractor)
    fine, coarse = (frozenset([layer]) for layer in LAYERS)

    def parts(first, second):
        styles = [StyleImage(first, 1.0, fine), StyleImage(second, 5.0, coarse)]
        return loss_and_gradient(objective.bind(content, styles), image)[1]

    before, after = parts(one, other), parts(one, np.sqrt(other))
    assert after["style/block1_conv1"] == before["style/block1_conv1"]
    assert after["style/block2_conv1"] != before["style/block2_conv1"]
    alone = loss_and_gradient(objective.bind(content, [StyleImage(one)]), image)[1]
    assert before["style/block1_conv1"] == pytest.approx(alone["style/block1_conv1"], rel=1e-6)


def test_a_layer_that_no_style_has_is_named(random, small_extractor):
    content, style = pictures_of(random, (24, 40), (32, 24))
    styles = [dataclasses.replace(StyleImage(style), layers=frozenset(["block1_conv1"]))]
    with pytest.raises(InputError, match="block2_conv1"):
        objective_of(small_extractor).bind(content, styles)
