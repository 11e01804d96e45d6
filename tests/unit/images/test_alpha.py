"""Transparency that goes from the content picture to the result."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.images.pixels import over_white, without_white
from nst_tf.images.resize import resize_mask

EDGE = np.zeros((64, 64), np.float32)
EDGE[:, 32:] = 1


def test_the_same_size_is_untouched():
    assert resize_mask(EDGE, 64, 64) is EDGE


def test_an_edge_grows_no_ghosts():
    """Opacity never falls on the way to an edge's opaque side; Lanczos' filter would swing."""
    for size in (37, 150):
        resized = resize_mask(EDGE, size, size)
        assert resized.shape == (size, size)
        assert (np.diff(resized, axis=1) >= -1e-6).all()
        assert resized[:, : size // 3].max() == 0
        assert abs(resized.mean() - 0.5) < 1e-6


def test_reduction_is_the_mean_of_the_area():
    """The triangle of a reduction by 2 weighs 1, 3, 3, 1."""
    random = np.random.default_rng(0).random((1, 32), dtype=np.float32).repeat(2, axis=0)
    weighed = np.convolve(random[0], np.array([1, 3, 3, 1]) / 8, "valid")[1::2]
    np.testing.assert_allclose(resize_mask(random, 2, 16)[0, 1:-1], weighed[:14], atol=1e-6)


@given(st.floats(1e-3, 1), st.floats(0, 1))
def test_a_color_mixed_with_white_comes_out_again(opacity, color):
    pixels = np.full((1, 1, 3), color, np.float64)
    alpha = np.full((1, 1), opacity)
    np.testing.assert_allclose(without_white(over_white(pixels, alpha), alpha), color, atol=1e-4)


def test_over_white_the_unmixed_picture_is_the_picture_that_was_optimized():
    """Where the colors are possible at all, and something is opaque."""
    random = np.random.default_rng(1)
    alpha = random.random((20, 20))
    pixels = 1 - random.random((20, 20, 3)) * alpha[..., None]
    np.testing.assert_allclose(over_white(without_white(pixels, alpha), alpha), pixels, atol=1e-6)


def test_what_is_wholly_transparent_keeps_its_color():
    pixels = np.random.default_rng(2).random((4, 4, 3), dtype=np.float32)
    np.testing.assert_array_equal(without_white(pixels, np.zeros((4, 4))), pixels)
