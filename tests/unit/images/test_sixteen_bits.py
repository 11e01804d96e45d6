"""16 bits a channel, in files that other libraries wrote, or that are put together by hand."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import png
import pytest
import tifffile
from handmade_files import (
    ADOBE_GAMMA,
    ADOBE_TO_D50,
    SRGB_TO_D50,
    encoded_srgb,
    png_chunk,
    rgb_profile,
    written,
)
from handmade_files import png as handmade_png
from PIL import Image

from nst_tf.errors import InputError
from nst_tf.images.pixels import levels_of, rounded
from nst_tf.images.read import read_picture
from nst_tf.images.write import FileForm, check_bits, read_metadata, write_picture

DEEP = np.random.default_rng(5).integers(0, 65536, (17, 20, 3), dtype=np.uint16)
WITH_ALPHA = np.dstack([DEEP, np.random.default_rng(6).integers(0, 65536, (17, 20), dtype=np.uint16)])
WITH_ALPHA[0, 0, 3] = 0


def unit(levels):
    return levels.astype(np.float32) / np.float32(65535)


def other_png(levels, interlaced=False):
    """By pypng, whose filters are all 'none'; interlaced it goes through Adam7."""
    encoded = BytesIO()
    height, width, channels = levels.shape
    writer = png.Writer(
        width, height, greyscale=False, alpha=channels == 4, bitdepth=16, interlace=interlaced
    )
    writer.write_array(encoded, levels.ravel())
    return encoded.getvalue()


def other_tiff(levels, **options):
    encoded = BytesIO()
    if levels.shape[-1] == 4:
        options.setdefault("extrasamples", ["unassalpha"])
    tifffile.imwrite(encoded, levels, photometric="rgb", metadata=None, **options)
    return encoded.getvalue()


def check_read(path, levels):
    picture = read_picture(path)
    if levels.shape[2] == 3:
        np.testing.assert_array_equal(picture.pixels, unit(levels))
        return
    alpha = unit(levels[..., 3])
    np.testing.assert_array_equal(picture.alpha, alpha)
    over_white = unit(levels[..., :3]) * alpha[..., None] + (1 - alpha[..., None])
    np.testing.assert_array_equal(picture.pixels, over_white)


@pytest.mark.parametrize("levels", [DEEP, WITH_ALPHA], ids=["RGB", "RGBA"])
@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_by_pypng_is_read_at_full_depth(tmp_path, levels, interlaced):
    check_read(written(other_png(levels, interlaced), tmp_path / "a.png"), levels)


@pytest.mark.parametrize("levels", [DEEP, WITH_ALPHA], ids=["RGB", "RGBA"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"compression": "zlib", "predictor": True, "tile": (16, 16)}]
)
def test_a_tiff_by_tifffile_is_read_at_full_depth(tmp_path, levels, order, options):
    check_read(written(other_tiff(levels, byteorder=order, **options), tmp_path / "a.tif"), levels)


def test_png_filters_and_a_transparent_color_by_hand(tmp_path):
    """Rows filtered by 'sub' and 'up' (PNG 3, section 9.2), which act on bytes six apart."""
    raw = DEEP.astype(">u2").view(np.uint8).reshape(17, -1)
    sub, up = raw.copy(), raw.copy()
    sub[:, 6:] -= raw[:, :-6]
    up[1:] -= raw[:-1]
    filtered = b"".join(
        bytes([1 + row % 2]) + (sub if row % 2 == 0 else up)[row].tobytes() for row in range(17)
    )
    transparent = png_chunk(b"tRNS", struct.pack(">3H", *DEEP[3, 4]))
    content = handmade_png(20, 17, 16, 2, [], transparent)
    place, end = content.index(b"IDAT") - 4, content.index(b"IEND") - 4
    content = content[:place] + png_chunk(b"IDAT", zlib.compress(filtered)) + content[end:]
    picture = read_picture(written(content, tmp_path / "a.png"))
    assert picture.alpha is not None
    assert np.argwhere(picture.alpha == 0).tolist() == [[3, 4]]
    opaque = picture.alpha == 1
    np.testing.assert_array_equal(picture.pixels[opaque], unit(DEEP)[opaque])


def test_premultiplied_alpha_is_divided_out_at_16_bits(tmp_path):
    opacity = np.full((17, 20, 1), 13107)  # a fifth
    levels = np.dstack([DEEP // 5, opacity]).astype(np.uint16)
    picture = read_picture(written(other_tiff(levels, extrasamples=["assocalpha"]), tmp_path / "a.tif"))
    expected = np.clip(unit(DEEP // 5), 0, 0.2) + 0.8  # over white: premultiplied + 1 - alpha
    np.testing.assert_allclose(picture.pixels, expected, atol=2e-7)


def test_channels_stored_apart(tmp_path, caplog):
    apart = np.moveaxis(DEEP, 2, 0)
    plain = written(other_tiff(apart, planarconfig="separate"), tmp_path / "a.tif")
    check_read(plain, DEEP)
    packed = written(other_tiff(apart, planarconfig="separate", compression="zlib"), tmp_path / "b.tif")
    np.testing.assert_array_equal(
        read_picture(packed).pixels, (DEEP >> 8).astype(np.float32) / np.float32(255)
    )
    assert "read at 8 bits: save them interleaved" in caplog.text


def test_a_turned_picture_is_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # the first row of the file is the right side: turn clockwise
    chunk = png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    rows = [row.astype(">u2").tobytes() for row in DEEP]
    turned = written(handmade_png(20, 17, 16, 2, rows, chunk), tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(turned).pixels, unit(np.rot90(DEEP, -1)))
    for planar in ("contig", "separate"):
        levels = DEEP if planar == "contig" else np.moveaxis(DEEP, 2, 0)
        content = other_tiff(levels, planarconfig=planar, extratags=[(274, 3, 1, 6, True)])
        path = written(content, tmp_path / f"{planar}.tif")
        np.testing.assert_array_equal(read_picture(path).pixels, unit(np.rot90(DEEP, -1)))


def test_adobe_rgb_becomes_srgb_at_full_depth(tmp_path):
    """Against the published primaries and formulas; the file rounds its primaries to 16 bits of fraction."""
    profile = rgb_profile(ADOBE_TO_D50, ADOBE_GAMMA)
    content = other_tiff(DEEP, iccprofile=profile)
    linear = (DEEP / 65535) ** ADOBE_GAMMA
    expected = encoded_srgb(linear @ (np.linalg.inv(SRGB_TO_D50) @ ADOBE_TO_D50).T)
    pixels = read_picture(written(content, tmp_path / "a.tif")).pixels
    # primaries off by 2^-17 are magnified by sRGB's slope near black, 12.92, and by the inverse matrix
    np.testing.assert_allclose(pixels, expected, atol=3e-4)
    assert np.abs(pixels - expected).mean() < 1 / 65535
    as_8_bits = np.asarray(Image.fromarray((DEEP >> 8).astype(np.uint8)))
    Image.fromarray(as_8_bits).save(tmp_path / "b.png", icc_profile=profile)
    np.testing.assert_allclose(pixels, read_picture(tmp_path / "b.png").pixels, atol=0.03)


@pytest.mark.parametrize("make", [other_png, other_tiff])
def test_what_is_cut_short_is_refused(tmp_path, make):
    content = make(DEEP)
    with pytest.raises(InputError, match="damaged or cut short"):
        read_picture(written(content[: len(content) * 2 // 3], tmp_path / "a.png"))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_what_is_written_other_libraries_read_exactly(tmp_path, suffix, with_alpha):
    levels = WITH_ALPHA if with_alpha else DEEP
    path = tmp_path / f"a{suffix}"
    alpha = unit(levels[..., 3]) if with_alpha else None
    notes = {"nst_tf": "seed: 7", "artist": "画家"}
    for _ in range(2):
        write_picture(path, unit(levels[..., :3]), notes, alpha, FileForm(bits=16))
        assert read_metadata(path) == notes
    if suffix == ".png":
        width, height, rows, facts = png.Reader(bytes=path.read_bytes()).read()
        found = np.vstack([np.asarray(row, np.uint16) for row in rows]).reshape(height, width, -1)
        assert facts["bitdepth"] == 16
    else:
        found = tifffile.imread(path)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, levels)
    check_read(path, levels)
    first = path.read_bytes()
    write_picture(path, unit(levels[..., :3]), notes, alpha, FileForm(bits=16))
    assert path.read_bytes() == first


def test_rounding_to_16_bits():
    every = np.arange(65536, dtype=np.float32) / np.float32(65535)
    np.testing.assert_array_equal(levels_of(every, 16), np.arange(65536))
    np.testing.assert_array_equal(rounded(every, 16), every)
    values = np.array([-1, 0.49 / 65535, 0.51 / 65535, 2])
    np.testing.assert_array_equal(levels_of(values, 16), [0, 0, 1, 65535])


def test_depths_that_no_file_holds(tmp_path):
    for name in ("a.jpg", "a.webp"):
        with pytest.raises(InputError, match=r"record\.bits=16 can't be kept in .*\.png or \.tif"):
            check_bits(name, 16)
        with pytest.raises(InputError, match="8 bits a channel"):
            write_picture(tmp_path / name, unit(DEEP), form=FileForm(bits=16))
    with pytest.raises(InputError, match="8 or 16, but is 12"):
        check_bits("a.png", 12)
    assert list(tmp_path.iterdir()) == []
