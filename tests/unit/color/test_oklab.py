"""color=nnst: OKLab, colors that are moved, and chroma that is smoothed, against loops in float64."""

from __future__ import annotations

import numpy as np
import pytest

from nst_tf.color import StyledChroma
from nst_tf.color.oklab import _smoothed, oklab, restyled, rgb
from nst_tf.errors import InputError


def test_known_colors_and_the_way_back(random):
    # Ottosson's formula at white and black; at grey a and b are 0, up to the rounding of its constants
    np.testing.assert_allclose(oklab(np.ones(3)), [1, 0, 0], atol=1e-7)
    np.testing.assert_allclose(oklab(np.zeros(3)), [0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(oklab(np.full(3, 0.125)), [0.5, 0, 0], atol=1e-7)
    # red: l = 0.4122..., m = 0.2119..., s = 0.0883..., L = 0.6279
    np.testing.assert_allclose(oklab(np.array([1.0, 0, 0])), [0.62796, 0.22486, 0.12585], atol=1e-5)
    pixels = random.uniform(0, 1, (5, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(rgb(oklab(pixels)), pixels, atol=1e-6)


def test_the_result_has_its_own_lightness_and_the_moments_of_the_styles_chroma(random):
    result, content = random.uniform(0.35, 0.65, (2, 24, 30, 3)).astype(np.float32)
    style = np.concatenate([random.uniform(0.3, 0.7, (40, 40, 3)).reshape(-1, 3), [[0, 0, 0], [1, 1, 1]]])
    style[:, 0] *= 0.8
    theirs, found = oklab(style), oklab(restyled(result, content, oklab(style)))
    np.testing.assert_allclose(found[..., 0], oklab(result)[..., 0], atol=1e-5)
    flat = found[..., 1:].reshape(-1, 2)
    np.testing.assert_allclose(flat.mean(axis=0), theirs[:, 1:].mean(axis=0), atol=2e-3)
    assert flat.std() < theirs[:, 1:].std()  # smoothed


def test_a_drawing_gives_the_result_its_mean_and_covariance_in_all_channels(random):
    grey = np.clip(random.normal(0.6, 0.1, (50, 50, 1)), 0, 1)
    style = np.repeat(grey, 3, axis=-1)
    result, content = random.uniform(0.2, 0.5, (2, 24, 30, 3)).astype(np.float32)
    found = restyled(result, content, oklab(style.reshape(-1, 3)))
    assert np.ptp(found, axis=-1).max() < 0.02  # no hue that the style does not have
    np.testing.assert_allclose(oklab(found)[..., 0].mean(), oklab(style)[..., 0].mean(), atol=5e-3)


def test_smoothing_stops_where_lightness_changes(random):
    chroma, lightness = random.normal(0, 1, (4, 5, 2)), random.uniform(0, 1, (4, 5))

    def once(before: np.ndarray) -> np.ndarray:
        after = np.zeros_like(before)
        for row in range(4):
            for column in range(5):
                total = 0.0
                for down in (-1, 0, 1):
                    for right in (-1, 0, 1):
                        other = min(max(row + down, 0), 3), min(max(column + right, 0), 4)
                        share = np.exp(-10 * abs(lightness[other] - lightness[row, column]))
                        after[row, column] += share * before[other]
                        total += share
                after[row, column] /= total
        return after

    expected = chroma
    for _ in range(5):
        expected = once(expected)
    np.testing.assert_allclose(_smoothed(chroma, lightness), expected, rtol=1e-10)


def test_several_styles_are_pooled_by_their_weights_and_none_is_refused(random):
    content = random.uniform(0, 1, (8, 8, 3)).astype(np.float32)
    styles = random.uniform(0, 1, (2, 9, 7, 3)).astype(np.float32)
    image = random.uniform(0, 1, (8, 8, 3)).astype(np.float32)
    one = StyledChroma().canvas(content, [styles[0]], [1.0]).saved(image)
    both = StyledChroma().canvas(content, list(styles), [1.0, 0.0]).saved(image)
    assert np.abs(one - both).max() < 0.1  # but for the range, which is of all
    equal = StyledChroma().canvas(content, [styles[0], styles[0]], [3.0, 1.0]).saved(image)
    np.testing.assert_allclose(equal, one, atol=1e-6)
    with pytest.raises(InputError, match="color=nnst takes its colors from a style"):
        StyledChroma().canvas(content, [], [])
