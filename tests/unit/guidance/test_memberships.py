"""From colors of a mask to memberships."""

from __future__ import annotations

import numpy as np
import pytest

from nst_tf.guidance import flat_colors, memberships
from nst_tf.images.resize import resize_mask

RED, BLUE, BLACK, WHITE = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0], [1, 1, 1]], float)


def test_pixels_of_the_regions_colors_belong_to_them_and_edges_to_both():
    palette = np.stack([RED, BLUE, BLACK])
    pixels = np.stack([RED, 0.75 * RED + 0.25 * BLUE, BLUE, 0.2 * BLUE, BLACK])[np.newaxis]
    found, left_over = memberships(pixels, palette)
    expected = [[1, 0, 0], [0.75, 0.25, 0], [0, 1, 0], [0, 0.2, 0.8], [0, 0, 1]]
    np.testing.assert_allclose(found[0], expected, atol=2 / 255)  # colors of masks have 8 bits
    assert left_over.max() < 1 / 255


def test_a_color_of_no_region_is_left_over():
    pixels = np.stack([RED, WHITE, 0.5 * WHITE])[np.newaxis]
    _, left_over = memberships(pixels, np.stack([RED, BLUE]))
    # white is nearest to the middle of red and blue, a root of 3/2 away; black to white is root 3
    np.testing.assert_allclose(left_over[0, :2], [0, np.sqrt(1.5 / 3)], atol=1e-6)
    assert memberships(pixels, RED[np.newaxis])[0].min() == 1
    assert memberships(pixels, RED[np.newaxis])[1][0, 1] == pytest.approx(np.sqrt(2 / 3), rel=1e-6)


def test_flat_colors_are_those_of_large_parts_largest_first():
    pixels = np.zeros((10, 10, 3))
    pixels[:, 7:] = RED
    pixels[0, 0] = BLUE
    assert flat_colors(pixels, 0.02) == [((0, 0, 0), 0.69), ((255, 0, 0), 0.3)]


def test_a_resized_mask_still_sums_to_one_and_reaches_no_further(random):
    hard = np.zeros((40, 50, 2), np.float32)
    hard[:, :20, 0], hard[:, 20:, 1] = 1, 1
    for shape in ((20, 25), (13, 17), (80, 100), (40, 50)):
        found = resize_mask(hard, *shape)
        assert found.shape == (*shape, 2)
        np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)
        edge = 0.4 * shape[1]
        reach = max(1, shape[1] / 50) + 1
        assert (found[:, : int(edge - reach), 0] == 1).all()
        assert (found[:, int(np.ceil(edge + reach)) :, 0] == 0).all()
