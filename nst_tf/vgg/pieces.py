"""Cutting a side of a picture or of a layer into pieces, each with what its convolutions see around it."""

from __future__ import annotations

from typing import NamedTuple


class Piece(NamedTuple):
    """Positions ``start`` to ``stop`` belong to the piece, ``window_start`` to ``window_stop`` are computed.

    Activations of the window between start and stop equal those of the whole: its inner borders are
    ``halo`` away, and its outer ones are those of the whole, where the network's own padding is right.
    """

    window_start: int
    window_stop: int
    start: int
    stop: int


def pieces_of(length: int, size: int, halo: int, multiple: int) -> list[Piece]:
    """Pieces of about ``size`` that cover 0 to ``length``; inner borders stand at multiples of ``multiple``.

    Pieces are as equal as the multiples allow, and no longer than ``size`` rounded up to a multiple.
    """
    count = max(1, -(-length // max(size, 1)))
    size = _rounded_up(-(-length // count), multiple)
    halo = _rounded_up(halo, multiple)
    return [
        Piece(max(0, start - halo), min(length, start + size + halo), start, min(length, start + size))
        for start in range(0, length, size)
    ]


def _rounded_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
