from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from handmade_files import ADOBE_GAMMA, ADOBE_TO_D50, DEEP, LEVELS, png, rgb_profile, saved, tiff, written
from PIL import Image, ImageFile

from nst_tf.errors import InputError
from nst_tf.images.read import picture_from_pillow, read_picture


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
