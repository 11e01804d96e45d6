"""NNST's two statistics against a search position by position in float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_slope
from style_distances import distance, gradient

from nst_tf.errors import InputError
from nst_tf.statistics import MatchedHypercolumns, NearestFeatures, nearest_patches


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def most_alike(query: np.ndarray, style: np.ndarray) -> list[int]:
    """Of features [P, D] and [N, D], each centred by their own mean: the nearest one of each of the first."""
    centred, candidates = query - query.mean(axis=0), style - style.mean(axis=0)
    return [int(np.argmax([cosine(one, other) for other in candidates])) for one in centred]


def test_matched_features_are_found_position_by_position(random):
    query, style = random.normal(1, 2, (20, 6)), random.normal(2, 3, (33, 6))
    statistic = MatchedHypercolumns()
    target = statistic.matched(tf.constant(query, tf.float32), tf.constant(style, tf.float32))
    np.testing.assert_allclose(target, style[most_alike(query, style)], rtol=1e-6)
    image = random.normal(1, 2, (20, 6))
    expected = np.mean([1 - cosine(mine, theirs) for mine, theirs in zip(image, target.numpy(), strict=True)])
    assert float(statistic.compare(tf.constant(image, tf.float32), target)) == pytest.approx(
        expected, rel=1e-5
    )


def test_matching_in_blocks_finds_the_same(random, monkeypatch):
    query, style = (tf.constant(random.normal(1, 2, (size, 6)), tf.float32) for size in (20, 33))
    whole = MatchedHypercolumns().matched(query, style).numpy()
    monkeypatch.setattr(nearest_patches, "MOST_SIMILARITIES", 7 * 33)
    np.testing.assert_array_equal(MatchedHypercolumns().matched(query, style), whole)


def test_alpha_weighs_content_against_the_start_of_a_size(random):
    content, start = random.uniform(0, 1, (2, 4, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(
        MatchedHypercolumns(0.75).query(content, start), 0.75 * content + 0.25 * start, rtol=1e-6
    )
    np.testing.assert_array_equal(MatchedHypercolumns(1.0).query(content, start), content)
    np.testing.assert_array_equal(MatchedHypercolumns(0.0).query(content, start), start)


def test_a_large_style_is_drawn_from(random):
    features = tf.constant(random.normal(0, 1, (50, 3)), tf.float32)
    statistic = MatchedHypercolumns(style_positions=80)
    kept = statistic.target(features)
    assert kept.shape == (20, 3)
    assert {tuple(one) for one in kept.numpy()} <= {tuple(one) for one in features.numpy()}


def nearest_features(generated: np.ndarray, style: np.ndarray) -> float:
    mine, theirs = (one.reshape(-1, one.shape[-1]) for one in (generated, style))
    mine, theirs = mine - mine.mean(axis=0), theirs - theirs.mean(axis=0)
    return float(np.mean([min(1 - cosine(one, other) for other in theirs) for one in mine]))


@pytest.mark.parametrize("style_size", [(7, 8), (5, 3)])
def test_nearest_features_position_by_position(random, style_size):
    generated, style = random.normal(1, 2, (7, 6, 4)), random.normal(2, 3, (*style_size, 4))
    expected = nearest_features(generated, style)
    assert distance(NearestFeatures(), generated, style) == pytest.approx(expected, rel=1e-10)
    direction = random.normal(0, 1, generated.shape)
    slope = central_slope(lambda at: nearest_features(at, style), generated, direction)
    found = np.sum(gradient(NearestFeatures(), generated, style) * direction)
    assert found == pytest.approx(slope, rel=1e-5)


def test_of_a_large_layer_every_nth_position_is_taken_from_a_drawn_beginning(random):
    layer = random.normal(0, 1, (13, 21, 2))
    grids = set()
    for draw in range(40):
        found = (
            NearestFeatures(most_a_side=5).describe(tf.constant(layer[np.newaxis]), tf.constant(draw)).numpy()
        )
        # 21 // 5 = 4: three rows and five columns
        matches = [
            (down, right)
            for down in range(4)
            for right in range(4)
            if np.array_equal(found, layer[down : down + 12 : 4, right : right + 20 : 4].reshape(-1, 2))
        ]
        assert len(matches) == 1
        grids.add(matches[0])
    assert len(grids) > 8
    again = [
        NearestFeatures(most_a_side=5, resample=False).describe(
            tf.constant(layer[np.newaxis]), tf.constant(draw)
        )
        for draw in (0, 5)
    ]
    np.testing.assert_array_equal(*again)


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (MatchedHypercolumns, {"alpha": 1.5}, "alpha of the matched hypercolumns must be between 0 and 1"),
        (MatchedHypercolumns, {"style_positions": 3}, "style_positions .* but is 3"),
        (NearestFeatures, {"most_a_side": 0}, "most_a_side .* but is 0"),
        (NearestFeatures, {"seed": -1}, "seed .* but is -1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(kind, options, sentence):
    with pytest.raises(InputError, match=sentence):
        kind(**options)
