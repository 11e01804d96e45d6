"""Losses over the steps, sampled so that a page stays small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nst_tf.compare.report.plain_json import number_or_none

_MOST_NUMBERS = 250_000  # on a page, of about 9 characters: 2 MB
_MOST_POINTS = 400  # a curve: more could not be seen at the width of a page
_FEWEST_POINTS = 16
_MOST_NAMES = 24  # curves of a run; the recipes have up to 12
_DIGITS = 5  # significant: a thousandth of the height of a plot
_NOT_LOSSES = ("step", "seconds", "size", "frame")


def curves_of(metrics: Sequence[Mapping[str, Any]], runs: int) -> dict[str, list[float | int | None]]:
    """Columns ``step``, ``seconds``, ``loss`` and each part; None where there is no finite number.

    The rows are evenly spaced from the first to the last, with the one of lowest loss, as many as ``runs``
    runs on one page leave room for.
    """
    if not metrics:
        return {}
    names = list(dict.fromkeys(name for row in (metrics[0], metrics[-1]) for name in row))
    losses = [name for name in names if name not in _NOT_LOSSES][:_MOST_NAMES]
    room = _MOST_NUMBERS // (max(runs, 1) * (len(losses) + 2))
    rows = [metrics[index] for index in _sampled(metrics, min(_MOST_POINTS, max(_FEWEST_POINTS, room)))]
    return {name: [_rounded(row.get(name)) for row in rows] for name in ("step", "seconds", *losses)}


def _sampled(metrics: Sequence[Mapping[str, Any]], points: int) -> list[int]:
    count = len(metrics)
    if count <= points:
        return list(range(count))
    evenly = {round(index * (count - 1) / (points - 1)) for index in range(points)}
    finite = [
        (loss, at) for at, row in enumerate(metrics) if (loss := number_or_none(row.get("loss"))) is not None
    ]
    return sorted(evenly | ({min(finite)[1]} if finite else set()))


def _rounded(value: Any) -> float | int | None:
    number = number_or_none(value)
    return float(f"{number:.{_DIGITS}g}") if isinstance(number, float) else number
