from __future__ import annotations

import logging

import numpy as np
import pytest
from handmade_files import (
    ADOBE_GAMMA,
    ADOBE_TO_D50,
    LEVEL,
    LEVELS,
    SRGB_TO_D50,
    black_ink_profile,
    encoded_srgb,
    grey_profile,
    rgb_profile,
    saved,
    unit,
)
from PIL import Image

from nst_tf.images.read import picture_from_pillow, read_picture

# What a file with each EXIF orientation stores of an upright picture (EXIF 2.32, tag 274: where row 0 and
# column 0 of the file are seen), by NumPy alone.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[:, ::-1],
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_every_exif_orientation_is_turned_upright(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](LEVELS)))
    path = saved(stored, tmp_path / f"a.{suffix}", exif=exif, **options)
    np.testing.assert_array_equal(read_picture(path).pixels, unit(LEVELS))
    with Image.open(path) as image:
        np.testing.assert_array_equal(picture_from_pillow(image).pixels, unit(LEVELS))


def test_jpeg_orientation_as_cameras_write_it(tmp_path):
    upright = np.zeros((32, 64, 3), np.uint8)
    upright[:16, :32] = 255  # white at the top left
    exif = Image.Exif()
    exif[274] = 6  # the camera was turned: the file's row 0 is the right side
    path = saved(Image.fromarray(np.ascontiguousarray(STORED[6](upright))), tmp_path / "a.jpg", exif=exif)
    np.testing.assert_allclose(read_picture(path).pixels, upright / 255, atol=4 * LEVEL)


def test_damaged_exif_does_not_cost_the_picture(tmp_path, caplog):
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\x01\0\0\0\x63\0\0\0" + b"\xff" * 30
    path = saved(Image.fromarray(LEVELS), tmp_path / "a.png", exif=exif)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_picture(path).pixels, unit(LEVELS))
    assert str(path) in caplog.text


def as_srgb(encoded, to_d50, gamma):
    """The closed form: matrix and curve of the profile, then the inverse of sRGB's."""
    return encoded_srgb((encoded**gamma) @ to_d50.T @ np.linalg.inv(SRGB_TO_D50).T)


def test_adobe_rgb_is_converted_to_srgb(tmp_path):
    muted = (LEVELS // 3 + 80).astype(np.uint8)  # inside sRGB's gamut
    profile = rgb_profile(ADOBE_TO_D50, ADOBE_GAMMA)
    for name in ("a.png", "a.tif"):
        picture = read_picture(saved(Image.fromarray(muted), tmp_path / name, icc_profile=profile))
        expected = as_srgb(muted / 255, ADOBE_TO_D50, ADOBE_GAMMA)
        assert np.abs(expected - muted / 255).max() > 10 * LEVEL  # the conversion has something to do
        # 8 bits out, and LittleCMS' own 15-bit fixed point
        np.testing.assert_allclose(picture.pixels, expected, atol=1.5 * LEVEL)


def test_a_profile_with_swapped_channels(tmp_path):
    profile = rgb_profile(SRGB_TO_D50[:, ::-1], 2.2)
    red = Image.new("RGBA", (16, 16), (255, 0, 0, 51))
    picture = read_picture(saved(red, tmp_path / "a.png", icc_profile=profile))
    np.testing.assert_allclose(picture.pixels[0, 0], (0.8, 0.8, 1), atol=1.5 * LEVEL)
    np.testing.assert_allclose(picture.alpha, 0.2, atol=1e-6)


def test_grey_profiles_at_8_and_16_bits(tmp_path):
    profile = grey_profile(1.0)
    ramp = np.tile(np.arange(0, 65536, 257, dtype=np.uint16), (16, 1))
    shallow = saved(Image.fromarray((ramp // 257).astype(np.uint8)), tmp_path / "a.png", icc_profile=profile)
    deep = saved(Image.fromarray(ramp), tmp_path / "b.png", icc_profile=profile)
    for path in (shallow, deep):
        np.testing.assert_allclose(
            read_picture(path).pixels[..., 1], encoded_srgb(ramp / 65535), atol=1.5 * LEVEL
        )


def test_a_grey_picture_under_an_rgb_profile(tmp_path):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (16, 1))
    path = saved(Image.fromarray(ramp), tmp_path / "a.png", icc_profile=rgb_profile(SRGB_TO_D50, 1.0))
    np.testing.assert_allclose(
        read_picture(path).pixels, encoded_srgb(ramp / 255)[..., None].repeat(3, 2), atol=1.5 * LEVEL
    )


@pytest.mark.parametrize(
    "profile", [b"not a profile", rgb_profile(ADOBE_TO_D50, 2.2)[:200], grey_profile(1.0)]
)
def test_a_broken_or_mistaken_profile_is_ignored_with_a_warning(tmp_path, caplog, profile):
    path = saved(Image.fromarray(LEVELS), tmp_path / "a.tif", icc_profile=profile)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_picture(path).pixels, unit(LEVELS))
    assert str(path) in caplog.text
    assert "profile" in caplog.text


def test_a_cmyk_profile_is_used(tmp_path):
    # Under this profile cyan, magenta and yellow leave no trace and black makes L* = 100 (1 - k).
    inks = np.full((32, 32, 4), (255, 0, 200, 128), np.uint8)
    image = Image.frombytes("CMYK", (32, 32), inks.tobytes())
    luminance = ((100 * (1 - 128 / 255) + 16) / 116) ** 3  # CIE 1976
    for name, options in (("a.tif", {}), ("a.jpg", {"quality": 100})):
        path = saved(image, tmp_path / name, icc_profile=black_ink_profile(), **options)
        np.testing.assert_allclose(read_picture(path).pixels, encoded_srgb(luminance), atol=2 * LEVEL)
