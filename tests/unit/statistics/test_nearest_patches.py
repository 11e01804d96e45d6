"""Nearest patches against a search patch by patch."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from style_distances import distance, gradient

from nst_tf.errors import InputError
from nst_tf.statistics import NearestPatches, nearest_patches


def patches(layer: np.ndarray, size: int, stride: int) -> list[np.ndarray]:
    height, width = layer.shape[:2]
    return [
        layer[top : top + size, left : left + size].ravel()
        for top in range(0, height - size + 1, stride)
        for left in range(0, width - size + 1, stride)
    ]


def by_search(generated: np.ndarray, style: np.ndarray, size: int, stride: int) -> float:
    candidates = patches(style, size, stride)
    errors = []
    for patch in patches(generated, size, stride):
        similar = [patch @ one / np.linalg.norm(patch) / np.linalg.norm(one) for one in candidates]
        errors.append((patch - candidates[int(np.argmax(similar))]) ** 2)
    return float(np.mean(errors))


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (1, 1), (2, 3), (5, 2)])
@pytest.mark.parametrize("style_size", [(7, 8), (5, 9)])
def test_a_search_patch_by_patch(random, size, stride, style_size):
    generated, style = random.normal(1, 2, (7, 6, 3)), random.normal(2, 3, (*style_size, 3))
    expected = by_search(generated, style, size, stride)
    assert distance(NearestPatches(size, stride), generated, style) == pytest.approx(expected, rel=1e-12)


def test_a_search_in_pieces_finds_the_same(random, monkeypatch):
    generated, style = random.normal(1, 2, (11, 9, 3)), random.normal(2, 3, (8, 7, 3))
    statistic = NearestPatches(3, 1)
    whole, slopes = distance(statistic, generated, style), gradient(statistic, generated, style)
    monkeypatch.setattr(nearest_patches, "MOST_SIMILARITIES", 30 * 20)  # 20 of 63 patches at a time
    assert distance(statistic, generated, style) == whole
    np.testing.assert_array_equal(gradient(statistic, generated, style), slopes)


def test_a_part_of_the_style_is_at_distance_zero(random):
    style = random.normal(2, 3, (12, 12, 3))
    assert distance(NearestPatches(3, 1), style[2:9, 4:11], style) == 0
    assert distance(NearestPatches(3, 2), style[2:9, 4:11], style) == 0
    # two halves put together wrongly have seams
    swapped = np.concatenate([style[:, 6:], style[:, :6]], axis=1)
    assert distance(NearestPatches(3, 1), swapped, style) > 0


def test_the_neighbour_is_the_most_similar_and_not_the_closest():
    # (1, 1) is close to (1, 0.4), but points the way of (9, 9)
    style = np.array([[[1.0, 0.4], [9.0, 9.0]]])
    generated = np.array([[[1.0, 1.0]]])
    assert distance(NearestPatches(1, 1), generated, style) == pytest.approx(64)


def test_the_gradient_pulls_towards_the_matched_patches(random):
    # patches of one position do not overlap: 2 (F - matched) / (M C)
    style = random.normal(2, 3, (4, 5, 3))
    generated = 1.1 * style[::-1]
    found = gradient(NearestPatches(1, 1), generated, style)
    np.testing.assert_allclose(found, 2 * (generated - style[::-1]) / 60, rtol=1e-9, atol=1e-12)


def test_of_a_large_style_some_patches_are_drawn_always_the_same():
    layer = tf.constant(np.arange(400.0).reshape(1, 20, 20, 1))
    first = NearestPatches(1, 1, 30).describe(layer)
    assert first.all.shape == (400, 1)
    assert len(set(first.candidates.numpy().ravel())) == 30
    np.testing.assert_array_equal(first.candidates, NearestPatches(1, 1, 30).describe(layer).candidates)
    assert set(first.candidates.numpy().ravel()) != set(
        NearestPatches(1, 1, 30, seed=1).describe(layer).candidates.numpy().ravel()
    )


def test_a_layer_smaller_than_a_patch_is_refused():
    with pytest.raises(InputError, match=r"3 x 3.*only 2 x 5 positions.*image\.size"):
        NearestPatches().describe(tf.zeros([1, 2, 5, 4]))


@pytest.mark.parametrize("name", ["patch_size", "stride", "style_patches", "seed"])
@pytest.mark.parametrize("value", [-1, 1.5, "two", None, True])
def test_wrong_parameters_are_refused_by_name_and_value(name, value):
    with pytest.raises(InputError, match=rf"{name}.*whole.*{value}"):
        NearestPatches(**{name: value})


@pytest.mark.parametrize("name", ["patch_size", "stride", "style_patches"])
def test_nothing_is_no_size(name):
    with pytest.raises(InputError, match=f"{name}.*at least 1, but is 0"):
        NearestPatches(**{name: 0})
