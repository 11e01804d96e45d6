"""Propagation to a layer: closed forms of a half plane, and what the network itself sees."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.guidance import PROPAGATIONS, Regions, layer_weights
from nst_tf.vgg.layers import reach_of
from nst_tf.vgg.network import FeatureExtractor

NAMES = ("left", "right")


def half(height: int, width: int, edge: int) -> np.ndarray:
    found = np.zeros((height, width, 2), np.float32)
    found[:, :edge, 0], found[:, edge:, 1] = 1, 1
    return found


# block2_conv1: stride 2, and 4 pixels more on each side (1 + 1 + 2); position i sees 2 i - 4 to 2 i + 5
@pytest.mark.parametrize(
    ("propagation", "edge", "left", "right"),
    [
        *(("simple", 20, 10, 10), ("inside", 20, 8, 8), ("all", 20, 12, 12)),
        *(("simple", 21, 11, 10), ("inside", 21, 8, 7), ("all", 21, 13, 12)),
    ],
)
def test_a_half_plane(propagation, edge, left, right):
    reach = reach_of("vgg19", ["block2_conv1"])
    assert reach == (2, 4)
    found = layer_weights(half(8, 40, edge), reach, PROPAGATIONS[propagation], NAMES, "block2_conv1")
    assert found.values.shape == (4, 20, 2)
    for row in found.values:
        assert (row[:, 0] > 0).tolist() == [True] * left + [False] * (20 - left)
        assert (row[:, 1] > 0).tolist() == [False] * (20 - right) + [True] * right
    # area-normalised: each sums to the number of positions, and within a region they are equal
    np.testing.assert_allclose(found.values.sum(axis=(0, 1)), 80, rtol=1e-6)
    np.testing.assert_allclose(np.diff(found.values[:, : left - 1, 0]), 0)
    assert not found.empty.any()
    assert found.notes == ()


def test_simple_is_the_mean_of_the_pixels_of_a_position(random):
    soft = random.uniform(0, 1, (9, 13, 2)).astype(np.float32)
    found = PROPAGATIONS["simple"](soft, reach_of("vgg19", ["block3_conv1"]))
    expected = soft[:8, :12].reshape(2, 4, 3, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_inside_and_all_are_what_the_network_sees(random_weights, random):
    """The authors find it out by probing: noise outside of the region changes no position that is inside."""
    layer = "block2_conv2"
    extractor = FeatureExtractor(random_weights, [layer])
    mask = np.zeros((48, 64, 1), np.float32)
    mask[17:40, 18:51] = 1
    image = random.uniform(0, 1, (1, 48, 64, 3))

    def change(where: np.ndarray) -> np.ndarray:
        other = np.where(where, random.uniform(0, 1, image.shape), image)
        before, after = (extractor(tf.constant(one, tf.float32))[layer].numpy() for one in (image, other))
        return np.abs(after - before).max(axis=(0, 3)) > 0

    reach = extractor.reach_of_layer(layer)
    inside, everything = (PROPAGATIONS[name](mask, reach)[..., 0] > 0 for name in ("inside", "all"))
    # max pooling may hide a change: what is called inside is never reached, what is not all never changes
    assert not (change(mask == 0) & inside).any()
    assert not (change(mask == 1) & ~everything).any()
    # and it is tight: almost every other position is reached
    assert change(mask == 0)[~inside].mean() > 0.95
    assert change(mask == 1)[everything].mean() > 0.95
    assert 0 < inside.sum() < everything.sum() < inside.size


def test_a_region_too_small_for_inside_takes_the_simple_one_and_says_so():
    mask = half(32, 32, 3)
    reach = reach_of("vgg19", ["block3_conv1"])
    found = layer_weights(mask, reach, PROPAGATIONS["inside"], NAMES, "block3_conv1")
    simple = layer_weights(mask, reach, PROPAGATIONS["simple"], NAMES, "block3_conv1")
    np.testing.assert_allclose(found.values[..., 0], simple.values[..., 0])
    assert (found.values[..., 1] != simple.values[..., 1]).any()
    (note,) = found.notes
    assert "left" in note
    assert "block3_conv1" in note


def test_a_region_without_a_pixel_divides_nothing_by_zero():
    found = layer_weights(
        half(32, 32, 32), reach_of("vgg19", ["block2_conv1"]), PROPAGATIONS["all"], NAMES, "x"
    )
    assert found.empty.tolist() == [False, True]
    assert (found.values[..., 1] == 1).all()
    assert "right" in found.notes[0]


def test_pixels_that_must_stay():
    kept = np.zeros((4, 6), np.float32)
    kept[:, :2], kept[:, 2] = 1, 0.5
    regions = Regions(("r",), 1 - kept[..., np.newaxis], (None,), ((0,),), (1.0,), kept)
    image, content = np.zeros((4, 6, 3), np.float32), np.ones((4, 6, 3), np.float32)
    assert (regions.with_kept(image, content)[..., 0] == (kept == 1)).all()
    larger = regions.at((8, 12), [(8, 8)], lambda mask, h, w: np.kron(mask, np.ones((2, 2, 1)[: mask.ndim])))
    assert larger.kept_pixels is not None
    assert larger.kept_pixels.sum() == 4 * regions.kept_pixels.sum()
