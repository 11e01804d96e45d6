"""What an artist's file brings along comes out again: depth, transparency, color space, EXIF data."""

from __future__ import annotations

import hashlib
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import png
import pytest
import tifffile
from cli.command_line import SMALL, Answer, nst
from PIL import Image
from PIL.ExifTags import IFD, Base

from nst_tf import stylize
from nst_tf.compare.report import Thumbnails
from nst_tf.compare.sheet import thumbnail_of
from nst_tf.images.icc import srgb_profile
from nst_tf.images.read import read_picture
from nst_tf.images.resize import resize_mask
from nst_tf.images.write import FileForm, write_picture
from nst_tf.rerun.rerun import compare_pictures, rerun
from nst_tf.runs.saved_run import read_saved_run

pytestmark = pytest.mark.usefixtures("sizes_are_kept")

PROFILE = "Display 1.icc"


def _wide_gamut() -> bytes:
    """sRGB's curves with red and green exchanged: curves and a matrix, but none of the usual spaces."""
    profile = bytearray(srgb_profile())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 1], profile[green : green + 1] = b"g", b"r"
    return bytes(profile)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.fixture(scope="module")
def cut_out(tmp_path_factory: pytest.TempPathFactory, painting: Path) -> Path:
    """A folder with a soft disc of 16 bits a channel, lying on its side, with EXIF data; and a profile."""
    folder = tmp_path_factory.mktemp("artist")
    down, across = np.mgrid[0:48, 0:32]
    alpha = np.clip((18 - np.hypot(down - 24, across - 16)) / 6, 0, 1)
    colors = 0.5 + 0.45 * np.sin(0.3 * down[..., None] + 0.2 * across[..., None] + np.arange(3))
    levels = np.rint(np.dstack([colors, alpha]) * 65535).astype(np.uint16)
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Orientation] = "Maker", 6
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "2019:07:04 05:06:07"
    exif.get_ifd(IFD.GPSInfo)[1] = "N"
    with (folder / "disc.png").open("wb") as file:
        png.Writer(32, 48, greyscale=False, alpha=True, bitdepth=16).write_array(file, levels.ravel())
    content = (folder / "disc.png").read_bytes()
    end_of_header = 8 + 25
    chunk = _chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    (folder / "disc.png").write_bytes(content[:end_of_header] + chunk + content[end_of_header:])
    (folder / PROFILE).write_bytes(_wide_gamut())
    shutil.copy(painting, folder / "painting.png")
    return folder


@pytest.fixture(scope="module")
def answer(cut_out: Path) -> Answer:
    words = ("content=disc.png", "style=painting.png", "record.picture=a.tif", "record.bits=16")
    done = nst(cut_out, *SMALL, *words, f"record.profile={PROFILE}")
    assert done.status == 0, done.err
    return done


def test_the_file_has_depth_transparency_profile_and_exif(answer: Answer, cut_out: Path) -> None:
    path = answer.run / "a.tif"
    levels = tifffile.imread(path)
    assert levels.dtype == np.uint16
    assert levels.shape == (21, 32, 4)
    assert (levels[..., :3] % 257 != 0).mean() > 0.5  # not 8 bits in disguise
    with Image.open(path) as image:
        assert image.info["icc_profile"] == _wide_gamut()
        exif = image.getexif()
        assert exif[Base.Make] == "Maker"
        assert exif.get(Base.Orientation, 1) == 1
        assert exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2019:07:04 05:06:07"
        assert not exif.get_ifd(IFD.GPSInfo)
    content = read_picture(cut_out / "disc.png")
    assert content.pixels.shape == (32, 48, 3)  # turned upright
    np.testing.assert_allclose(levels[..., 3] / 65535, resize_mask(content.alpha, 21, 32), atol=1 / 65535)
    # red and green of this space are green and red of sRGB
    read = read_picture(path)
    opaque = levels[..., 3] == 65535
    assert opaque.sum() > 50
    expected = levels[..., [1, 0, 2]] / 65535
    np.testing.assert_allclose(read.pixels[opaque], expected[opaque], atol=2e-3)


def test_the_loss_is_that_of_the_file_laid_over_white(answer: Answer, cut_out: Path) -> None:
    """The library, told to begin with that file and to make a step that moves nothing, finds the same."""
    path = answer.run / "a.tif"
    laid = read_picture(path).pixels
    words = [*SMALL, "init=file", f"init.path={answer.run / 'laid.png'}", "record.alpha=flatten"]
    write_picture(answer.run / "laid.png", laid, form=FileForm(16))
    words += ["optimizer=sgd", "optimizer.learning_rate=1e-12", "steps=1", "record.bits=16"]
    again = stylize(cut_out / "disc.png", cut_out / "painting.png", words)
    assert again.alpha is None
    (answer.run / "laid.png").unlink()
    assert again.history[0].loss == pytest.approx(answer.summary["loss_of_saved_picture"], rel=1e-4)


def test_everything_that_reads_run_folders_takes_16_bits(answer: Answer) -> None:
    path = answer.run / "a.tif"
    assert compare_pictures(path, path).identical
    assert Thumbnails([path]).pictures
    assert thumbnail_of(path, (20, 20)) is not None


def test_the_profile_is_an_input_like_the_pictures(answer: Answer, cut_out: Path, tmp_path: Path) -> None:
    """Hashed, copied, and found by a rerun where the files are gone."""
    entry = answer.summary["inputs"]["profile"]
    sha256 = hashlib.sha256(_wide_gamut()).hexdigest()
    assert entry == {"file": PROFILE, "sha256": sha256, "copy": "inputs/profile.icc"}
    assert (answer.run / entry["copy"]).read_bytes() == _wide_gamut()
    assert (answer.run / "inputs" / "content.png").read_bytes() == (cut_out / "disc.png").read_bytes()
    moved = tmp_path / "moved"
    shutil.copytree(answer.run, moved)
    (tmp_path / "again").mkdir()
    verdict = rerun(read_saved_run(moved), tmp_path / "again", 40.0)
    assert verdict.result == "bit-identical"
    assert (tmp_path / "again" / "a.tif").exists()


def test_the_library_gives_transparency_and_depth(cut_out: Path) -> None:
    result = stylize(cut_out / "disc.png", cut_out / "painting.png", [*SMALL, "record.bits=16"])
    assert result.image.mode == "RGBA"
    assert result.alpha is not None
    np.testing.assert_array_equal(np.asarray(result.image)[..., 3], np.floor(result.alpha * 255 + 0.5))
    samples = result.pixels.astype(np.float64) * 65535
    np.testing.assert_allclose(samples, np.rint(samples), atol=0.01)
    assert (np.rint(samples) % 257 != 0).mean() > 0.5


def test_jpeg_is_laid_over_white_with_a_note(cut_out: Path) -> None:
    words = ("content=disc.png", "style=painting.png", "record.picture=a.jpg", "record.profile=content")
    done = nst(cut_out, *SMALL, *words)
    assert done.status == 0
    assert "a.jpg holds no transparency: the result is laid over white" in done.err
    with Image.open(done.run / "a.jpg") as image:
        corner = np.asarray(image)[:3, :3]
        assert image.getexif()[Base.Make] == "Maker"
    assert corner.min() > 245
