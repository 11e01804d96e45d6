"""The contextual loss against its formula, pair by pair, and in pieces."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_slope
from style_distances import distance, gradient

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss
from nst_tf.statistics import Contextual, contextual


def by_pairs(
    generated: np.ndarray, style: np.ndarray, bandwidth: float = 0.5, epsilon: float = 1e-5
) -> float:
    """Section 3 of the paper, one pair of positions after another."""
    mine, theirs = (layer.reshape(-1, layer.shape[-1]) for layer in (generated, style))
    center = theirs.mean(0)
    w = np.empty((len(mine), len(theirs)))
    for i, f in enumerate(mine - center):
        d = np.array([(1 - f @ s / np.linalg.norm(f) / np.linalg.norm(s)) / 2 for s in theirs - center])
        w[i] = np.exp((1 - d / (d.min() + epsilon)) / bandwidth)
        w[i] /= w[i].sum()
    return -np.log(np.mean([w[:, j].max() for j in range(len(theirs))]))


@pytest.mark.parametrize("style_size", [(6, 5), (3, 7), (9, 8)])
@pytest.mark.parametrize(("bandwidth", "epsilon"), [(0.5, 1e-5), (0.1, 1e-5), (2.0, 0.1)])
def test_the_formula_pair_by_pair(random, style_size, bandwidth, epsilon):
    generated, style = random.normal(1, 2, (6, 5, 4)), random.normal(2, 3, (*style_size, 4))
    found = distance(Contextual(bandwidth, epsilon), generated, style)
    assert found == pytest.approx(by_pairs(generated, style, bandwidth, epsilon), rel=1e-12)


def test_two_opposite_vectors_have_a_closed_form():
    # each of two positions is its own nearest, at distance 0, and 1 away from the other: e is 0 and
    # 1 / epsilon, so that w is 1 / (1 + exp(-1 / (epsilon bandwidth)))
    style = np.array([[[1.0, 3.0], [-1.0, -3.0]]])
    expected = np.log1p(np.exp(-1 / (0.4 * 2.5)))
    assert distance(Contextual(2.5, 0.4), style, style) == pytest.approx(expected, rel=1e-12)
    # where all are at the first, the second's best match has the share of what is not nearest
    alone = style[:, [0, 0]]
    share = np.exp(-1) / (1 + np.exp(-1))
    expected = -np.log((1 - share + share) / 2)
    assert distance(Contextual(2.5, 0.4), alone, style) == pytest.approx(expected, rel=1e-12)


def test_what_the_style_has_and_the_result_lacks_counts_and_not_the_reverse(random):
    style = random.normal(2, 3, (8, 8, 6))
    half = style[:, :4]
    assert distance(Contextual(), style, half) < 0.1 * distance(Contextual(), half, style)


@pytest.mark.parametrize("rows", [1, 7, 30, 64])
def test_pieces_give_the_value_and_the_gradient_of_the_whole(random, monkeypatch, rows):
    generated, style = random.normal(1, 2, (9, 7, 4)), random.normal(2, 3, (5, 9, 4))
    whole, slopes = distance(Contextual(), generated, style), gradient(Contextual(), generated, style)
    monkeypatch.setattr(contextual, "MOST_SIMILARITIES", 45 * rows)
    assert distance(Contextual(), generated, style) == pytest.approx(whole, rel=1e-12)
    found = gradient(Contextual(), generated, style)
    np.testing.assert_allclose(found, slopes, rtol=1e-9, atol=1e-12)
    direction = random.standard_normal(generated.shape)
    slope = central_slope(lambda at: by_pairs(at, style), generated, direction)
    assert np.sum(found * direction) == pytest.approx(slope, rel=1e-6)


def test_of_large_layers_some_positions_are_drawn_always_the_same():
    layer = tf.reshape(tf.range(800.0), [1, 20, 20, 2])
    drawn = Contextual(samples=30).describe(layer)
    assert drawn.shape == (30, 2)
    assert len(set(drawn[:, 0].numpy())) == 30
    np.testing.assert_array_equal(drawn, Contextual(samples=30).describe(layer))
    assert set(drawn[:, 0].numpy()) != set(Contextual(samples=30, seed=1).describe(layer)[:, 0].numpy())


def test_as_a_content_term_it_is_the_same_distance(random):
    content, generated = random.normal(1, 2, (2, 6, 5, 4)).astype(np.float32)
    term = ContentLoss({"block4_conv2": 1.0}, distance=Contextual())
    reading = term.reading("block4_conv2", tf.constant(content[np.newaxis]))
    taken = reading.take(tf.constant(generated[np.newaxis]), reading.target)
    assert float(term.loss_of_layers([taken], [])) == pytest.approx(by_pairs(generated, content), rel=1e-4)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"bandwidth": 0.0}, r"bandwidth of the contextual loss.*0\.0"),
        ({"bandwidth": float("nan")}, "bandwidth of the contextual loss.*nan"),
        ({"epsilon": 0.0}, r"epsilon of the contextual loss.*0\.0"),
        ({"samples": 1}, "samples of the contextual loss.*at least 2.*1"),
        ({"samples": 2.5}, r"samples of the contextual loss.*whole.*2\.5"),
        ({"seed": -1}, "seed of the contextual loss.*at least 0.*-1"),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(parameters, said):
    with pytest.raises(InputError, match=said):
        Contextual(**parameters)
