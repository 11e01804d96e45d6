from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nst_tf.errors import InputError
from nst_tf.images.resize import fit_long_side, resize


@pytest.mark.parametrize(
    ("height", "width", "size", "expected"),
    [
        (300, 400, 512, (384, 512)),
        (400, 300, 512, (512, 384)),
        (500, 500, 64, (64, 64)),
        (16, 16, 16, (16, 16)),
        (3, 4, 512, (384, 512)),  # enlarging is allowed
        (67, 200, 100, (34, 100)),  # 33.5: half up
        (65, 200, 100, (33, 100)),  # 32.5: half up, where round() would give 32
        (31, 200, 100, (16, 100)),  # 15.5 is just enough
    ],
)
def test_sizes_by_hand(height, width, size, expected):
    assert fit_long_side(height, width, size) == expected


SIDES = st.integers(1, 20_000)


@given(height=SIDES, width=SIDES, size=st.integers(1, 5000))
def test_the_size_or_the_smallest_that_works(height, width, size):
    def truth(size):
        return floor(Fraction(size * min(height, width), max(height, width)) + Fraction(1, 2))

    if truth(size) >= 16:
        fitted = fit_long_side(height, width, size)
        assert sorted(fitted) == [truth(size), size]
        assert (fitted[0] >= fitted[1]) == (height >= width) or fitted[0] == fitted[1]
        return
    with pytest.raises(InputError, match=f"size {size} .*{height} x {width}") as refused:
        fit_long_side(height, width, size)
    smallest = int(str(refused.value).rsplit(" ", 1)[1])
    assert truth(smallest) >= 16
    assert truth(smallest - 1) < 16
    fit_long_side(height, width, smallest)


@pytest.mark.parametrize("size", [15, 0, -512])
def test_sizes_under_16_are_refused(size):
    with pytest.raises(InputError, match=f"size {size} .*works is 16"):
        fit_long_side(100, 100, size)


@pytest.mark.parametrize("size", [512.0, "512", None, True])
def test_a_size_is_a_whole_number(size):
    with pytest.raises(InputError, match="whole number"):
        fit_long_side(100, 100, size)


def test_a_numpy_size_will_do():
    assert fit_long_side(100, 200, np.int64(64)) == (32, 64)
    with pytest.raises(InputError, match="0 x 5"):
        fit_long_side(0, 5, 64)


def lanczos_weights(old: int, new: int) -> np.ndarray:
    """Row i: what output sample i takes of each input sample. Lanczos with three lobes, widened to reduce."""
    ratio = old / new
    widening = max(ratio, 1)
    centres = (np.arange(new) + 0.5) * ratio
    offsets = (np.arange(old) + 0.5 - centres[:, None]) / widening
    weights = np.where(np.abs(offsets) < 3, np.sinc(offsets) * np.sinc(offsets / 3), 0)
    return weights / weights.sum(axis=1, keepdims=True)


@given(
    sides=st.tuples(*[st.integers(1, 40)] * 4),
    channels=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_against_a_plain_lanczos(sides, channels, seed):
    old_height, old_width, height, width = sides
    assume((old_height, old_width) != (height, width))
    pixels = np.random.default_rng(seed).random((old_height, old_width, channels), dtype=np.float32)
    rows, columns = lanczos_weights(old_height, height), lanczos_weights(old_width, width)
    expected = np.clip(np.einsum("ih,jw,hwc->ijc", rows, columns, pixels), 0, 1)
    resized = resize(pixels, height, width)
    assert resized.dtype == np.float32
    assert resized.shape == (height, width, channels)
    np.testing.assert_allclose(resized, expected, atol=2e-6)  # float32 between the two passes


def test_no_rounding_to_8_bits():
    flat = np.full((20, 30, 3), 0.123456, np.float32)
    np.testing.assert_allclose(resize(flat, 37, 11), 0.123456, atol=1e-7)


def test_overshoot_is_clipped():
    edge = np.zeros((16, 16, 1), np.float32)
    edge[:, 8:] = 1
    resized = resize(edge, 64, 64)
    assert resized.min() == 0
    assert resized.max() == 1


def test_the_same_size_is_the_same_array():
    pixels = np.random.default_rng(0).random((17, 19, 3), dtype=np.float32)
    assert resize(pixels, 17, 19) is pixels


def test_a_plane_without_channels():
    alpha = np.random.default_rng(0).random((17, 19), dtype=np.float32)
    np.testing.assert_array_equal(resize(alpha, 30, 9), resize(alpha[..., None], 30, 9)[..., 0])


def test_a_view_and_doubles_are_taken():
    pixels = np.random.default_rng(0).random((20, 24, 3))
    flipped = pixels[::-1, :, ::-1]
    np.testing.assert_allclose(resize(flipped, 9, 11)[::-1, :, ::-1], resize(pixels, 9, 11), atol=2e-6)


@pytest.mark.parametrize(
    ("shape", "height", "width"), [((4,), 4, 4), ((1, 4, 4, 3), 8, 8), ((0, 4, 3), 4, 4), ((4, 4, 3), 0, 4)]
)
def test_what_is_no_picture_is_refused(shape, height, width):
    with pytest.raises(InputError, match="received"):
        resize(np.zeros(shape, np.float32), height, width)


@pytest.mark.parametrize(
    ("height", "width"), [(704, 1024), (1024, 704), (300, 300), (1000, 17), (640, 1024), (40, 33)]
)
def test_the_largest_size_is_named_and_works(height: int, width: int) -> None:
    with pytest.raises(InputError, match="the largest size that works is") as failure:
        fit_long_side(height, width, 999_999_999_999)
    largest = int(str(failure.value).split()[-1])
    rows, columns = fit_long_side(height, width, largest)
    assert 0.999 * 178_956_970 < rows * columns <= 178_956_970
    with pytest.raises(InputError):
        fit_long_side(height, width, largest + 1)
