from __future__ import annotations

import numpy as np
import pytest

from nst_tf.compare.yardstick import luminance, structural_similarity


def _direct(first: np.ndarray, second: np.ndarray) -> float:
    """Equation 13 of Wang et al. 2004, window by window."""
    steps = np.arange(11) - 5.0
    window = np.exp(-(steps[:, None] ** 2 + steps[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = 0.01**2, 0.03**2
    values = []
    for down in range(first.shape[0] - 10):
        for across in range(first.shape[1] - 10):
            x, y = (one[down : down + 11, across : across + 11] for one in (first, second))
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(values))


def test_it_equals_the_formula_window_by_window(random: np.random.Generator) -> None:
    first = random.uniform(size=(17, 23))
    second = np.clip(0.7 * first + 0.3 * random.uniform(size=first.shape), 0, 1)
    assert structural_similarity(first, second) == pytest.approx(_direct(first, second), abs=1e-12)


@pytest.mark.parametrize(("one", "other"), [(0.2, 0.6), (0.0, 1.0), (0.5, 0.5)])
def test_flat_pictures_have_a_closed_form(one: float, other: float) -> None:
    expected = (2 * one * other + 1e-4) / (one**2 + other**2 + 1e-4)
    found = structural_similarity(np.full((20, 16), one), np.full((20, 16), other))
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_picture_is_one_with_itself_and_less_with_its_negative(random: np.random.Generator) -> None:
    picture = random.uniform(size=(16, 16))
    assert structural_similarity(picture, picture) == pytest.approx(1, abs=1e-12)
    assert structural_similarity(picture, 1 - picture) < 0


def test_luminance_weighs_green_most() -> None:
    assert luminance(np.eye(3)[None]).tolist() == [[0.299, 0.587, 0.114]]
