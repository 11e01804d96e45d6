from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from nst_tf.color.matching import Moments, lab
from nst_tf.compare.yardstick import color_statistics, colour_distance


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        # Lindbloom's calculator, brucelindbloom.com, sRGB and D65
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((0.5, 0.5, 0.5), (53.389, 0, 0)),
        ((0.02, 0.02, 0.02), (0.02 / 12.92 * (29 / 3) ** 3, 0, 0)),  # both curves are lines there
        ((1, 0, 0), (53.2408, 80.0925, 67.2032)),
        ((0, 1, 0), (87.7347, -86.1827, 83.1793)),
        ((0, 0, 1), (32.2970, 79.1875, -107.8602)),
    ],
)
def test_lab_of_known_colors(rgb: tuple[float, ...], expected: tuple[float, ...]) -> None:
    # the published matrices are rounded, and so is white
    np.testing.assert_allclose(lab(np.array(rgb, np.float32)), expected, atol=0.02)


def _direct(first: np.ndarray, second: np.ndarray) -> float:
    (m1, s1), (m2, s2) = ((x.mean(0), np.cov(x.T, bias=True)) for x in (first, second))
    root = sqrtm(s2)
    return float(np.sqrt(((m1 - m2) ** 2).sum() + np.trace(s1 + s2 - 2 * sqrtm(root @ s1 @ root).real)))


def test_it_equals_the_formula_with_roots_by_scipy(random: np.random.Generator) -> None:
    first = random.uniform(0, 1, (12, 14, 3)) ** 2
    second = random.uniform(0.2, 0.9, (10, 9, 3))
    found = colour_distance(color_statistics(first), color_statistics(second))
    assert found == pytest.approx(_direct(lab(first).reshape(-1, 3), lab(second).reshape(-1, 3)), rel=1e-9)


def test_flat_colors_are_as_far_apart_as_cie_1976_says() -> None:
    one, other = np.full((16, 16, 3), (1.0, 0, 0)), np.full((16, 16, 3), (0, 0, 1.0))
    expected = np.linalg.norm(lab(one[0, 0]) - lab(other[0, 0]))
    assert colour_distance(color_statistics(one), color_statistics(other)) == pytest.approx(expected)


def test_where_colors_are_does_not_matter(random: np.random.Generator) -> None:
    picture = random.uniform(size=(16, 12, 3))
    shuffled = random.permutation(picture.reshape(-1, 3)).reshape(12, 16, 3)
    assert colour_distance(color_statistics(picture), color_statistics(shuffled)) < 1e-5


def test_spread_counts_where_means_agree() -> None:
    grey = np.full((16, 16, 3), 0.5)
    spread = Moments(np.zeros(3), np.diag([9.0, 4.0, 1.0]))
    wider = Moments(np.zeros(3), np.diag([16.0, 4.0, 4.0]))
    assert colour_distance(spread, wider) == pytest.approx(np.sqrt(1 + 0 + 1))  # of standard deviations
    assert colour_distance(color_statistics(grey), color_statistics(grey)) == 0
