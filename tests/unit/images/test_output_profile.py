"""Results in other color spaces than sRGB."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from handmade_files import (
    ADOBE_GAMMA,
    ADOBE_TO_D50,
    SRGB_TO_D50,
    black_ink_profile,
    grey_profile,
    rgb_profile,
)
from PIL import Image, ImageCms

from nst_tf.errors import InputError
from nst_tf.images.icc import (
    SRGB,
    MatrixProfile,
    OutputProfile,
    converted,
    profile_from_file,
    profile_of_picture,
    srgb_matrix_profile,
    srgb_profile,
)
from nst_tf.images.read import read_picture
from nst_tf.images.write import FileForm, write_picture

ADOBE = rgb_profile(ADOBE_TO_D50, ADOBE_GAMMA)
PIXELS = np.random.default_rng(8).random((40, 48, 3), dtype=np.float32)
LEVELS = np.rint(PIXELS * 255).astype(np.uint8)


def with_curve(profile, curve):
    """The profile with another tag in the place of each of its curves, at its end."""
    table, start = profile[128:], len(profile)
    (count,) = struct.unpack_from(">I", table)
    entries = [struct.unpack_from(">4sII", table, 4 + 12 * index) for index in range(count)]
    entries = [
        (name, start, len(curve)) if name[1:] == b"TRC" else (name, *place) for name, *place in entries
    ]
    packed = b"".join(struct.pack(">4sII", *entry) for entry in entries)
    whole = profile[:132] + packed + profile[132 + 12 * count :] + curve
    return struct.pack(">I", len(whole)) + whole[4:]


def parametric(kind, *parameters):
    return b"para" + struct.pack(
        f">IHH{len(parameters)}i", 0, kind, 0, *(round(p * 65536) for p in parameters)
    )


def table(values):
    return b"curv" + struct.pack(f">II{len(values)}H", 0, len(values), *values)


def by_littlecms(levels, source, target):
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(BytesIO(source)),
        ImageCms.ImageCmsProfile(BytesIO(target)),
        "RGB",
        "RGB",
        flags=ImageCms.Flags.NOOPTIMIZE,
    )
    return np.asarray(ImageCms.applyTransform(Image.fromarray(levels), transform)).astype(int)


@pytest.mark.parametrize(
    "profile",
    [
        ADOBE,
        rgb_profile(SRGB_TO_D50, 1.0),
        with_curve(ADOBE, parametric(0, 2.4)),
        with_curve(ADOBE, parametric(1, 2.0, 1.1, -0.1)),
        with_curve(ADOBE, parametric(2, 2.0, 1.02, -0.02, 0.0)),
        with_curve(ADOBE, parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)),
        with_curve(ADOBE, parametric(4, 2.0, 0.9, 0.05, 0.296, 0.1, 0.01, 0.0)),
        with_curve(ADOBE, table([0, 9000, 30000, 65535])),
        with_curve(ADOBE, table([])),
    ],
    ids=["gamma", "linear", "para 0", "para 1", "para 2", "para 3", "para 4", "table", "identity"],
)
def test_curves_and_matrix_are_those_of_littlecms(profile):
    matrix = MatrixProfile.parsed(profile)
    assert matrix is not None
    ours = np.rint(converted(LEVELS.astype(np.float32) / 255, matrix, srgb_matrix_profile()) * 255)
    assert np.abs(ours - by_littlecms(LEVELS, profile, srgb_profile())).max() <= 1
    ours = np.rint(converted(LEVELS.astype(np.float32) / 255, srgb_matrix_profile(), matrix) * 255)
    assert np.abs(ours - by_littlecms(LEVELS, srgb_profile(), profile)).max() <= 1


def test_there_and_back_is_the_same_to_a_level_of_16_bits():
    matrix = MatrixProfile.parsed(ADOBE)
    back = converted(converted(PIXELS, srgb_matrix_profile(), matrix), matrix, srgb_matrix_profile())
    inside = PIXELS.min(axis=2) > 0.05  # Adobe RGB's gamma is steeper near black, where float32 ends
    assert np.abs(back - PIXELS)[inside].max() < 0.1 / 65535 * 10


@pytest.mark.parametrize(
    "damaged", [b"", ADOBE[:140], ADOBE[:300], b"\xff" * 600, ADOBE.replace(b"rXYZ", b"zzzz")]
)
def test_what_is_no_matrix_profile(damaged):
    assert MatrixProfile.parsed(damaged) is None


def test_profiles_with_tables_are_no_matrix_profiles():
    assert MatrixProfile.parsed(black_ink_profile()) is None
    assert MatrixProfile.parsed(ADOBE.replace(b"wtpt", b"A2B0")) is None
    assert MatrixProfile.parsed(grey_profile(2.2)) is None


def test_light_below_none_is_none():
    """Table 68 of ICC.1:2022 clips; LittleCMS goes on below."""
    matrix = MatrixProfile.parsed(with_curve(ADOBE, parametric(2, 2.0, 1.05, -0.02, -0.03)))
    x = np.linspace(0, 1, 65537)
    expected = np.clip(np.maximum(1.05 * x - 0.02, 0) ** 2 - 0.03, 0, 1)
    np.testing.assert_allclose(matrix.curves[0], expected, atol=5e-5)


def test_a_black_that_littlecms_would_compensate_for_is_left_to_it():
    assert MatrixProfile.parsed(with_curve(ADOBE, parametric(1, 2.0, 0.9, 0.1))) is None


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_the_profile_is_in_the_file_and_the_pixels_in_it(tmp_path, suffix):
    profile = OutputProfile("adobe.icc", ADOBE)
    profile.check(8)
    smooth = np.linspace(0.2, 0.8, 40 * 48 * 3, dtype=np.float32).reshape(40, 48, 3)
    write_picture(tmp_path / f"a{suffix}", smooth, form=FileForm(profile=profile))
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.info["icc_profile"] == ADOBE
        stored = np.asarray(image).astype(int)
    expected = by_littlecms(np.rint(smooth * 255).astype(np.uint8), srgb_profile(), ADOBE)
    assert np.abs(stored - expected).max() <= (2 if suffix in (".png", ".tif") else 8)
    assert np.abs(stored - smooth * 255).max() > 3  # something was converted
    np.testing.assert_allclose(read_picture(tmp_path / f"a{suffix}").pixels, smooth, atol=8 / 255)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_in_another_space_come_back(tmp_path, suffix):
    form = FileForm(16, OutputProfile("adobe.icc", ADOBE))
    form.profile.check(16)
    path = tmp_path / f"a{suffix}"
    write_picture(path, PIXELS, form=form)
    error = np.abs(read_picture(path).pixels - PIXELS)[PIXELS.min(axis=2) > 0.02]
    assert error.mean() < 1 / 65535
    # the darkest channel is a difference of rounded bright ones, 1.4 of red less 0.4 of green, times sRGB's
    # slope of 12.92 and the gamma: 1.4 * 2.2 * 12.92 / 2 levels
    assert error.max() < 20 / 65535


def test_srgb_under_another_name_leaves_pixels_alone(tmp_path):
    alias = OutputProfile("my.icc", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    alias.check(16)
    write_picture(tmp_path / "a.png", LEVELS / 255, form=FileForm(profile=alias))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), LEVELS)


@pytest.mark.parametrize(
    ("icc", "bits", "message"),
    [
        (b"no profile", 8, "record.profile=x.icc is no ICC profile that can be used"),
        (ADOBE[:140], 8, "x.icc"),
        (b"\0" * 20_000_000, 8, "x.icc is no ICC profile"),
        (black_ink_profile(), 8, "a profile for CMYK, and a result is RGB"),
        (grey_profile(2.2), 16, "a profile for grey, and a result is RGB"),
        (ADOBE.replace(b"wtpt", b"A2B0"), 8, "x.icc"),
    ],
)
def test_profiles_that_cannot_be_used(icc, bits, message):
    with pytest.raises(InputError, match=message):
        OutputProfile("x.icc", icc).check(bits)


def test_files_and_pictures_that_hold_a_profile(tmp_path):
    (tmp_path / "a.icc").write_bytes(ADOBE)
    assert profile_from_file(tmp_path / "a.icc", "a.icc") == OutputProfile("a.icc", ADOBE)
    (tmp_path / "empty.icc").touch()
    for name, message in {"gone.icc": "is not a file", "empty.icc": "0 bytes", ".": "is not a file"}.items():
        with pytest.raises(InputError, match=message):
            profile_from_file(tmp_path / name, name)
    for name, options in {"plain.png": {}, "adobe.png": {"icc_profile": ADOBE}}.items():
        Image.fromarray(LEVELS).save(tmp_path / name, **options)
    assert profile_of_picture((tmp_path / "plain.png").read_bytes()) is SRGB
    assert profile_of_picture((tmp_path / "adobe.png").read_bytes()).icc == ADOBE
    assert profile_of_picture(b"") is SRGB
