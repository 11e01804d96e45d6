"""AVIF, HEIC, raw pictures, floating point; and what is said of files that are no pictures."""

from __future__ import annotations

import io
import struct
import sys
import tarfile
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from handmade_files import ADOBE_GAMMA, ADOBE_TO_D50, LEVELS, rgb_profile, unit, written
from PIL import Image, features
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from nst_tf.errors import InputError
from nst_tf.images.exif import carried_exif
from nst_tf.images.frames import frames_of_file
from nst_tf.images.icc import profile_of_picture
from nst_tf.images.read import read_picture
from nst_tf.images.tiff import FloatTiff, float_samples

SMOOTH = np.repeat(np.linspace(30, 220, 96).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
FLOATS = np.random.default_rng(3).random((20, 24, 3), dtype=np.float32)


def encoded(image_format, **options):
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).save(buffer, image_format, **options)
    return buffer.getvalue()


def heic():
    pytest.importorskip("pillow_heif").register_heif_opener()
    return encoded("HEIF", quality=90)


def tiff(*pages, **options):
    """A TIFF of pages (samples, options of tifffile)."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as writer:
        for samples, of_page in pages:
            writer.write(samples, metadata=None, **of_page)
    return buffer.getvalue()


def with_tags(content, tags):
    """A little-endian TIFF of one page with these tags, each one number, in a new directory at its end."""
    first = int.from_bytes(content[4:8], "little")
    count = int.from_bytes(content[first : first + 2], "little")
    old = (content[first + 2 + 12 * index :][:12] for index in range(count))
    entries = {int.from_bytes(entry[:2], "little"): entry for entry in old}
    entries |= {tag: struct.pack("<HHII", tag, 4, 1, number) for tag, number in tags.items()}
    directory = struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    return content[:4] + len(content).to_bytes(4, "little") + content[8:] + directory


def grid(height, width, color):
    return np.full((height, width, 3), color, np.uint8)


# AVIF and HEIC


@pytest.mark.parametrize("make", [lambda: encoded("AVIF", quality=90), heic], ids=["AVIF", "HEIC"])
@pytest.mark.parametrize("name", ["a.avif", "IMG_1.jpg"])
def test_what_phones_save_is_read_whatever_it_is_called(tmp_path, make, name):
    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    picture = read_picture(written(make(), tmp_path / name))
    np.testing.assert_allclose(picture.pixels, SMOOTH / 255, atol=12 / 255)
    assert np.abs(picture.pixels - SMOOTH / 255).mean() < 2 / 255


def test_a_turned_heic_is_upright_once_and_keeps_its_camera(tmp_path):
    pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif[274], exif[271] = 6, "Maker"
    content = encoded("HEIF", quality=90, exif=exif.tobytes())
    picture = read_picture(written(content, tmp_path / "a.heic"))
    assert (picture.height, picture.width) == (96, 64)
    assert picture.pixels[5].mean() < picture.pixels[-5].mean()  # the dark left side is now above
    assert dict(carried_exif(content, "a.heic")) == {271: "Maker", 274: 1}


def test_without_a_decoder_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    content = heic()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match=r"a\.jpg is an HEIC picture.*pip install 'nst_tf\[heic\]'"):
        read_picture(written(content, tmp_path / "a.jpg"))
    content = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"
    monkeypatch.setattr(features, "check", lambda feature: False)
    with pytest.raises(InputError, match=r"b\.jpg is an AVIF picture.*pip install -U 'pillow>=11\.3'"):
        read_picture(written(content, tmp_path / "b.jpg"))


# the largest page


PREVIEW = (grid(48, 64, 200), {"photometric": "rgb"})
PAGES = {
    "a page after it": tiff(PREVIEW, (grid(480, 640, 100), {"photometric": "rgb"})),
    "of three": tiff(PREVIEW, (grid(480, 640, 100), {"photometric": "rgb"}), PREVIEW),
    "in a BigTIFF": tiff(PREVIEW, (grid(480, 640, 100), {"photometric": "rgb"}), bigtiff=True),
    "big-endian": tiff(PREVIEW, (grid(480, 640, 100), {"photometric": "rgb"}), byteorder=">"),
    "a page below it": tiff(
        (PREVIEW[0], {"photometric": "rgb", "subifds": 1, "subfiletype": 1}),
        (grid(480, 640, 100), {"photometric": "rgb"}),
    ),
    "a mask that is larger": tiff(
        PREVIEW,
        (grid(480, 640, 100), {"photometric": "rgb"}),
        (np.zeros((960, 1280), bool), {"photometric": "mask", "subfiletype": 4}),
    ),
    "of 16 bits": tiff(PREVIEW, (grid(480, 640, 100).astype(np.uint16) * 257, {"photometric": "rgb"})),
    "of floating point": tiff(
        PREVIEW, (np.full((480, 640, 3), 100 / 255, np.float32), {"photometric": "rgb"})
    ),
}


@pytest.mark.parametrize("case", PAGES)
def test_the_largest_page_is_read_where_the_first_is_a_preview(tmp_path, caplog, case):
    picture = read_picture(written(PAGES[case], tmp_path / f"{case}.dng"))
    assert picture.pixels.shape == (480, 640, 3)
    np.testing.assert_allclose(picture.pixels, 100 / 255, atol=1e-6)
    assert picture.file == PAGES[case]
    (line,) = caplog.messages
    assert line.endswith(
        "its largest page, 480 x 640 pixels, is read; the first is a preview, 48 x 64 pixels"
    )


def test_pages_of_one_document_begin_with_the_first(tmp_path, caplog):
    pages = [(grid(100, 80, level), {"photometric": "rgb"}) for level in (10, 20)]
    pages.append((grid(110, 88, 30), {"photometric": "rgb"}))
    assert read_picture(written(tiff(*pages), tmp_path / "a.tif")).pixels.max() == np.float32(10 / 255)
    assert caplog.messages == []


@pytest.mark.parametrize("photometric", [32803, 34892])
def test_a_raw_picture_must_be_developed(tmp_path, photometric):
    sensor = np.zeros((480, 640, 3) if photometric == 34892 else (480, 640), np.uint16)
    content = tiff(
        (PREVIEW[0], {"photometric": "rgb", "subifds": 1}),
        (sensor, {"photometric": photometric, "extratags": [(33421, 3, 2, (2, 2), True)]}),
    )
    with pytest.raises(InputError, match=r"a\.dng is a camera's raw picture .*480 x 640.*export it") as told:
        read_picture(written(content, tmp_path / "a.dng"))
    assert "\n" not in str(told.value)


def test_pages_in_a_circle_end(tmp_path):
    content = bytearray(tiff((LEVELS, {"photometric": "rgb"}), (LEVELS, {"photometric": "rgb"})))
    first = int.from_bytes(content[4:8], "little")
    count = int.from_bytes(content[first : first + 2], "little")
    content[first + 2 + 12 * count :][:4] = content[4:8]
    end = first + 2 + 12 * count
    content[end : end + 4] = content[4:8]
    np.testing.assert_array_equal(
        read_picture(written(bytes(content), tmp_path / "a.tif")).pixels, unit(LEVELS)
    )


# floating point


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib", "rowsperstrip": 7},
        {"compression": "zlib", "tile": (16, 16)},
        {"planarconfig": "separate"},
    ],
    ids=["plain", "deflated", "tiled", "apart"],
)
def test_floats_in_0_to_1_are_read_as_they_are(tmp_path, kind, order, options):
    samples = FLOATS.astype(kind)
    stored = np.moveaxis(samples, 2, 0) if "planarconfig" in options else samples
    content = tiff((stored, {"photometric": "rgb", **options}), byteorder=order)
    picture = read_picture(written(content, tmp_path / "a.tif"))
    np.testing.assert_array_equal(picture.pixels, samples.astype(np.float32))


@pytest.mark.parametrize("predictor", [1, 2, 3])
def test_differences_are_added_up_as_libtiff_wrote_them(predictor):
    """Pillow's libtiff writes one channel alone, which Pillow reads itself."""
    buffer = BytesIO()
    Image.fromarray(FLOATS[..., 0]).save(
        buffer, "TIFF", compression="tiff_adobe_deflate", tiffinfo={317: predictor}
    )
    content = buffer.getvalue()
    tags = ImageFileDirectory_v2(content[:8])
    buffer.seek(tags.next)
    tags.load(buffer)
    assert tags[317] == predictor
    samples, _, _ = float_samples(FloatTiff(content, {tag: tags[tag] for tag in tags}, "<", 24, 20), "a.tif")
    np.testing.assert_array_equal(samples[..., 0], FLOATS[..., 0])


def test_differences_of_bytes_of_three_channels(tmp_path):
    """Adobe's technical note 3 by hand: a row has all first bytes, then all second ones; each less the third
    before it, for there are three channels."""
    rows = FLOATS.astype(">f4").view(np.uint8).reshape(20, 72, 4).transpose(0, 2, 1).reshape(20, 288)
    stored = rows.copy()
    stored[:, 3:] -= rows[:, :-3]
    content = tiff((stored.view("<f4").reshape(20, 24, 3), {"photometric": "rgb"}))
    picture = read_picture(written(with_tags(content, {317: 3}), tmp_path / "a.tif"))
    np.testing.assert_array_equal(picture.pixels, FLOATS)


def test_floats_with_alpha_turned_and_in_adobe_rgb(tmp_path):
    alpha = np.full((20, 24, 1), 0.5, np.float32)
    tags = [(274, 3, 1, 6, True)]
    content = tiff(
        (
            np.dstack([FLOATS, alpha]),
            {"photometric": "rgb", "extrasamples": ["unassalpha"], "extratags": tags},
        )
    )
    picture = read_picture(written(content, tmp_path / "a.tif"))
    np.testing.assert_allclose(picture.pixels, np.rot90(FLOATS, -1) * 0.5 + 0.5, atol=1e-6)
    assert picture.alpha is not None
    assert (picture.alpha == 0.5).all()
    profile = rgb_profile(ADOBE_TO_D50, ADOBE_GAMMA)
    floats = tiff((FLOATS, {"photometric": "rgb", "iccprofile": profile}))
    deep = tiff((np.rint(FLOATS * 65535).astype(np.uint16), {"photometric": "rgb", "iccprofile": profile}))
    read = [read_picture(written(one, tmp_path / "b.tif")).pixels for one in (floats, deep)]
    np.testing.assert_allclose(*read, atol=2e-3)
    assert np.abs(read[0] - read[1]).mean() < 1e-5
    assert profile_of_picture(floats).icc == profile


@pytest.mark.parametrize("value", [1.5, -0.25, np.nan, np.inf])
def test_other_floats_are_one_sentence(tmp_path, value):
    samples = FLOATS.copy()
    samples[3, 4, 1] = value
    content = tiff((samples, {"photometric": "rgb"}))
    with pytest.raises(InputError, match=r"a TIFF of 32-bit floating point.*0 to 1.*16 bits a channel"):
        read_picture(written(content, tmp_path / "a.tif"))


def test_damaged_floats_are_refused_within_the_memory_of_the_picture(tmp_path):
    content = tiff((FLOATS, {"photometric": "rgb", "compression": "zlib"}))
    with pytest.raises(InputError, match="damaged or cut short"):
        read_picture(written(content[: len(content) // 2], tmp_path / "a.tif"))
    bomb = zlib.compress(bytes(100_000_000))
    content = with_tags(content + bomb, {273: len(content), 279: len(bomb)})
    tracemalloc.start()
    try:
        assert read_picture(written(content, tmp_path / "b.tif")).pixels.max() == 0
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_frames_in_an_archive_keep_their_depth(tmp_path):
    frames = [tiff((FLOATS * part, {"photometric": "rgb"})) for part in (1, 0.5)]
    with tarfile.open(tmp_path / "frames.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
        for number, frame in enumerate(frames, 1):
            entry = tarfile.TarInfo(f"{number:06d}.tif")
            entry.size = len(frame)
            archive.addfile(entry, BytesIO(frame))
    read = frames_of_file(tmp_path / "frames.tar")
    for index, part in enumerate((1, 0.5)):
        np.testing.assert_array_equal(read.read(index).pixels, FLOATS * np.float32(part))
