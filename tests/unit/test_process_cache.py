"""What jobs of one process share of their pictures, and that it is what each would have made alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf.images.read import read_picture
from nst_tf.images.resize import resize
from nst_tf.process_cache import ProcessCache


@pytest.fixture
def picture(tmp_path: Path, random: np.random.Generator) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(random.integers(0, 256, (40, 50, 3), np.uint8)).save(path)
    return path


def test_a_picture_is_resized_once_and_the_same(picture: Path) -> None:
    warm, pixels = ProcessCache(), read_picture(picture).pixels
    small = warm.resized(pixels, 20, 25)
    np.testing.assert_array_equal(small, resize(pixels, 20, 25))
    assert warm.resized(pixels, 20, 25) is small
    assert warm.resized(pixels, 16, 20) is not small
    with pytest.raises(ValueError, match="read-only"):
        small[0, 0] = 0


def test_what_may_change_is_resized_anew() -> None:
    warm, pixels = ProcessCache(), np.zeros((40, 50, 3), np.float32)
    before = warm.resized(pixels, 20, 25)
    pixels += 1
    assert before.max() == 0
    assert warm.resized(pixels, 20, 25).min() == 1


def test_other_sizes_free_what_was_resized(picture: Path) -> None:
    warm, pixels = ProcessCache(), read_picture(picture).pixels
    warm.expect("some shapes")
    small = warm.resized(pixels, 20, 25)
    warm.expect("some shapes")
    assert warm.resized(pixels, 20, 25) is small
    warm.expect("others")
    assert warm.resized(pixels, 20, 25) is not small


def test_a_file_is_decoded_once_as_long_as_it_is_the_same(picture: Path) -> None:
    first = read_picture(picture)
    assert read_picture(picture).pixels is first.pixels
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(picture)
    assert read_picture(picture).pixels.max() == 0
