"""Mean, covariance and histograms of matched pictures, against closed forms and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.linalg import sqrtm

from nst_tf.color.matching import (
    LINEAR,
    METHODS,
    ROUNDING_VARIANCE,
    Moments,
    cholesky,
    histogram_matched,
    linearly_matched,
    lower_root,
    matched,
    matched_values,
    moments_of,
    pca,
    square_root,
    symmetric,
)
from nst_tf.errors import InputError


def picture(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Colors that hang together, as those of pictures do."""
    mixed = random.uniform(0, 1, (height, width, 3)) ** 2 @ (np.eye(3) + random.uniform(0, 0.5, (3, 3)))
    return (mixed / mixed.max()).astype(np.float32)


def moments(pixels: np.ndarray) -> Moments:
    """By NumPy's own."""
    colors = pixels.reshape(-1, 3).astype(np.float64)
    return Moments(colors.mean(0), np.cov(colors.T, bias=True))


def pair(random: np.random.Generator) -> tuple[Moments, Moments]:
    return moments(picture(random, 20, 30)), moments(picture(random, 17, 12))


def test_moments(random: np.random.Generator) -> None:
    pixels = picture(random, 1500, 1500)  # summed in three pieces
    expected, found = moments(pixels), moments_of(pixels)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("method", LINEAR)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_mean_and_covariance_become_the_targets(method: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    source, target = picture(random, 20, 30), picture(random, 25, 15)
    found, expected = moments(linearly_matched(source, target, LINEAR[method])), moments(target)
    # 1e-4 is promised; float32 of the result leaves 1e-7
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-6)
    np.testing.assert_allclose(found.covariance, expected.covariance, atol=1e-6)


def test_maps_are_those_of_the_papers_with_roots_by_scipy(random: np.random.Generator) -> None:
    source, target = pair(random)
    s, t = source.covariance, target.covariance
    np.testing.assert_allclose(
        cholesky(source, target), np.linalg.cholesky(t) @ np.linalg.inv(np.linalg.cholesky(s)), atol=1e-9
    )
    np.testing.assert_allclose(pca(source, target), sqrtm(t) @ np.linalg.inv(sqrtm(s)), atol=1e-9)
    root, inverse = sqrtm(s), np.linalg.inv(sqrtm(s))
    np.testing.assert_allclose(
        symmetric(source, target), inverse @ sqrtm(root @ t @ root) @ inverse, atol=1e-9
    )


def test_the_symmetric_map_moves_colors_least(random: np.random.Generator) -> None:
    """The others do as much and move more: sum |A c - c|^2 = tr((A - 1) S (A - 1)^T)."""
    source, target = pair(random)

    def moved(matrix: np.ndarray) -> float:
        return float(np.trace((matrix - np.eye(3)) @ source.covariance @ (matrix - np.eye(3)).T))

    matrix = symmetric(source, target)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    assert moved(matrix) < min(moved(pca(source, target)), moved(cholesky(source, target)))


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_matched_to_itself_stays(method: str, random: np.random.Generator) -> None:
    pixels = picture(random, 20, 30)
    np.testing.assert_allclose(matched(pixels, pixels, method), pixels, atol=1e-5)


GREY = np.repeat(np.random.default_rng(4).uniform(0, 1, (20, 30, 1)), 3, axis=2).astype(np.float32)
FLAT = np.full((20, 20, 3), (0.2, 0.4, 0.9), np.float32)


@pytest.mark.parametrize("method", METHODS)
def test_colors_of_fewer_dimensions_do_not_blow_up(method: str, random: np.random.Generator) -> None:
    colorful = picture(random, 16, 20)
    # noise of less than rounding to 8 bits is no color to amplify
    noisy = GREY + random.uniform(-0.1, 0.1, GREY.shape).astype(np.float32) / 255
    for source in (GREY, noisy, FLAT):
        found = matched(source, colorful, method)
        assert np.isfinite(found).all()
        assert np.abs(found - source).max() <= 1
        np.testing.assert_allclose(found.mean((0, 1)), colorful.mean((0, 1)), atol=0.02)
    wiggled = matched(noisy, colorful, method)
    assert np.abs(wiggled - matched(GREY, colorful, method)).max() < 0.03
    assert np.ptp(matched(FLAT, colorful, method), axis=(0, 1)).max() == 0
    # grey and flat targets are met exactly
    for target in (GREY, FLAT):
        found = matched(colorful, target, method)
        spread = found.reshape(-1, 3) - moments(target).mean
        if target is GREY:
            spread -= spread.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(spread, 0, atol=1e-5)


def test_a_grey_source_gets_a_line_of_colors(random: np.random.Generator) -> None:
    """The one direction that it has: its covariance is the target's, projected there."""
    target = moments(picture(random, 16, 20))
    source = moments(GREY)
    matrix = symmetric(source, target)
    axis = np.ones(3) / np.sqrt(3)
    gain = np.sqrt(axis @ target.covariance @ axis / (axis @ source.covariance @ axis))
    np.testing.assert_allclose(matrix, gain * np.outer(axis, axis), atol=1e-9)


def test_roots_of_singular_covariances() -> None:
    singular = np.array([[4.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    for root in (square_root(singular), lower_root(singular)):
        np.testing.assert_allclose(root @ root.T, singular, atol=1e-7)
    lower = lower_root(np.diag([1.0, 4.0, 9.0]) + 0.5)
    np.testing.assert_allclose(lower, np.linalg.cholesky(np.diag([1.0, 4.0, 9.0]) + 0.5), atol=1e-12)


def test_rounding_has_the_variance_that_is_said(random: np.random.Generator) -> None:
    values = random.uniform(0, 1, 200_000)
    assert np.var(np.rint(255 * values) / 255 - values) == pytest.approx(ROUNDING_VARIANCE, rel=0.02)


def test_histograms_along_the_axes_are_the_targets(random: np.random.Generator) -> None:
    source, target = picture(random, 30, 40), picture(random, 24, 50)  # as many pixels
    found = histogram_matched(source, target)
    _, axes = np.linalg.eigh(moments(target).covariance)
    for axis in axes.T:
        difference = np.sort(found.reshape(-1, 3) @ axis) - np.sort(target.reshape(-1, 3) @ axis)
        assert (np.abs(difference) > 1e-6).mean() < 0.01  # values nearer than that to each other count as one
    np.testing.assert_allclose(moments(found).mean, moments(target).mean, atol=1e-6)
    # the variances are exact, what lies beside them is small
    rotated = axes.T @ moments(found).covariance @ axes
    expected = axes.T @ moments(target).covariance @ axes
    np.testing.assert_allclose(np.diag(rotated), np.diag(expected), atol=1e-5)
    assert np.abs(rotated - np.diag(np.diag(rotated))).max() < 0.1 * np.diag(expected).max()


VALUES = arrays.arrays(
    np.float64, st.integers(1, 40), elements=st.integers(-30, 30).map(lambda number: number / 10)
)


@settings(max_examples=50)
@given(source=VALUES, target=VALUES)
def test_matched_values(source: np.ndarray, target: np.ndarray) -> None:
    found = matched_values(source, target)
    assert found.mean() == pytest.approx(target.mean(), abs=1e-9)
    assert found.min() >= target.min() - 1e-9
    assert found.max() <= target.max() + 1e-9
    order = np.argsort(source)
    assert (np.diff(found[order]) >= -1e-9).all()
    for value in np.unique(source):
        assert np.ptp(found[source == value]) < 1e-12
    if len(source) == len(target) == len(np.unique(source)):
        np.testing.assert_allclose(np.sort(found), np.sort(target), atol=1e-9)


@pytest.mark.parametrize("method", ["lab", 3, None])
def test_another_method_is_refused(method: object) -> None:
    from nst_tf.color import MatchStyleToContent, Only

    for made in (MatchStyleToContent, Only):
        with pytest.raises(InputError, match=r"color\.method must be one of cholesky, pca, symmetric, hist"):
            made(method)
