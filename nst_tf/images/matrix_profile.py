"""Colour profiles that are three curves and a matrix, applied in floating point."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

_COLOUR_SPACE = slice(16, 20)  # of a profile's header, ICC.1:2022 section 7.2
_CONNECTION_SPACE = slice(20, 24)
_TAG_TABLE = 128  # bytes of the header
_TABLES = (b"A2B0", b"B2A0", b"D2B0", b"B2D0")  # tables go before curves and matrix (section 8.10)
_KNOTS = 65537  # of every curve: one for each level of 16 bits, so that between them a line does
_PARAMETERS = (1, 3, 4, 5, 7)  # of each type of parametric curve, table 68
_BAND = 1 << 20  # pixels converted at a time: bounds the memory for float64
_BLACK = 1e-4  # of full light, a third of the first level of 8 bits: a black above it is moved to black
_SRGB_TO_D50 = np.array(  # B. Lindbloom, "RGB/XYZ matrices", sRGB with reference white D50
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)

_GRID = np.linspace(0, 1, _KNOTS)


@dataclass(frozen=True)
class MatrixProfile:
    """A profile of a display or a working space: linear = curve(encoded), XYZ (D50) = matrix @ linear.

    Attributes:
        matrix: float64 (3, 3); column c is the colour of channel c.
        curves: float64 (3, 65537); linear light at evenly spaced encoded values in [0, 1], not falling.
    """

    matrix: np.ndarray
    curves: np.ndarray

    @classmethod
    def parsed(cls, profile: bytes) -> MatrixProfile | None:
        """The profile in an ICC file's bytes; None if it is of another kind, damaged, or lights its black.

        Source: ICC.1:2022 (profile version 4.4), sections 8.3.3, 9.2 and 10.6, 10.18, 10.31.
        """
        try:
            tags = dict(_tags(profile))
            if profile[_COLOUR_SPACE] != b"RGB " or profile[_CONNECTION_SPACE] != b"XYZ ":
                return None
            if any(table in tags for table in _TABLES):
                return None
            matrix = np.stack([_xyz(tags[letter + b"XYZ"]) for letter in (b"r", b"g", b"b")], axis=1)
            curves = np.stack([_curve(tags[letter + b"TRC"]) for letter in (b"r", b"g", b"b")])
        except (KeyError, IndexError, ValueError, struct.error):
            return None
        if not np.isfinite(curves).all() or abs(np.linalg.det(matrix)) < np.finfo(np.float32).eps:
            return None
        curves = np.maximum.accumulate(np.clip(curves, 0, 1), axis=1)
        # such a black LittleCMS compensates for, which is more than curves and a matrix
        return cls(matrix, curves) if curves[:, 0].max() <= _BLACK else None


@cache
def srgb_matrix_profile() -> MatrixProfile:
    """SRGB itself, as IEC 61966-2-1 has it, its primaries adapted to D50 by Bradford's matrix.

    An ICC file rounds its numbers to 16 bits of fraction, which opens a gap of 13 levels of 16 bits where the
    straight part of the curve ends.
    """
    curve = _parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return MatrixProfile(_SRGB_TO_D50, np.stack([curve] * 3))


def converted(pixels: np.ndarray, source: MatrixProfile, target: MatrixProfile) -> np.ndarray:
    """Pixels (H, W, 3) in [0, 1], encoded as ``source`` says, encoded as ``target`` says, float32.

    target.curve^-1(clip(target.matrix^-1 @ source.matrix @ source.curve(pixels))): relative colorimetric,
    as LittleCMS does with such profiles; a colour that the target can't show is clipped channel by channel.
    """
    between = np.linalg.solve(target.matrix, source.matrix)
    result = np.empty(pixels.shape, np.float32)
    flat, out = pixels.reshape(-1, 3), result.reshape(-1, 3)
    for start in range(0, len(flat), _BAND):
        band = slice(start, start + _BAND)
        linear = np.stack([np.interp(flat[band, c], _GRID, source.curves[c]) for c in range(3)], axis=1)
        linear = np.clip(linear @ between.T, 0, 1)
        for c in range(3):
            out[band, c] = np.interp(linear[:, c], target.curves[c], _GRID)
    return result


def _tags(profile: bytes) -> Iterator[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from(">I", profile, _TAG_TABLE)
    for index in range(min(count, len(profile) // 12)):
        name, start, size = struct.unpack_from(">4sII", profile, _TAG_TABLE + 4 + 12 * index)
        yield name, profile[start : start + size]


def _xyz(tag: bytes) -> np.ndarray:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> np.ndarray:
    """Linear light at the knots."""
    if tag[:4] == b"curv":  # section 10.6
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return _GRID
        values = np.frombuffer(tag, ">u2", count, 12)
        if count == 1:
            return _GRID ** (values[0] / 256)
        return np.interp(_GRID, np.linspace(0, 1, count), values / 65535)
    if tag[:4] == b"para":  # section 10.18
        (kind,) = struct.unpack_from(">H", tag, 8)
        g, *rest = np.array(struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)) / 65536
        return _parametric(kind, g, *rest)
    raise ValueError("no curve")


def _parametric(
    kind: int, g: float, a: float = 1, b: float = 0, c: float = 0, d: float = 0, e: float = 0, f: float = 0
) -> np.ndarray:
    """Table 68: (a x + b)^g + e from a threshold on, c x + f below it."""
    x = _GRID
    if kind == 1:
        d = -b / a
    elif kind == 2:  # its third parameter is added on both sides of the threshold
        c, d, e, f = 0, -b / a, c, c
    power = np.power(np.maximum(a * x + b, 0), g)
    return np.where(x >= d, power + e, c * x + f)
