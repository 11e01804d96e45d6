from __future__ import annotations

import hashlib
import io
import logging
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from handmade_files import (
    ADOBE_GAMMA,
    ADOBE_TO_D50,
    SRGB_TO_D50,
    black_ink_profile,
    encoded_srgb,
    grey_profile,
    png,
    png_chunk,
    rgb_profile,
    tiff,
)
from PIL import Image, ImageFile

from nst_tf.errors import InputError
from nst_tf.images.read import picture_from_array, picture_from_pillow, read_picture

LEVELS = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
LEVEL = 1 / 255


def unit(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.float32) / np.float32(255)


def saved(image: Image.Image, path: Path, **options) -> Path:
    image.save(path, **options)
    return path


def written(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


# ---- formats and modes -------------------------------------------------------------------------------


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


# ---- depth ------------------------------------------------------------------------------------------

DEEP = np.random.default_rng(2).integers(0, 65536, (17, 20), dtype=np.uint16)


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


def test_float_tiff_within_range_is_exact_and_outside_is_refused(tmp_path):
    values = np.random.default_rng(4).random((16, 18), dtype=np.float32)
    picture = read_picture(written(tiff(values.tobytes(), 18, 16, 32, 1, 3), tmp_path / "a.tif"))
    np.testing.assert_array_equal(picture.pixels[..., 2], values)
    for bad, shown in ((255.0, "255"), (-0.5, "-0.5"), (np.nan, "nan")):
        values[3, 3] = bad
        path = written(tiff(values.tobytes(), 18, 16, 32, 1, 3), tmp_path / "b.tif")
        with pytest.raises(InputError, match=rf"b\.tif holds float values.*{shown}.*rescale"):
            read_picture(path)


def test_32_bit_integers_beyond_16_bits_are_refused(tmp_path):
    values = np.full((16, 16), 70000, "<i4")
    with pytest.raises(InputError, match="70000 where 0 to 65535"):
        read_picture(written(tiff(values.tobytes(), 16, 16, 32, 1, 2), tmp_path / "a.tif"))


# ---- orientation ------------------------------------------------------------------------------------

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


# ---- colour profiles ----------------------------------------------------------------------------------


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


# ---- Pillow images and arrays -------------------------------------------------------------------------


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
    image = Image.new("RGB", (16, 16), (153, 153, 153))  # a colour of the web palette
    image = (image.convert(between) if between else image).convert(mode)
    np.testing.assert_allclose(picture_from_pillow(image).pixels, 153 / 255, atol=2 * LEVEL)


def test_cielab_is_refused():
    with pytest.raises(InputError, match="CIELAB"):
        picture_from_pillow(Image.new("LAB", (16, 16)))


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


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((16,)), r"\(16,\)"),
        (np.zeros((16, 16, 2)), r"\(16, 16, 2\)"),
        (np.zeros((1, 16, 16, 3)), r"\(1, 16, 16, 3\)"),
        (np.zeros((16, 16), np.int64), "int64"),
        (np.zeros((16, 16), bool), "bool"),
        (np.full((16, 16), 1.5), "1.5"),
        (np.full((16, 16), -0.1), "-0.1"),
        (np.full((16, 16), np.nan), "nan"),
        (np.full((16, 16), np.inf), "inf"),
        (np.zeros((16, 15)), "16 x 15"),
        (np.zeros((0, 16)), "0 x 16"),
    ],
)
def test_arrays_refused(array, message):
    with pytest.raises(InputError, match=message):
        picture_from_array(array)


# ---- refusals -----------------------------------------------------------------------------------------


def test_paths_that_are_no_file(tmp_path):
    with pytest.raises(InputError, match=r"gone\.png does not exist"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(InputError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(InputError, match="0 bytes"):
        read_picture(written(b"", tmp_path / "a.png"))
    with pytest.raises(InputError, match=r"text\.png is not a picture"):
        read_picture(written(b"not a picture at all", tmp_path / "text.png"))
    with pytest.raises(InputError):
        read_picture(tmp_path / ("a" * 5000))
    with pytest.raises(InputError):
        read_picture("nul\0byte.png")
    with pytest.raises(InputError, match="no regular file"):
        read_picture("/dev/null")


def test_postscript_is_never_run(tmp_path):
    with pytest.raises(InputError, match="not a picture"):
        read_picture(written(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", tmp_path / "a.eps"))


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = saved(Image.fromarray(LEVELS), tmp_path / "a.png")

    def denied(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(InputError, match=r"a\.png cannot be read \(Permission denied\)"):
        read_picture(path)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.95])
def test_a_file_cut_short_is_refused(tmp_path, image_format, kept):
    buffer = io.BytesIO()
    Image.fromarray(np.tile(LEVELS, (4, 4, 1))).save(buffer, image_format)
    content = buffer.getvalue()
    with pytest.raises(InputError, match=r"damaged or cut short|not a picture"):
        read_picture(written(content[: int(kept * len(content))], tmp_path / "a"))
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(("width", "height"), [(15, 40), (40, 15), (1, 1)])
def test_a_picture_too_small_for_the_network_is_refused(tmp_path, width, height):
    path = saved(Image.new("RGB", (width, height)), tmp_path / "a.png")
    with pytest.raises(InputError, match=rf"{height} x {width} pixels.*at least 16"):
        read_picture(path)
    with pytest.raises(InputError):
        picture_from_pillow(Image.new("RGB", (width, height)))


def test_sixteen_pixels_are_enough(tmp_path):
    assert read_picture(saved(Image.new("RGB", (16, 16)), tmp_path / "a.png")).pixels.shape == (16, 16, 3)


@pytest.mark.parametrize("pillow_limit", [Image.MAX_IMAGE_PIXELS, None])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, monkeypatch, pillow_limit):
    # None: another part of the program has switched Pillow's own check off.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoding was tried"))
    bomb = png(20_000, 20_000, 8, 2, [b"\0\0\0"])
    with pytest.raises(InputError, match=r"(400,000,000|20000 x 20000) pixels, more than the 178,956,970"):
        read_picture(written(bomb, tmp_path / "a.png"))


def test_a_large_photograph_below_the_limit_does_not_warn(tmp_path, caplog):
    # 1 bit a pixel and no data: the header alone passes the limit, then the missing data are refused.
    large = png(10_000, 10_000, 1, 0, [b"\0"])
    with pytest.raises(InputError, match="cut short"):  # and pytest makes an error of any warning
        read_picture(written(large, tmp_path / "a.png"))
    assert "bomb" not in caplog.text


def seed_files() -> dict[str, bytes]:
    small = Image.fromarray(LEVELS)
    exif = Image.Exif()
    exif[274] = 5
    profile = rgb_profile(ADOBE_TO_D50, ADOBE_GAMMA)
    alpha = Image.fromarray(np.dstack([LEVELS, LEVELS[..., :1]]))
    deep = tiff(DEEP.astype("<u2").tobytes(), 20, 17, 16)
    plans = [
        ("jpeg", small, "JPEG", {"exif": exif, "icc_profile": profile}),
        ("cmyk", small.convert("CMYK"), "JPEG", {}),
        ("progressive", small, "JPEG", {"progressive": True}),
        ("png", alpha, "PNG", {"exif": exif, "icc_profile": profile}),
        ("palette", small.quantize(8), "PNG", {"transparency": 3}),
        ("webp", alpha, "WEBP", {"exif": exif, "icc_profile": profile}),
        ("tiff", small, "TIFF", {"exif": exif, "icc_profile": profile}),
        ("lzw", alpha, "TIFF", {"compression": "tiff_lzw"}),
        ("gif", small, "GIF", {"transparency": 1}),
        ("bmp", small, "BMP", {}),
    ]
    files = {"deep": deep}
    for name, image, image_format, options in plans:
        buffer = io.BytesIO()
        image.save(buffer, image_format, **options)
        files[name] = buffer.getvalue()
    return files


@pytest.mark.parametrize("name", sorted(seed_files()))
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path, name):
    content, chance = seed_files()[name], random.Random(name)
    path = tmp_path / "a"
    outcomes, messages = set(), []
    for _ in range(25):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 6)):
            # Half of the damage is done to the header, where the structure of the format stands.
            place = chance.randrange(min(len(damaged), chance.choice((96, len(damaged)))))
            damaged[place] = chance.choice((0, 0xFF, 0x80, chance.randrange(256)))
        if chance.random() < 0.2:
            start = chance.randrange(len(damaged))
            del damaged[start : start + chance.randint(1, 40)]
        try:
            picture = read_picture(written(bytes(damaged), path))
        except InputError as error:
            outcomes.add("refused")
            messages.append(str(error))
        else:
            assert np.isfinite(picture.pixels).all()
            assert 0 <= picture.pixels.min() <= picture.pixels.max() <= 1
            outcomes.add("read")
    assert all(str(path) in message and "\n" not in message for message in messages)
    assert "refused" in outcomes or name in ("bmp", "gif")
