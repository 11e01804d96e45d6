"""The Wasserstein-2 distance of Gaussians against closed forms and SciPy's matrix root."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf
from style_distances import assert_derivative, distance, gradient

from nst_tf.errors import InputError
from nst_tf.statistics import GaussianWasserstein


def with_moments(random, means: np.ndarray, covariance: np.ndarray, height=6, width=8) -> np.ndarray:
    """A layer [H, W, C] that has exactly this mean and covariance (1/M)."""
    vectors = random.standard_normal((height * width, len(means)))
    vectors -= vectors.mean(0)
    white = vectors @ np.linalg.inv(scipy.linalg.sqrtm(vectors.T @ vectors / len(vectors)))
    return (white @ scipy.linalg.sqrtm(covariance) + means).reshape(height, width, -1)


def written(mean, covariance, style_mean, style_covariance, epsilon=1e-4) -> float:
    """The formula of the docstring with SciPy's root, divided by C as there."""
    eye = np.eye(len(mean))
    one, other = covariance + epsilon * eye, style_covariance + epsilon * eye
    root = scipy.linalg.sqrtm(other)
    inner = scipy.linalg.sqrtm(root @ one @ root).real
    return np.mean((mean - style_mean) ** 2) + np.mean(np.diag(one + other - 2 * inner))


def a_covariance(random, channels: int) -> np.ndarray:
    factor = random.standard_normal((channels, channels + 2))
    return factor @ factor.T


def test_of_independent_channels_deviations_are_compared(random):
    # W2^2 of diagonal Gaussians: sum (mu - mu_s)^2 + (sigma - sigma_s)^2
    sigma, style_sigma = np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.0, 0.5])
    mean, style_mean = np.array([1.0, 0.0, -1.0]), np.array([0.0, 0.0, 2.0])
    found = distance(
        GaussianWasserstein(),
        with_moments(random, mean, np.diag(sigma**2)),
        with_moments(random, style_mean, np.diag(style_sigma**2), 5, 5),
    )
    with_epsilon = np.sqrt(sigma**2 + 1e-4) - np.sqrt(style_sigma**2 + 1e-4)
    assert found == pytest.approx(np.mean((mean - style_mean) ** 2 + with_epsilon**2), rel=1e-9)
    assert found == pytest.approx(np.mean([1 + 9, 0 + 0, 9 + 6.25]), rel=1e-3)


def test_any_two_covariances_against_scipy(random):
    moments = [(random.standard_normal(5), a_covariance(random, 5)) for _ in range(2)]
    layers = [with_moments(random, *moment) for moment in moments]
    assert distance(GaussianWasserstein(), *layers) == pytest.approx(
        written(*moments[0], *moments[1]), rel=1e-7
    )
    assert distance(GaussianWasserstein(1.0), *layers) == pytest.approx(
        written(*moments[0], *moments[1], epsilon=1.0), rel=1e-7
    )


def test_it_is_symmetric(random):
    layers = [with_moments(random, random.standard_normal(5), a_covariance(random, 5)) for _ in range(2)]
    assert distance(GaussianWasserstein(), *layers) == pytest.approx(
        distance(GaussianWasserstein(), *reversed(layers)), rel=1e-9
    )


def test_a_shifted_layer_is_as_far_as_its_shift(random):
    layer, shift = random.normal(3, 2, (5, 6, 7)), random.normal(size=7)
    assert distance(GaussianWasserstein(), layer, layer + shift) == pytest.approx(np.mean(shift**2))


@pytest.mark.parametrize("kind", ["equal eigenvalues", "a copied channel", "a dead channel", "few positions"])
def test_derivatives_where_eigenvectors_are_not_unique(random, kind):
    if kind == "equal eigenvalues":
        layer = with_moments(random, np.zeros(3), 2 * np.eye(3), 2, 4)
        style = with_moments(random, np.ones(3), 3 * np.eye(3), 2, 5)
    elif kind == "few positions":  # fewer than channels: most eigenvalues are epsilon
        layer, style = random.normal(1, 2, (1, 2, 4)), random.normal(2, 3, (1, 3, 4))
    else:
        layer, style = random.normal(1, 2, (3, 4, 3)), random.normal(2, 3, (4, 4, 3))
        layer[..., 2] = layer[..., 1] if kind == "a copied channel" else 0
    # with 1e-4 the smallest eigenvalues, 1e-8, carry rounding that differences of 1e-6 would enlarge
    assert_derivative(GaussianWasserstein(0.01), layer, style)


def test_512_channels_of_a_deep_layer_in_float32(random):
    # fewer positions than channels, variances over five orders of magnitude, 40 dead channels
    strengths = np.geomspace(0.03, 300, 512)
    strengths[::13] = 0
    mix = random.standard_normal((512, 512)) / 512**0.5
    layer, style = (
        np.maximum(random.standard_normal((*size, 512)) @ mix * strengths, 0).astype(np.float32)
        for size in ((16, 16), (14, 19))
    )
    before = distance(GaussianWasserstein(), layer, style)
    slopes = gradient(GaussianWasserstein(), layer, style)
    assert before > 0
    step = 0.01 * before / np.sum(slopes.astype(np.float64) ** 2)
    after = distance(GaussianWasserstein(), (layer - step * slopes).astype(np.float32), style)
    assert after == pytest.approx(0.99 * before, rel=2e-3)


@pytest.mark.parametrize("size", [(8, 8), (20, 20)])
@pytest.mark.parametrize("epsilon", [0.0, 1e-4])
def test_from_itself_a_layer_is_at_zero_and_never_below(random, epsilon, size):
    # roots of eigenvalues that are 0 are rounding, 1e-8 of the largest; those left out without epsilon, 1e-5
    mix = random.standard_normal((128, 128)) * np.geomspace(0.03, 300, 128)
    layer = np.maximum(random.standard_normal((*size, 128)) @ mix, 0).astype(np.float32)
    layer[..., ::5] = 0
    scale = np.mean(layer.astype(np.float64) ** 2)
    for other in (layer, layer * np.float32(1 + 1e-7), layer + np.float32(1e-5)):
        assert 0 <= distance(GaussianWasserstein(epsilon), other, layer) < 1e-5 * scale
        assert np.isfinite(gradient(GaussianWasserstein(epsilon), other, layer)).all()


def test_an_infinite_layer_has_no_distance_and_raises_nothing(random):
    layer = random.normal(3, 2, (5, 6, 3)).astype(np.float32)
    broken = layer.copy()
    broken[0, 0, 0] = np.inf
    assert np.isnan(distance(GaussianWasserstein(), broken, layer))
    assert np.isnan(gradient(GaussianWasserstein(), broken, layer)).any()


def test_the_style_is_described_in_one_piece(random):
    # the root times itself is the covariance with epsilon on its diagonal
    layer = random.normal(3, 2, (5, 6, 4))
    statistic = GaussianWasserstein(0.5)
    found = statistic.target(statistic.describe(tf.constant(layer[np.newaxis])))
    expected = np.cov(layer.reshape(-1, 4).T, bias=True) + 0.5 * np.eye(4)
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.root.numpy() @ found.root.numpy(), expected, rtol=1e-10, atol=1e-10)


def nuclear(layer: np.ndarray, style: np.ndarray) -> float:
    """W2^2 / C without epsilon: of X [M, C], centred / M^1/2, tr Sig + tr Sig_s - 2 |X Sig_s^1/2|_nuclear."""
    vectors, others = (one.reshape(-1, one.shape[-1]).astype(np.float64) for one in (layer, style))
    centred = (vectors - vectors.mean(0)) / len(vectors) ** 0.5
    style_covariance = np.cov(others.T, bias=True)
    values, axes = np.linalg.eigh(style_covariance)
    root = axes * np.sqrt(np.maximum(values, 0)) @ axes.T
    overlap = np.linalg.svd(centred @ root, compute_uv=False).sum()
    traces = np.sum(centred**2) + np.trace(style_covariance)
    return np.mean((vectors.mean(0) - others.mean(0)) ** 2) + (traces - 2 * overlap) / len(values)


@pytest.mark.parametrize("positions", [(2, 3), (4, 4)])  # fewer than the 7 channels, and more
def test_without_epsilon_it_is_a_nuclear_norm(random, positions):
    layer, style = random.normal(1, 2, (*positions, 7)), random.normal(2, 3, (5, 7, 7))
    assert distance(GaussianWasserstein(0.0), layer, style) == pytest.approx(nuclear(layer, style), rel=1e-7)
    assert_derivative(GaussianWasserstein(0.0), layer, style)


def test_fewer_positions_than_channels_give_what_their_sums_give(random):
    layer, style = (random.normal(1, 2, (1, 2, 3, 7)) for _ in range(2))
    weights = tf.constant(random.uniform(0, 1, (1, 2, 3, 1)))
    statistic = GaussianWasserstein(0.0)
    target = statistic.target(statistic.describe(tf.constant(style)))
    assert target.factor == ()
    found = statistic.describe(tf.constant(layer), weights)
    by_sums = statistic.described(statistic.sums(tf.constant(layer), weights), tf.float64)
    assert found.factor.shape == (6, 7)
    assert by_sums.factor == ()
    assert float(statistic.compare(found, target)) == pytest.approx(
        float(statistic.compare(by_sums, target)), rel=1e-9
    )


@pytest.mark.parametrize("epsilon", [-1.0, -1e-4, float("nan"), "1e-4"])
def test_an_epsilon_that_is_below_zero_is_refused(epsilon):
    with pytest.raises(InputError, match=rf"epsilon of the Gaussian Wasserstein.*at least 0.*{epsilon}"):
        GaussianWasserstein(epsilon)
