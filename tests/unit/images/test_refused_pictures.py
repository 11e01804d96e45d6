from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from handmade_files import (
    ADOBE_GAMMA,
    ADOBE_TO_D50,
    DEEP,
    LEVELS,
    png,
    rgb_profile,
    saved,
    tiff,
    written,
)
from PIL import Image, ImageFile

from nst_tf.errors import InputError
from nst_tf.images.read import picture_from_array, picture_from_pillow, read_picture

Make = Callable[[Path], Path | str]
"""Makes a file in a folder; returns what is to be read."""


def holding(name: str, content: bytes) -> Make:
    return lambda folder: written(content, folder / name)


def float_tiff(odd: float) -> bytes:
    """Of numbers in [0, 1], but for one."""
    values = np.full((16, 18), 0.5, np.float32)
    values[3, 3] = odd
    return tiff(values.tobytes(), 18, 16, 32, 1, 3)


# case: (what makes it, what the sentence must say)
BAD_FILES: dict[str, tuple[Make, str]] = {
    "nothing": (lambda folder: folder / "gone.png", r"gone\.png does not exist"),
    "a folder": (lambda folder: folder, "is a folder"),
    "a device": (lambda folder: "/dev/null", "no regular file"),
    "a name that is too long": (lambda folder: folder / ("a" * 5000), "aaa"),
    "a name with a null": (lambda folder: "nul\0byte.png", "byte.png"),
    "no bytes": (holding("a.png", b""), "0 bytes"),
    "text": (holding("text.png", b"not a picture at all"), r"text\.png is not a picture"),
    "PostScript, which is a program": (
        holding("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n"),
        "not a picture",
    ),
    "32-bit integers beyond 16 bits": (
        holding("a.tif", tiff(np.full((16, 16), 70000, "<i4").tobytes(), 16, 16, 32, 1, 2)),
        "70000 where 0 to 65535",
    ),
    **{
        f"a float of {shown}": (
            holding("b.tif", float_tiff(odd)),
            rf"b\.tif holds float values.*{shown}.*rescale",
        )
        for odd, shown in ((255.0, "255"), (-0.5, "-0.5"), (np.nan, "nan"))
    },
}


@pytest.mark.parametrize(("make", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_refused(make, said, tmp_path):
    with pytest.raises(InputError, match=said):
        read_picture(make(tmp_path))


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


def test_a_bomb_below_the_limit_is_refused_by_the_bytes_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoding was tried"))
    bomb = png(5_000, 5_000, 8, 2, [zlib.compress(b"")])
    with pytest.raises(InputError, match=r"declares 25,000,000 pixels in .* more than 200 a byte"):
        read_picture(written(bomb, tmp_path / "a.png"))


def test_what_libtiff_prints_of_a_damaged_file_is_logged(tmp_path, caplog, capfd):
    """Its decoder complains on standard error of every row of a damaged fax, and goes on."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 2, (40, 64), dtype=np.uint8)
    Image.fromarray(255 * noise).convert("1").save(buffer, "TIFF", compression="group4")
    damaged = bytearray(buffer.getvalue())
    damaged[40:44] = b"\xff\xff\xff\xff"
    damaged[100:104] = b"\0\0\0\0"
    assert read_picture(written(bytes(damaged), tmp_path / "a.tif")).width == 64
    assert "Fax4Decode" in caplog.text
    assert "parts of it are damaged" in caplog.text
    (line,) = caplog.messages
    assert "\n" not in line
    assert capfd.readouterr().err == ""
    read_picture(saved(Image.fromarray(LEVELS), tmp_path / "sound.tif"))
    assert len(caplog.messages) == 1


def test_a_large_photograph_below_the_limit_does_not_warn(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)  # Pillow warns from 300 to 600 pixels
    path = saved(Image.fromarray(LEVELS), tmp_path / "a.png")
    with pytest.warns(Image.DecompressionBombWarning), Image.open(path):
        pass
    read_picture(path)  # pytest makes an error of any warning
    assert caplog.text == ""


@pytest.mark.parametrize(
    "error",
    [
        OSError,
        SyntaxError,
        ValueError,
        struct.error,
        EOFError,
        zlib.error,
        MemoryError,
        OverflowError,
        IndexError,
        KeyError,
        TypeError,
        ZeroDivisionError,
        RecursionError,
        AttributeError,
    ],
)
def test_whatever_a_decoder_raises_is_a_refusal(tmp_path, monkeypatch, error):
    def broken(self):
        raise error("two\nlines")

    # a picture that no other test reads: what was decoded once is not decoded again
    path = saved(Image.fromarray(LEVELS[::-1, ::-1]), tmp_path / "a.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", broken)
    with pytest.raises(InputError, match=rf"a\.png cannot be decoded \({error.__name__}: .*two.*lines"):
        read_picture(path)


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
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path, monkeypatch, name):
    # A damaged header may declare an honest but huge picture, which would be decoded for half a minute.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500_000)
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


def test_a_picture_that_does_not_fit_into_the_memory_is_refused_by_its_header(tmp_path, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("was decoded"))
    large = written(png(5_000, 5_000, 8, 2, [random.Random(0).randbytes(200_000)]), tmp_path / "a.png")
    monkeypatch.setattr("nst_tf.images.opening.free_bytes", lambda: 300 << 20)
    with pytest.raises(InputError, match=r"5000 x 5000 pixels, which take 0\.5 GiB.* 0\.3 GiB are free"):
        read_picture(large)


def test_cielab_is_refused():
    with pytest.raises(InputError, match="CIELAB"):
        picture_from_pillow(Image.new("LAB", (16, 16)))


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


OTHERS = {
    b"%PDF-1.7\n": "a PDF document",
    b"8BPS\0\1" + bytes(20): "a Photoshop file",
    b"\0\0\0\x0cjP  \r\n\x87\n": "a JPEG 2000",
    b"\0\0\0\x0cJXL \r\n\x87\n": "a JPEG XL",
    b"\x76\x2f\x31\x01\x02\0\0\0": "an OpenEXR picture",
    b"#?RADIANCE\n": "a Radiance HDR picture",
    b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>': "a drawing",
    b"<!DOCTYPE html>\n<html><body>404": "a web page",
    b"\0\0\0\x20ftypisom\0\0\2\0": "a video",
    b"\0\0\0\x18ftypcrx \0\0\0\1": "a Canon camera's raw picture",
    b"FUJIFILMCCD-RAW 0201": "a Fujifilm camera's raw picture",
    b"PK\x03\x04\x14\0": "an archive",
    b"version https://git-lfs.github.com/spec/v1\n": "a pointer of Git LFS",
    b"\x93NUMPY\x01\0": "a NumPy array",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    "ein Bild: schön\n".encode(): "a text",
    b"\x89PNG\r\n\x1a\r": "a PNG whose beginning can't be understood",
    bytes(range(256)): "a file of an unknown kind",
}


@pytest.mark.parametrize("beginning", OTHERS, ids=OTHERS.values())
def test_what_a_file_is_that_is_no_picture(tmp_path, beginning):
    path = written(beginning, tmp_path / "a.jpg")
    with pytest.raises(InputError, match=f"not a picture that can be read, but {OTHERS[beginning]}") as told:
        read_picture(path)
    assert str(told.value).startswith(str(path))
    assert ": " in str(told.value).partition(OTHERS[beginning])[2]
