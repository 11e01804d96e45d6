"""Tensors in torch's file format of before 2020, read without torch.

The format (``torch.serialization._legacy_save`` writes it, ``_legacy_load`` reads it): five pickles in a
row, namely a magic number, the protocol version, facts about the machine, the object saved, and the keys of
its storages; then for each key a count of elements as int64 and the elements themselves.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TypeGuard

import numpy as np

from nst_tf.weights.failure import Malformed

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C  # MAGIC_NUMBER of torch/serialization.py
_PROTOCOL_VERSION = 1001  # PROTOCOL_VERSION of torch/serialization.py
FIRST_BYTES = pickle.dumps(_MAGIC_NUMBER, protocol=2)  # torch pickles with protocol 2

_BYTE = np.dtype(np.uint8)
_FLOAT = np.dtype("<f4")


@dataclass(frozen=True)
class _Storage:
    """A run of elements of one type, to be found later in the file."""

    dtype: np.dtype
    key: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a whole storage in row-major order."""

    storage: _Storage
    shape: tuple[int, ...]


def _rebuild_tensor(
    storage: object, offset: object, shape: object, stride: object, *_: object
) -> _Tensor:  # the rest: whether it needs a gradient, and its hooks
    if not isinstance(storage, _Storage) or not _whole_numbers(shape) or not _whole_numbers(stride):
        raise Malformed("has a tensor that is not described as torch does")
    row_major = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    if offset != 0 or stride != row_major or math.prod(shape) != storage.count:
        raise Malformed("has a tensor that is not the whole of its storage in row-major order")
    return _Tensor(storage, shape)


def _whole_numbers(value: object) -> TypeGuard[tuple[int, ...]]:
    return isinstance(value, tuple) and all(type(item) is int and item >= 0 for item in value)


# All that the pickles may name. Anything else, such as os.system, is refused and never imported.
_ADMITTED: Mapping[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "ByteStorage"): _BYTE,
    ("torch", "FloatStorage"): _FLOAT,
}


class _Unpickler(pickle._Unpickler):
    # Python's own and not the faster one in C, whose memo grows to whatever index a damaged file names,
    # gigabytes for one byte; of these pickles there are six kilobytes.
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ADMITTED:
            raise Malformed(f"names {module}.{name}, which a file of tensors has no reason to do")
        return _ADMITTED[module, name]

    def persistent_load(self, pid: object) -> _Storage:
        match pid:
            case ("storage", np.dtype() as dtype, str(key), str(), int(count), None):
                return _Storage(dtype, key, count)
        raise Malformed("has a storage that is not described as torch does")


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a file whose object is a dict of them, by name; read-only views of ``content``.

    Only uint8 and float32 are read. Raises Malformed for anything but such a file; nothing that the file
    names is imported or called.
    """
    stream = BytesIO(content)
    try:
        if _load(stream) != _MAGIC_NUMBER or _load(stream) != _PROTOCOL_VERSION:
            raise Malformed("is not in torch's legacy format")
        machine = _load(stream)
        if not isinstance(machine, dict) or machine.get("little_endian") is not True:
            raise Malformed("was not written by a little-endian machine")
        tensors = _load(stream)
        keys = _load(stream)
    except Malformed:
        raise
    except Exception as error:  # a damaged pickle can raise almost anything
        raise Malformed(f"is damaged or cut short ({type(error).__name__} in its pickles)") from error
    if not isinstance(tensors, dict) or not all(isinstance(tensor, _Tensor) for tensor in tensors.values()):
        raise Malformed("does not hold a dict of tensors")
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if any(tensor.storage != storages[tensor.storage.key] for tensor in tensors.values()):
        raise Malformed("describes one storage in two ways")
    if not isinstance(keys, list) or sorted(keys, key=str) != sorted(storages):
        raise Malformed("does not list the storages that its tensors name")
    elements = {}
    offset = stream.tell()
    for key in keys:
        elements[key], offset = _elements(content, offset, storages[key])
    return {name: elements[tensor.storage.key].reshape(tensor.shape) for name, tensor in tensors.items()}


def _load(stream: BytesIO) -> object:
    return _Unpickler(stream).load()


def _elements(content: bytes, offset: int, storage: _Storage) -> tuple[np.ndarray, int]:
    start = offset + struct.calcsize("<q")
    end = start + storage.count * storage.dtype.itemsize
    if end > len(content):
        raise Malformed("is cut short")
    (count,) = struct.unpack_from("<q", content, offset)
    if count != storage.count:
        raise Malformed(f"gives {count} elements where {storage.count} are announced")
    return np.frombuffer(content, storage.dtype, storage.count, start), end
