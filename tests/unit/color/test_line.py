"""color=of_style: the colors of a drawing lie on a line, and its picture keeps to it."""

from __future__ import annotations

import numpy as np
import pytest

from nst_tf.color.modes import PLAIN, LineCanvas, OfStyle, with_mean
from nst_tf.config.schema import picture_path
from nst_tf.images.read import read_picture

INK, PAPER = np.array([0.10, 0.05, 0.02]), np.array([0.94, 0.90, 0.80])


def drawing(random: np.random.Generator, ink=INK, paper=PAPER, grain: float = 0.0) -> np.ndarray:
    """Colors between ink and paper, and a little besides."""
    places = random.beta(0.5, 0.3, (40, 30, 1))
    colors = ink + places * (np.asarray(paper) - ink) + grain * random.standard_normal((40, 30, 3))
    return np.clip(colors, 0, 1).astype(np.float32)


def line_of(*styles: np.ndarray, weights=(1.0,)) -> LineCanvas:
    canvas = OfStyle().canvas(np.zeros((8, 8, 3), np.float32), styles, weights)
    assert isinstance(canvas, LineCanvas)
    return canvas


def test_the_line_goes_through_ink_and_paper_to_the_ends_of_rgb(random) -> None:
    style = drawing(random)
    canvas = line_of(style)
    # by hand: below the ink blue is the first to reach 0, and above the paper red the first to reach 1
    np.testing.assert_allclose(canvas.dark, INK - (0.02 / 0.78) * (PAPER - INK), atol=1e-6)
    np.testing.assert_allclose(canvas.bright, INK + (1 + 0.06 / 0.84) * (PAPER - INK), atol=1e-6)
    places = (style[..., 1] - canvas.dark[1]) / (canvas.bright[1] - canvas.dark[1])
    assert canvas.mean == pytest.approx(places.mean(), abs=1e-6)


def test_a_drawing_in_grey_has_all_greys(random) -> None:
    grey = np.repeat(random.uniform(0.2, 0.7, (20, 30, 1)), 3, axis=2).astype(np.float32)
    canvas = line_of(grey)
    np.testing.assert_allclose(canvas.dark, [0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(canvas.bright, [1, 1, 1], atol=1e-6)
    saved = canvas.saved(random.uniform(0, 1, (8, 9, 3)).astype(np.float32))
    np.testing.assert_allclose(np.ptp(saved, axis=2), 0, atol=1e-6)


def test_a_channel_that_does_not_change_sets_no_end(random) -> None:
    canvas = line_of(drawing(random, np.array([0.2, 0.2, 0.5]), np.array([0.8, 0.8, 0.5])))
    np.testing.assert_allclose(canvas.dark, [0, 0, 0.5], atol=1e-6)
    np.testing.assert_allclose(canvas.bright, [1, 1, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "is_drawing"),
    [
        ("ink_hatching", True),
        *(
            (name, False)
            for name in ("brush_strokes", "cut_outs", "mosaic", "watercolour", "woodblock_waves")
        ),
        *((name, False) for name in ("landscape", "still_life")),
    ],
)
def test_which_of_the_bundled_pictures_are_drawings(name: str, is_drawing: bool) -> None:
    style = read_picture(picture_path(f"samples/{name}.jpg")).pixels
    canvas = OfStyle().canvas(style, [style], [1.0])
    assert (canvas is PLAIN) is not is_drawing
    # with a wide margin, so that it is the same at every size
    colors = style.reshape(-1, 3).astype(np.float64)
    variances = np.linalg.eigvalsh(np.cov(colors.T))
    across = np.sqrt(variances[1] / variances[2])
    assert across < 0.035 if is_drawing else across > 0.14


def test_several_styles_are_taken_together(random) -> None:
    brown, blue = drawing(random), drawing(random, np.array([0.1, 0.1, 0.6]))
    content = np.zeros((8, 8, 3), np.float32)
    assert OfStyle().canvas(content, [brown, blue], [1.0, 1.0]) is PLAIN
    alone = line_of(brown)
    of_both = line_of(brown, blue, weights=(3.0, 0.0))
    np.testing.assert_allclose(of_both.bright, alone.bright, atol=1e-6)
    # two of one ink on one paper, of which the second counts three times: moments of the colors laid together
    light, dark = drawing(random), drawing(random, paper=0.5 * (INK + PAPER))
    found, pooled = (
        line_of(light, dark, weights=(1.0, 3.0)),
        line_of(np.concatenate([light, dark, dark, dark])),
    )
    np.testing.assert_allclose(
        [*found.dark, *found.bright, found.mean],
        [*pooled.dark, *pooled.bright, pooled.mean],
        atol=1e-6,
    )


def test_no_line(random) -> None:
    flat = np.full((20, 20, 3), 0.5, np.float32)
    colorful = random.uniform(0, 1, (20, 20, 3)).astype(np.float32)
    equally_light = drawing(
        random, np.array([0.1, 0.5, 0.5]), np.array([0.9, 0.5 - 0.8 * 0.299 / 0.587, 0.5])
    )
    for styles in ([], [flat], [colorful], [equally_light]):
        assert OfStyle().canvas(flat, styles, [1.0] * len(styles)) is PLAIN


def test_the_image_begins_as_bright_as_the_style(random) -> None:
    canvas = line_of(drawing(random, grain=0.002))
    assert canvas.mean > 0.5  # a drawing is mostly paper
    photo = random.uniform(0, 0.6, (50, 40, 3)).astype(np.float32)
    image = canvas.image(photo)
    assert image.mean() == pytest.approx(canvas.mean, abs=1e-3)
    light = (photo @ np.array([0.299, 0.587, 0.114])).ravel()
    assert (np.diff(image[..., 0].ravel()[np.argsort(light)]) >= 0).all()
    np.testing.assert_array_equal(image, np.repeat(image[..., :1], 3, axis=2))
    # the next size goes on from the very places, which are as bright already
    np.testing.assert_allclose(canvas.image(canvas.carried(image)), image, atol=1e-3)
    flat = canvas.image(np.full((5, 5, 3), 0.3, np.float32))
    np.testing.assert_allclose(flat, canvas.mean, atol=1e-3)


@pytest.mark.parametrize("mean", [0.2, 0.5, 0.8])
def test_with_mean(mean: float, random) -> None:
    values = np.concatenate([[0, 1], random.uniform(0, 1, 998)]).astype(np.float32)
    found = with_mean(values, mean)
    assert found.mean() == pytest.approx(mean, abs=1e-4)
    np.testing.assert_array_equal(found[:2], [0, 1])
    # the odds of all values are multiplied by one number
    odds = (found[2:] / (1 - found[2:])) / (values[2:] / (1 - values[2:]))
    np.testing.assert_allclose(odds, np.median(odds), rtol=1e-3)


def test_a_black_picture_stays_dark() -> None:
    np.testing.assert_array_equal(with_mean(np.array([0, -0.1], np.float32), 0.9), 0)
    np.testing.assert_allclose(
        with_mean(np.full(5, 0.01, np.float32), 0.9), 0.01 / (0.01 + 0.99 / 16), rtol=1e-3
    )


def test_what_is_saved_is_what_the_objective_sees(random) -> None:
    canvas = line_of(drawing(random))
    base, matrix = canvas.view
    image = canvas.image(random.uniform(0, 1, (6, 7, 3)).astype(np.float32))
    saved = canvas.saved(image)
    np.testing.assert_allclose(saved, base + image @ matrix, atol=1e-6)
    assert -1e-6 <= saved.min() <= saved.max() <= 1 + 1e-6
    assert canvas.seen(saved) is saved
