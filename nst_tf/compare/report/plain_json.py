"""Whatever a run's folder holds, as JSON that can stand inside of an HTML page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_LARGEST_EXACT = 2**53 - 1  # JavaScript's numbers are float64: larger integers would lose digits
_MOST_CHARACTERS = 2000  # of one text: a page of a stranger's configuration is not worth more
_DEEPEST = 8  # levels of lists in lists: far more than any configuration has

_ESCAPES = {
    ord(character): f"\\u{ord(character):04x}"
    # <, > and & could end the script element or begin a comment; the separators ended lines of old scripts
    for character in "<>&\u2028\u2029"
}


def plain(value: Any, depth: int = 0) -> Any:
    """``value`` of nothing but what JSON has; what JSON lacks becomes a text.

    Numbers that are not finite become "nan", "inf" and "-inf"; integers beyond 2**53 their digits; long
    texts are cut after 2000 characters, with an ellipsis; unknown objects become their ``str``.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= _LARGEST_EXACT else _digits(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, (Mapping, list, tuple)) and depth == _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {_cut(str(key)): plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one, depth + 1) for one in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a NumPy scalar
        return plain(value.item(), depth + 1)
    return _cut(str(value))


def number_or_none(value: Any) -> float | int | None:
    """``value`` if it is a finite number, else None: for curves, which have gaps."""
    found = plain(value)
    return found if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def json_for_html(value: Any) -> str:
    """JSON of plain data for a script element: ASCII, without ``<``, ``>`` and ``&``."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def _digits(value: int) -> str:
    return _cut(
        hex(value) if value.bit_length() > 4096 else str(value)
    )  # str() refuses more than 4300 digits


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"
