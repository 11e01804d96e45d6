"""Texts and numbers that may come from anybody, for a line of ours."""

from __future__ import annotations

import math
from typing import Any


def on_one_line(value: object, most: int = 80) -> str:
    """The value as text of at most ``most`` characters, without line ends or what commands a terminal."""
    text = " ".join(str(value).split())
    printable = "".join(letter for letter in text if letter.isprintable())
    return printable if len(printable) <= most else printable[: most - 3] + "..."


def finite(value: Any) -> float | None:
    """The number, if it is one that a float can hold; JSON has whole numbers that are larger than any."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
