"""Luminance and what it leaves alone; all of it in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from nst_tf.color.matching import in_bands
from nst_tf.color.modes import PLAIN, Luminance, LuminanceCanvas, Unchanged, luma, matched_luma


def chroma(pixels: np.ndarray) -> np.ndarray:
    """I and Q [..., 2], as the NTSC standard of 1953 defines them: 0.74 (R-Y) - 0.27 (B-Y), 0.48 and 0.41."""
    exact = pixels.astype(np.float64)
    difference = exact - (exact @ np.array([0.299, 0.587, 0.114]))[..., np.newaxis]
    red, blue = difference[..., 0], difference[..., 2]
    return np.stack([0.74 * red - 0.27 * blue, 0.48 * red + 0.41 * blue], axis=-1)


@pytest.fixture
def content(random: np.random.Generator) -> np.ndarray:
    pixels = random.uniform(0, 1, (12, 16, 3)).astype(np.float32)
    pixels[0, :4] = (1, 0, 0), (0, 0, 0), (1, 1, 1), (0, 0.5, 1)
    return pixels


def test_luma_of_known_colors() -> None:
    known = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0.5, 0.5, 0.5]]], np.float32)
    np.testing.assert_allclose(luma(known)[0, :, 0], [0.299, 0.587, 0.114, 1, 0.5], atol=1e-7)


def test_every_image_is_a_picture_with_the_contents_chroma(content, random) -> None:
    canvas = LuminanceCanvas(content)
    for image in (random.uniform(0, 1, content.shape), random.uniform(-2, 3, content.shape)):
        saved = canvas.saved(image.astype(np.float32))
        assert saved.min() >= -1e-6
        assert saved.max() <= 1 + 1e-6
        np.testing.assert_allclose(chroma(saved), chroma(content), atol=1e-6)
    np.testing.assert_allclose(canvas.saved(random.uniform(0, 1, content.shape))[0, 0], (1, 0, 0), atol=1e-7)


def test_the_room_of_a_pixel_reaches_to_both_ends(content) -> None:
    """At one of them a channel is 0, at the other one is 1: no brighter or darker picture has its chroma."""
    canvas = LuminanceCanvas(content)
    np.testing.assert_allclose(canvas.saved(np.zeros_like(content)).min(axis=-1), 0, atol=1e-6)
    np.testing.assert_allclose(canvas.saved(np.ones_like(content)).max(axis=-1), 1, atol=1e-6)


def test_the_view_is_the_luminance_of_what_is_saved(content, random) -> None:
    canvas = LuminanceCanvas(content)
    image = random.uniform(0, 1, content.shape).astype(np.float32)
    base, span = canvas.view
    seen = base + span * image.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(luma(canvas.saved(image)), seen, atol=1e-6)
    np.testing.assert_allclose(canvas.carried(image), np.repeat(seen, 3, axis=-1), atol=1e-6)
    np.testing.assert_allclose(canvas.seen(canvas.saved(image)), canvas.carried(image), atol=1e-6)


def test_a_start_is_met_where_there_is_room(content, random) -> None:
    canvas = LuminanceCanvas(content)
    np.testing.assert_allclose(canvas.saved(canvas.image(content)), content, atol=1e-6)
    start = random.uniform(0, 1, content.shape).astype(np.float32)
    image = canvas.image(start)
    assert image.min() >= 0
    assert image.max() <= 1
    np.testing.assert_array_equal(image[..., 0], image[..., 2])
    base, span = canvas.view
    expected = np.clip(luma(start), base, base + span)
    np.testing.assert_allclose(luma(canvas.saved(image)), expected, atol=1e-6)


def test_luminance_is_matched_by_mean_and_deviation(random) -> None:
    values, target = random.uniform(0.2, 0.4, (20, 10, 1)), random.normal(0.6, 0.2, (7, 9, 1))
    found = matched_luma(values, target)
    assert found.mean() == pytest.approx(target.mean(), abs=1e-12)
    assert found.std() == pytest.approx(target.std(), abs=1e-12)
    flat = matched_luma(np.full((5, 5, 1), 0.3), target)
    np.testing.assert_allclose(flat, target.mean(), atol=1e-12)


@pytest.mark.parametrize("match", [True, False])
def test_what_the_objective_is_shown(match: bool, content, random) -> None:
    style = random.uniform(0, 0.3, (9, 11, 3)).astype(np.float32)
    seen, (of_style, other) = Luminance(match).shown(content, [style, content])
    for one in (seen, of_style, other):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one[..., 0], one[..., 1])
        np.testing.assert_array_equal(one[..., 0], one[..., 2])
        assert 0 <= one.min() <= one.max() <= 1
    np.testing.assert_array_equal(seen[..., :1], luma(content))
    np.testing.assert_allclose(other, seen, atol=1e-6)  # each style by itself
    expected = np.clip(matched_luma(luma(style), luma(content)), 0, 1) if match else luma(style)
    np.testing.assert_allclose(of_style[..., :1], expected, atol=1e-6)


def test_unchanged_is_nothing_at_all(content) -> None:
    shown, styles = Unchanged().shown(content, [content])
    assert shown is content
    assert styles[0] is content
    canvas = Unchanged().canvas(content, [content], [1.0])
    assert canvas is PLAIN
    assert canvas.view is None
    for step in (canvas.image, canvas.carried, canvas.saved, canvas.seen):
        assert step(content) is content


def test_bands_are_the_whole(random) -> None:
    picture = random.uniform(0, 1, (1000, 700, 3)).astype(np.float32)  # three bands, the last one narrower
    found = in_bands(lambda rows, same: rows * rows + same, picture, picture)
    np.testing.assert_allclose(found, picture**2 + picture, rtol=1e-6)
    assert found.dtype == np.float32
