"""Histogram matching against a remapping in NumPy and SciPy's one-dimensional optimal transport."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from style_distances import distance, gradient

from nst_tf.statistics import HistogramMatching


def remapped(generated: np.ndarray, style: np.ndarray) -> np.ndarray:
    """R(F): each channel's i-th smallest activation becomes the style's quantile at (i + 1/2) / M."""
    result = np.empty_like(generated)
    for channel in range(generated.shape[-1]):
        ranks = np.argsort(np.argsort(generated[..., channel].ravel()))
        levels = (ranks + 0.5) / ranks.size
        values = np.quantile(style[..., channel], levels, method="hazen")
        result[..., channel] = values.reshape(generated.shape[:2])
    return result


def binned(generated: np.ndarray, style: np.ndarray, bins: int) -> np.ndarray:
    """R(F) as the paper has it, by cumulative histograms of a number of bins."""
    result = np.empty_like(generated)
    for channel in range(generated.shape[-1]):
        values, targets = generated[..., channel].ravel(), style[..., channel].ravel()
        counts, edges = np.histogram(values, bins)
        target_counts, target_edges = np.histogram(targets, bins)
        level = np.interp(values, edges, np.concatenate([[0], np.cumsum(counts)]) / values.size)
        reached = np.concatenate([[0], np.cumsum(target_counts)]) / targets.size
        result[..., channel] = np.interp(level, reached, target_edges).reshape(generated.shape[:2])
    return result


@pytest.mark.parametrize("style_size", [(5, 6), (3, 4), (9, 9)])
def test_value_and_gradient_are_those_of_a_constant_remapping(random, style_size):
    generated, style = random.normal(3, 2, (5, 6, 4)), random.normal(1, 4, (*style_size, 4))
    errors = generated - remapped(generated, style)
    assert distance(HistogramMatching(), generated, style) == pytest.approx(np.mean(errors**2))
    np.testing.assert_allclose(gradient(HistogramMatching(), generated, style), 2 * errors / errors.size)


def test_it_is_the_cheapest_assignment_of_activations_to_the_styles(random):
    generated, style = random.normal(3, 2, (4, 5, 1)), random.normal(1, 4, (4, 5, 1))
    costs = (generated.reshape(-1, 1) - style.reshape(1, -1)) ** 2
    rows, columns = scipy.optimize.linear_sum_assignment(costs)
    assert distance(HistogramMatching(), generated, style) == pytest.approx(costs[rows, columns].mean())


def test_it_is_the_limit_of_the_papers_bins(random):
    generated, style = random.gamma(2, 2, (60, 60, 2)), random.gamma(3, 3, (60, 60, 2))
    exact = distance(HistogramMatching(), generated, style)
    off = [abs(np.mean((generated - binned(generated, style, bins)) ** 2) - exact) for bins in (8, 64, 2048)]
    assert off[0] > off[1] > off[2]
    assert off[2] < 2e-3 * exact


def test_channels_are_matched_apart(random):
    # each channel is permuted for itself: all histograms stay, all correlations go
    layer = random.normal(3, 2, (5, 6, 4))
    mixed = np.stack([random.permutation(layer[..., c].ravel()).reshape(5, 6) for c in range(4)], -1)
    assert distance(HistogramMatching(), layer, mixed) == 0


def test_a_remapped_layer_has_arrived(random):
    generated, style = random.normal(3, 2, (5, 6, 4)), random.normal(1, 4, (7, 3, 4))
    step = gradient(HistogramMatching(), generated, style) * generated.size / 2
    assert distance(HistogramMatching(), generated - step, style) == pytest.approx(0, abs=1e-25)
