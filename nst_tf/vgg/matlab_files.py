"""Numbers, cells and structs of a MATLAB 5.0 MAT-file, read within bounds.

The format is that of "MAT-File Format" (MathWorks), chapter 1. ``scipy.io.loadmat`` reads it, too, but cells
within cells, 100,000 deep in a file of 200 KB, end the whole process (SciPy 1.17: segmentation fault), and it
unpacks whatever a file of a few MB says to hold.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

MATLAB_SIGNATURE = b"MATLAB 5.0 MAT-file"
_HEADER = 128  # bytes, of which the last two tell the order of bytes
_LITTLE_ENDIAN = b"IM"

# types of elements, with those of their numbers
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {
    1: "i1",
    2: "u1",
    3: "<i2",
    4: "<u2",
    5: "<i4",
    6: "<u4",
    7: "<f4",
    9: "<f8",
    12: "<i8",
    13: "<u8",
}
# classes of matrices
_CELL, _STRUCT, _DOUBLE, _SINGLE = 1, 2, 6, 7

# MatConvNet's VGG-19 has 43 layers, in structs within a cell, with weights in a cell, and keeps 80 MB
_MOST_ENTRIES, _DEEPEST, _MOST_BYTES = 200, 6, 1 << 28
_BLOCK = 1 << 20  # bytes read or unpacked at a time


def read_matlab(path: Path, largest: int) -> dict[str, Any]:
    """The variables of a MAT-file, by name: arrays, lists for cells, dicts for structs.

    None stands for what is of another kind, and for an array of more than ``largest`` numbers, which is not
    kept. Raises ValueError for a file that is damaged, or holds more than any network of ours.
    """
    variables = {}
    with path.open("rb") as file:
        if file.read(_HEADER)[-len(_LITTLE_ENDIAN) :] != _LITTLE_ENDIAN:
            raise ValueError("it is not of a little-endian machine")
        while tag := file.read(8):
            try:
                kind, size = struct.unpack("<II", tag)
            except struct.error:
                raise ValueError("it ends too early") from None
            start = file.tell()
            packed = kind == _COMPRESSED
            if not packed:
                file.seek(start - len(tag))
            variable = _Variable(file, packed, largest)
            name, value = variable.matrix()
            variable.check_end()
            variables.setdefault(name, value)
            file.seek(start + size)
    return variables


class _Variable:
    """One variable, unpacked as it is read."""

    def __init__(self, file: BinaryIO, packed: bool, largest: int) -> None:
        self._file, self._largest = file, largest
        self._unpacker = zlib.decompressobj() if packed else None
        self._position = self._kept = 0

    def matrix(self, depth: int = 0) -> tuple[str, Any]:
        """Name and value of the matrix that begins here."""
        kind, size = struct.unpack("<II", self._read(8))
        if kind != _MATRIX:
            raise ValueError(f"it has an element of type {kind} where a matrix is right")
        end = self._position + size
        name, value = "", None
        if size:  # of an empty matrix there is no more than its tag
            flags, shape = self._element(), tuple(int(side) for side in self._numbers())
            name = self._element().decode("ascii", "replace")
            value = self._value(flags[0], shape, depth)
        self._skip(end - self._position)
        return name, value

    def check_end(self) -> None:
        """Raise ValueError unless a packed variable ends here, where zlib checks the sum of its bytes."""
        while self._unpacker and not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or self._file.read(_BLOCK)
            if not packed or self._unpacker.decompress(packed, 1):
                raise ValueError("it does not end where it says")

    def _value(self, kind: int, shape: tuple[int, ...], depth: int) -> Any:
        count = math.prod(shape)
        if depth > _DEEPEST or count < 0:
            raise ValueError("it is nested too deeply, or of a negative size")
        if kind == _CELL and count <= _MOST_ENTRIES:
            return [self.matrix(depth + 1)[1] for _ in range(count)]
        if kind == _STRUCT and count == 1:
            length, names = int(self._numbers()[0]), self._element()
            fields = [names[start : start + length] for start in range(0, len(names), max(length, 1))]
            if len(fields) <= _MOST_ENTRIES:
                return {
                    field.rstrip(b"\0").decode("ascii", "replace"): self.matrix(depth + 1)[1]
                    for field in fields
                }
        if kind in (_SINGLE, _DOUBLE) and count <= self._largest:
            numbers = self._numbers()
            # whole numbers are stored in few bytes, whatever their class
            return numbers.astype("f4" if kind == _SINGLE else "f8", copy=False).reshape(shape, order="F")
        return None

    def _numbers(self) -> np.ndarray:
        kind, content = self._typed_element()
        if kind not in _NUMBERS:
            raise ValueError(f"it has an element of type {kind} where numbers are right")
        return np.frombuffer(content, _NUMBERS[kind])

    def _element(self) -> bytes:
        return self._typed_element()[1]

    def _typed_element(self) -> tuple[int, bytes]:
        kind, size = struct.unpack("<II", tag := self._read(8))
        if kind >> 16:  # a small one stands within its tag
            return kind & 0xFFFF, tag[4 : 4 + min(kind >> 16, 4)]
        self._kept += size
        if self._kept > _MOST_BYTES:
            raise ValueError(f"it holds more than {_MOST_BYTES} bytes of numbers")
        content = self._read(size)
        self._skip(-size % 8)
        return kind, content

    def _skip(self, count: int) -> None:
        if count < 0:
            raise ValueError("a matrix is longer than it says")
        while count:
            count -= len(self._read(min(count, _BLOCK)))

    def _read(self, count: int) -> bytes:
        """So many bytes; raises ValueError where they end before."""
        self._position += count
        if self._unpacker is None:
            found = self._file.read(count)
        else:
            pieces, missing = [], count
            while missing and not self._unpacker.eof:
                packed = self._unpacker.unconsumed_tail or self._file.read(_BLOCK)
                pieces.append(piece := self._unpacker.decompress(packed, missing))
                missing -= len(piece)
                if not packed and not piece:
                    break
            found = b"".join(pieces)
        if len(found) < count:
            raise ValueError("it ends too early")
        return found
