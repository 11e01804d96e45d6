from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from unit.vgg.hand_made_weights import legacy_torch_bytes

from nst_tf.vgg.weight_files import LEGACY_FIRST_BYTES as FIRST_BYTES
from nst_tf.vgg.weight_files import Malformed, read_tensors

TENSORS = {
    "a": np.arange(24, dtype=np.uint8).reshape(4, 3, 2, 1),
    "b": np.linspace(-1, 1, 7, dtype=np.float32),
    "c": np.float32([[1, 2], [3, 4]]),
}
CONTENT = legacy_torch_bytes(TENSORS)


def test_tensors_come_back_by_name() -> None:
    assert CONTENT.startswith(FIRST_BYTES)
    read = read_tensors(io.BytesIO(CONTENT))
    assert list(read) == list(TENSORS)
    for name, right in TENSORS.items():
        np.testing.assert_array_equal(read[name], right)
        assert read[name].dtype == right.dtype


class _Hostile:
    def __init__(self, function: object, *arguments: object) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.reduced


@pytest.mark.parametrize("place", ["in the dict", "before everything", "as the storage keys"])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path: Path, place: str) -> None:
    trace = tmp_path / "trace"
    hostile = _Hostile(os.system, f"touch '{trace}'")
    content = {
        "in the dict": legacy_torch_bytes(TENSORS, extra=hostile),
        "before everything": pickle.dumps(hostile, protocol=2) + CONTENT,
        "as the storage keys": _with_keys_replaced(pickle.dumps(hostile, protocol=2)),
    }[place]
    with pytest.raises(Malformed, match=r"names (posix|nt)\.system"):
        read_tensors(io.BytesIO(content))
    assert not trace.exists()


def _with_keys_replaced(other: bytes) -> bytes:
    stream = io.BytesIO(legacy_torch_bytes({}))
    for _ in range(4):
        pickle.load(stream)
    return stream.getvalue()[: stream.tell()] + other


@pytest.mark.parametrize("name", ["eval", "getattr", "__import__"])
def test_builtins_are_refused(name: str) -> None:
    with pytest.raises(Malformed, match=rf"names \w+\.{name}"):
        read_tensors(io.BytesIO(legacy_torch_bytes({}, extra=_Hostile(__builtins__[name], "1"))))  # type: ignore[index]


def test_numbers_of_another_type_are_refused() -> None:
    with pytest.raises(Malformed, match=r"names torch\.HalfStorage"):
        read_tensors(io.BytesIO(legacy_torch_bytes({"h": np.zeros(3, np.float16)})))
