from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nst_tf.errors import InputError
from nst_tf.images.icc import srgb_profile
from nst_tf.images.pixels import rounded
from nst_tf.images.read import read_picture
from nst_tf.images.write import check_suffix, read_metadata, write_picture

PIXELS = np.random.default_rng(0).random((20, 24, 3), dtype=np.float32)
SMOOTH = np.stack(
    [*np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 1, 40)), np.full((40, 48), 0.5)], axis=-1
)
SUFFIXES = [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"]
NOTES = {"seed": "7", "command": "nst content=a.png\nstyle=b.png", "artist": "Bögen 画家 🎨", "empty": ""}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".PNG"])
def test_a_lossless_file_gives_back_the_rounded_pixels_exactly(tmp_path, suffix):
    beyond = PIXELS * 1.4 - 0.2
    path = tmp_path / f"a{suffix}"
    write_picture(path, beyond)
    expected = rounded(beyond)
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(read_picture(path).pixels, expected)
    assert np.abs(expected - np.clip(beyond, 0, 1)).max() <= 0.5 / 255 + 1e-6


def test_rounding_is_half_up_and_clipped():
    # k / 255 + 1 / 510 lies halfway between two levels; in double precision the halves of these are exact.
    halves = (np.arange(4) + 0.5) / 255
    exact = halves * 255 == np.arange(4) + 0.5
    assert exact.any()
    np.testing.assert_array_equal((rounded(halves) * 255).round()[exact], (np.arange(4) + 1)[exact])
    values = np.array([-3.0, 0.49999997 / 255, 0.5000001 / 255, 1.0, 7.0])
    np.testing.assert_array_equal(
        rounded(values), np.array([0, 0, 1, 255, 255], np.float32) / np.float32(255)
    )
    levels = np.arange(256, dtype=np.float32) / np.float32(255)
    np.testing.assert_array_equal(rounded(levels), levels)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_what_its_suffix_says(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_picture(str(path), SMOOTH)
    formats = {
        ".png": "PNG",
        ".jpg": "JPEG",
        ".jpeg": "JPEG",
        ".webp": "WEBP",
        ".tif": "TIFF",
        ".tiff": "TIFF",
    }
    with Image.open(path) as image:
        assert image.format == formats[suffix]
        assert image.mode == "RGB"
        assert image.info["icc_profile"] == srgb_profile()
    np.testing.assert_allclose(read_picture(path).pixels, SMOOTH, atol=10 / 255)


def test_jpeg_keeps_full_color_resolution(tmp_path):
    path = tmp_path / "a.jpg"
    write_picture(path, SMOOTH)
    with Image.open(path) as image:
        assert [component[1:3] for component in image.layer] == [(1, 1)] * 3  # sampling of Y, Cb and Cr
        reference = np.array(image.quantization[0])
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "b.jpg", quality=95)
    with Image.open(tmp_path / "b.jpg") as image:
        np.testing.assert_array_equal(image.quantization[0], reference)


def test_tiff_is_deflated(tmp_path):
    write_picture(tmp_path / "a.tif", SMOOTH)
    with Image.open(tmp_path / "a.tif") as image:
        assert image.info["compression"] == "tiff_adobe_deflate"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_picture_is_the_same_file(tmp_path, suffix):
    for name in ("a", "b"):
        write_picture(tmp_path / f"{name}{suffix}", SMOOTH, NOTES)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert names_in(tmp_path) == [f"a{suffix}", f"b{suffix}"]
    assert srgb_profile()[24:36] == bytes([7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])  # 2000-01-01


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_metadata_come_back(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_picture(path, PIXELS, NOTES)
    assert read_metadata(path) == NOTES
    write_picture(path, PIXELS)
    assert read_metadata(str(path)) == {}


@given(
    notes=st.dictionaries(
        st.from_regex(r"[!-~]{1,10}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    )
)
@settings(max_examples=10)
def test_any_text_comes_back_from_every_format(tmp_path_factory, notes):
    folder = tmp_path_factory.mktemp("notes")
    for suffix in (".png", ".jpg", ".webp", ".tif"):
        write_picture(folder / f"a{suffix}", PIXELS[:2, :2], notes)
        assert read_metadata(folder / f"a{suffix}") == notes


def test_metadata_stand_where_other_programs_look(tmp_path):
    write_picture(tmp_path / "a.png", PIXELS, NOTES)
    content = (tmp_path / "a.png").read_bytes()
    assert b"tEXtseed\x007" in content
    assert b"iTXtartist\0" in content
    for suffix in (".jpg", ".webp", ".tif"):
        write_picture(tmp_path / f"a{suffix}", PIXELS, NOTES)
        with Image.open(tmp_path / f"a{suffix}") as image:
            assert json.loads(image.getexif()[270]) == NOTES


def test_another_program_s_description_is_no_metadata(tmp_path):
    for number, description in enumerate(("OLYMPUS DIGITAL CAMERA", "[1, 2]", "[" * 50_000, "3")):
        exif = Image.Exif()
        exif[270] = description
        path = tmp_path / f"{number}.jpg"
        Image.new("RGB", (16, 16)).save(path, exif=exif)
        assert read_metadata(path) == {}
    with pytest.raises(InputError, match="does not exist"):
        read_metadata(tmp_path / "gone.png")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_is_kept(tmp_path, suffix):
    alpha = np.linspace(0, 1, 40 * 48).reshape(40, 48)
    path = tmp_path / f"a{suffix}"
    write_picture(path, SMOOTH, alpha=alpha)
    picture = read_picture(path)
    np.testing.assert_allclose(picture.alpha, alpha, atol=0.51 / 255)
    loss = 8 / 255 if suffix == ".webp" else 1 / 255
    np.testing.assert_allclose(picture.pixels, SMOOTH * alpha[..., None] + 1 - alpha[..., None], atol=loss)


def test_jpeg_lays_alpha_over_white(tmp_path):
    path = tmp_path / "a.jpg"
    write_picture(path, np.zeros((32, 32, 3)), alpha=np.full((32, 32), 0.25))
    picture = read_picture(path)
    assert picture.alpha is None
    np.testing.assert_allclose(picture.pixels, 0.75, atol=1.5 / 255)


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.txt", "a.", ".png", "a.jp2"])
def test_other_suffixes_are_refused_before_any_work(tmp_path, name):
    for refused in (lambda: check_suffix(name), lambda: write_picture(tmp_path / name, PIXELS)):
        with pytest.raises(InputError, match=r"\.png, \.jpg \(\.jpeg\), \.webp or \.tif \(\.tiff\)"):
            refused()
    assert names_in(tmp_path) == []


def test_the_four_formats_pass_in_any_case():
    for suffix in SUFFIXES:
        check_suffix(f"folder/a{suffix}")
        check_suffix(f"folder/a{suffix.upper()}")


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (PIXELS[..., 0], {}, r"\(20, 24\)"),
        (PIXELS[None], {}, r"\(1, 20, 24, 3\)"),
        (PIXELS[..., :2], {}, r"\(20, 24, 2\)"),
        (PIXELS[:0], {}, r"\(0, 24, 3\)"),
        (PIXELS * np.nan, {}, "not finite"),
        (np.full((16, 16, 3), np.inf), {}, "not finite"),
        (PIXELS, {"alpha": np.ones((24, 20))}, r"\(24, 20\)"),
        (PIXELS, {"alpha": np.full((20, 24), np.nan)}, "not finite"),
        (PIXELS, {"metadata": {"": "a"}}, "''"),
        (PIXELS, {"metadata": {"k" * 80: "a"}}, "kkk"),
        (PIXELS, {"metadata": {"a\nb": "a"}}, "printable"),
        (PIXELS, {"metadata": {"ä": "a"}}, "ASCII"),
        (PIXELS, {"metadata": {"a": "\ud800"}}, "valid Unicode"),
        (PIXELS, {"metadata": {"a": 3}}, "received 3"),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, pixels, options, message, suffix):
    with pytest.raises(InputError, match=message):
        write_picture(tmp_path / f"a{suffix}", pixels, **options)
    assert names_in(tmp_path) == []


def test_the_limits_of_the_formats(tmp_path):
    wide = np.zeros((1, 16384, 3), np.float32)
    with pytest.raises(InputError, match=r"1 x 16384 pixels.*at most 16383"):
        write_picture(tmp_path / "a.webp", wide)
    write_picture(tmp_path / "a.webp", wide[:, :-1])
    with pytest.raises(InputError, match=r"65501.*at most 65500"):
        write_picture(tmp_path / "a.jpg", np.zeros((65501, 1, 3), np.float32))
    write_picture(tmp_path / "a.jpg", np.zeros((65500, 1, 3), np.float32))
    with pytest.raises(InputError, match="bytes of metadata"):
        write_picture(tmp_path / "b.jpg", PIXELS, {"log": "x" * 65533})
    write_picture(tmp_path / "b.png", PIXELS, {"log": "x" * 3_000_000, "unicode": "画" * 500_000})
    assert len(read_metadata(tmp_path / "b.png")["log"]) == 3_000_000


def test_folders_that_cannot_take_the_file(tmp_path):
    with pytest.raises(InputError, match=r"gone.a\.png cannot be written \(No such file"):
        write_picture(tmp_path / "gone" / "a.png", PIXELS)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_picture(tmp_path / "folder.png", PIXELS)
    assert names_in(tmp_path) == ["folder.png"]


def test_a_failure_while_writing_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_picture(path, PIXELS)
    before = path.read_bytes()

    def half_written(self, target, *args, **options):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", half_written)
    with pytest.raises(InputError, match="No space left"):
        write_picture(path, 1 - PIXELS)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["a.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_file_can_be_read_by_others_as_the_umask_says(tmp_path):
    old = os.umask(0o022)
    try:
        write_picture(tmp_path / "a.png", PIXELS)
    finally:
        os.umask(old)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o644
