"""CIE L*a*b* and back, and colors that sRGB does not have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from nst_tf.color.matching import lab, srgb
from nst_tf.color.modes import recombined

SHARES = st.floats(0, 1)


@settings(max_examples=50)
@given(rgb=st.tuples(SHARES, SHARES, SHARES))
def test_there_and_back(rgb: tuple[float, ...]) -> None:
    np.testing.assert_allclose(srgb(lab(np.array(rgb))), rgb, atol=1e-6)


def test_as_littlecms_has_it() -> None:
    """Its Lab is of D50, which white and greys do not show; it has 8 bits: L* to 1/2.55, a* and b* to 1."""
    levels = np.arange(256, dtype=np.uint8)
    greys = Image.fromarray(np.repeat(levels[np.newaxis, :, np.newaxis], 3, axis=2))
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    theirs = np.asarray(ImageCms.applyTransform(greys, transform), np.float64)[0, :, 0] / 2.55
    ours = lab(np.repeat(levels[:, np.newaxis], 3, axis=1) / 255)
    np.testing.assert_allclose(ours[:, 0], theirs, atol=0.5)
    np.testing.assert_allclose(ours[:, 1:], 0, atol=1e-9)


@settings(max_examples=50)
@given(st.floats(0, 100), st.floats(-200, 200), st.floats(-200, 200))
def test_what_srgb_does_not_have_keeps_lightness_and_hue(lightness: float, a: float, b: float) -> None:
    wanted = np.array([lightness, a, b])
    found = srgb(wanted)
    assert found.min() >= 0
    assert found.max() <= 1
    again = lab(found)
    assert again[0] == pytest.approx(lightness, abs=1e-3)
    chroma, kept = np.hypot(a, b), np.hypot(*again[1:])
    assert kept <= chroma + 1e-3
    # along the same direction from grey: nothing across it
    assert abs(again[1] * b - again[2] * a) <= 1e-3 * max(chroma, 1)
    if kept < chroma - 0.1:  # and no stronger color would be there: one channel is at its end
        assert min(found.min(), 1 - found.max()) < 1e-3


def test_recombined(random: np.random.Generator) -> None:
    content, bright = (random.uniform(0.3, 0.7, (20, 600, 3)).astype(np.float32) for _ in range(2))
    bright = np.repeat(bright.mean(-1, keepdims=True), 3, axis=-1)
    found = lab(recombined(bright, content))
    np.testing.assert_allclose(found[..., 0], lab(bright)[..., 0], atol=1e-3)
    chroma, kept = (np.hypot(one[..., 1], one[..., 2]) for one in (lab(content), found))
    inside = kept > chroma - 0.1
    assert 0.5 < inside.mean() < 1
    np.testing.assert_allclose(found[inside][:, 1:], lab(content)[inside][:, 1:], atol=0.15)
    np.testing.assert_allclose(recombined(content, content), content, atol=1e-6)
