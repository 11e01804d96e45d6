from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest
from handmade_files import DEEP, LEVEL, LEVELS, png, png_chunk, saved, tiff, unit, written
from PIL import Image

from nst_tf.images.read import picture_from_array, picture_from_pillow, read_picture


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_a_lossless_file_is_read_exactly(tmp_path, suffix):
    path = saved(Image.fromarray(LEVELS), tmp_path / f"a.{suffix}")
    picture = read_picture(str(path))
    assert picture.pixels.dtype == np.float32
    np.testing.assert_array_equal(picture.pixels, unit(LEVELS))
    assert picture.alpha is None
    assert (picture.name, picture.height, picture.width) == (path.name, 20, 24)
    assert picture.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0, 0] = 0


@pytest.mark.parametrize(("suffix", "options"), [("jpg", {"quality": 95}), ("webp", {"lossless": True})])
def test_jpeg_and_webp_are_read(tmp_path, suffix, options):
    smooth = np.repeat(np.linspace(0, 255, 24).astype(np.uint8)[None, :, None], 20, axis=0).repeat(3, axis=2)
    picture = read_picture(saved(Image.fromarray(smooth), tmp_path / f"a.{suffix}", **options))
    np.testing.assert_allclose(picture.pixels, smooth / 255, atol=4 * LEVEL)


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    first, second = Image.new("RGB", (20, 18), "#ff0000"), Image.new("RGB", (20, 18), "#0000ff")
    for name in ("a.gif", "a.webp", "a.png", "a.tif"):
        options = {"lossless": True} if name.endswith("webp") else {}
        path = saved(first, tmp_path / name, save_all=True, append_images=[second], **options)
        np.testing.assert_array_equal(read_picture(path).pixels[3, 3], (1, 0, 0))


def test_a_phone_s_multi_picture_jpeg_is_read(tmp_path):
    first, second = Image.new("RGB", (20, 18), "#ff0000"), Image.new("RGB", (20, 18), "#0000ff")
    path = tmp_path / "a.jpg"
    first.save(path, "MPO", save_all=True, append_images=[second])
    np.testing.assert_allclose(read_picture(path).pixels[3, 3], (1, 0, 0), atol=2 * LEVEL)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_becomes_three_equal_channels(tmp_path, mode):
    grey = np.where(LEVELS[..., 0] > 127, 255, 0).astype(np.uint8)
    picture = read_picture(saved(Image.fromarray(grey).convert(mode), tmp_path / "a.png"))
    np.testing.assert_array_equal(picture.pixels, np.repeat(unit(grey)[..., None], 3, axis=2))
    assert picture.alpha is None


def test_palette_with_transparency(tmp_path):
    indices = np.zeros((16, 16), np.uint8)
    indices[:, 4:8], indices[:, 8:] = 1, 2
    palette = png_chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0, 0, 0, 255]))
    transparency = png_chunk(b"tRNS", bytes([255, 0, 51]))
    path = written(png(16, 16, 8, 3, map(bytes, indices), palette + transparency), tmp_path / "a.png")
    picture = read_picture(path)
    np.testing.assert_allclose(picture.pixels[5, [0, 5, 9]], [(1, 0, 0), (1, 1, 1), (0.8, 0.8, 1)], atol=1e-6)
    np.testing.assert_allclose(picture.alpha[5, [0, 5, 9]], (1, 0, 0.2), atol=1e-6)
    assert picture.alpha.dtype == np.float32


def test_alpha_is_laid_over_white_and_kept(tmp_path):
    alpha = np.random.default_rng(1).integers(0, 256, (20, 24), dtype=np.uint8)
    for name in ("a.png", "a.tif"):
        picture = read_picture(saved(Image.fromarray(np.dstack([LEVELS, alpha])), tmp_path / name))
        opacity = alpha[..., None] / 255
        np.testing.assert_allclose(picture.pixels, LEVELS / 255 * opacity + 1 - opacity, atol=1e-6)
        np.testing.assert_allclose(picture.alpha, alpha / 255, atol=1e-7)
        assert 0 <= picture.pixels.min() <= picture.pixels.max() <= 1


def test_an_alpha_that_hides_nothing_is_none(tmp_path):
    opaque = np.dstack([LEVELS, np.full((20, 24), 255, np.uint8)])
    assert read_picture(saved(Image.fromarray(opaque), tmp_path / "a.png")).alpha is None


def test_cmyk_without_profile_in_tiff_and_adobe_s_inverted_jpeg(tmp_path):
    inks = np.zeros((32, 32, 4), np.uint8)
    inks[..., 0], inks[..., 3] = 255, 51  # cyan, a fifth of black: (1 - 1)(1 - .2), (1 - 0)(1 - .2) twice
    image = Image.frombytes("CMYK", (32, 32), inks.tobytes())
    jpeg = saved(image, tmp_path / "a.jpg", quality=95)
    assert b"Adobe" in jpeg.read_bytes()[:64]
    for path in (saved(image, tmp_path / "a.tif"), jpeg):
        np.testing.assert_allclose(read_picture(path).pixels[8, 8], (0, 0.8, 0.8), atol=2 * LEVEL)


def test_sixteen_bit_grey_keeps_its_depth(tmp_path):
    rows = [row.astype(">u2").tobytes() for row in DEEP]
    for content in (png(20, 17, 16, 0, rows), tiff(DEEP.astype("<u2").tobytes(), 20, 17, 16)):
        picture = read_picture(written(content, tmp_path / "a"))
        for channel in range(3):
            np.testing.assert_allclose(picture.pixels[..., channel], DEEP / 65535, atol=1e-7)


def test_sixteen_bit_grey_with_a_transparent_level(tmp_path):
    level = int(DEEP[3, 4])
    rows = [row.astype(">u2").tobytes() for row in DEEP]
    content = png(20, 17, 16, 0, rows, png_chunk(b"tRNS", struct.pack(">H", level)))
    picture = read_picture(written(content, tmp_path / "a.png"))
    np.testing.assert_array_equal(picture.alpha == 0, level == DEEP)
    assert tuple(picture.pixels[3, 4]) == (1, 1, 1)


def test_tiff_where_white_is_zero(tmp_path):
    grey = tiff(DEEP.astype("<u2").tobytes(), 20, 17, 16, photometric=0)
    picture = read_picture(written(grey, tmp_path / "a.tif"))
    np.testing.assert_allclose(picture.pixels[..., 1], 1 - DEEP / 65535, atol=1e-7)
    shallow = tiff(LEVELS[..., 0].tobytes(), 24, 20, 8, photometric=0)  # Pillow's own inversion
    picture = read_picture(written(shallow, tmp_path / "b.tif"))
    np.testing.assert_allclose(picture.pixels[..., 1], 1 - LEVELS[..., 0] / 255, atol=1e-7)


def test_twelve_bit_tiff_reaches_white(tmp_path):
    packed = bytes([0xFF, 0xF8, 0x00]) * (8 * 16)  # pairs of 4095 and 2048
    picture = read_picture(written(tiff(packed, 16, 16, 12), tmp_path / "a.tif"))
    np.testing.assert_allclose(picture.pixels[0, :2, 0], (1, 2048 / 4095), atol=1e-7)


def test_sixteen_bit_rgb_is_read_at_eight_bits(tmp_path):
    deep = np.random.default_rng(3).integers(0, 65536, (16, 16, 3), dtype=np.uint16)
    transparent = png_chunk(b"tRNS", deep[2, 3].astype(">u2").tobytes())
    content = png(16, 16, 16, 2, [row.astype(">u2").tobytes() for row in deep], transparent)
    picture = read_picture(written(content, tmp_path / "a.png"))
    shown = picture.alpha == 1
    np.testing.assert_allclose(picture.pixels[shown], (deep / 65535)[shown], atol=1.01 * LEVEL)
    assert list(zip(*np.nonzero(~shown), strict=True)) == [(2, 3)]


def test_float_tiff_within_range_is_exact(tmp_path):
    values = np.random.default_rng(4).random((16, 18), dtype=np.float32)
    picture = read_picture(written(tiff(values.tobytes(), 18, 16, 32, 1, 3), tmp_path / "a.tif"))
    np.testing.assert_array_equal(picture.pixels[..., 2], values)


def test_pillow_image_is_left_as_it_was(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    path = saved(Image.fromarray(LEVELS), tmp_path / "a.png", exif=exif)
    with Image.open(path) as image:
        picture = picture_from_pillow(image)
        assert image.size == (24, 20)
        assert image.getexif()[274] == 6
    assert picture.pixels.shape == (24, 20, 3)
    assert picture.name == "a.png"
    plain = picture_from_pillow(Image.fromarray(LEVELS))
    assert plain.name == "array"
    assert plain.sha256 == hashlib.sha256(unit(LEVELS).tobytes()).hexdigest()


@pytest.mark.parametrize("mode", ["RGBa", "La", "PA", "HSV", "YCbCr", "P", "RGBX"])
def test_rarer_pillow_modes(mode):
    between = {"RGBa": "RGBA", "La": "LA", "PA": "P"}.get(mode)
    image = Image.new("RGB", (16, 16), (153, 153, 153))  # a color of the web palette
    image = (image.convert(between) if between else image).convert(mode)
    np.testing.assert_allclose(picture_from_pillow(image).pixels, 153 / 255, atol=2 * LEVEL)


def test_arrays_of_every_shape():
    grey = LEVELS[..., 0]
    for array in (grey, grey[..., None], grey / 255, (grey / 255).astype(np.float32)[..., None]):
        picture = picture_from_array(array)
        np.testing.assert_allclose(picture.pixels, np.repeat(grey[..., None] / 255, 3, 2), atol=1e-7)
        assert picture.pixels.dtype == np.float32
        assert picture.sha256 == hashlib.sha256(array.tobytes()).hexdigest()
    alpha = np.full((20, 24), 0.25)
    picture = picture_from_array(np.dstack([LEVELS / 255, alpha]))
    np.testing.assert_allclose(picture.pixels, LEVELS / 255 * 0.25 + 0.75, atol=1e-6)
    np.testing.assert_array_equal(picture.alpha, alpha)


def test_the_array_is_copied():
    array = np.zeros((16, 16, 3), np.float32)
    picture = picture_from_array(array)
    array[...] = 1
    assert picture.pixels.max() == 0
