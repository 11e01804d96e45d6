"""What differs between two runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst_tf.compare.reading import ComparedRun, canonical
from nst_tf.compare.yardstick import MEASURES
from nst_tf.errors import InputError
from nst_tf.images.read import read_picture

_FACTS = ("status", "error", "seed", "device", "precision", "git_commit")
_NOT_A_VERSION = ("machine", "versions", "weights")
NONE = "-"


@dataclass(frozen=True)
class Row:
    """A part of a run, a name in it, and both values as text."""

    part: str
    name: str
    first: str
    second: str
    change: str = ""


def differences(first: ComparedRun, second: ComparedRun) -> list[Row]:
    """Every difference of status, configuration, inputs, versions and machine, picture and yardstick.

    Equal values are left out; of the yardstick and the costs, every number is there that one of both has,
    with the change from the first to the second.
    """
    rows = [
        *_rows("run", _facts(first), _facts(second)),
        *_rows("configuration", first.settings, second.settings),
        *_rows("inputs", _inputs(first), _inputs(second)),
        *_rows("versions", _versions(first), _versions(second)),
    ]
    return [*rows, *_pictures(first, second), *_yardsticks(first, second)]


def _rows(part: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Row]:
    for name in dict.fromkeys([*first, *second]):
        values = [side.get(name) for side in (first, second)]
        if name in first and name in second and canonical(values[0]) == canonical(values[1]):
            continue
        texts = [
            _text(value) if name in side else NONE
            for side, value in zip((first, second), values, strict=True)
        ]
        yield Row(part, name, texts[0], texts[1])


def _facts(run: ComparedRun) -> dict[str, Any]:
    found = {name: run.summary[name] for name in _FACTS if run.summary.get(name) is not None}
    return found | {"status": run.status} | ({"error": run.error} if run.error else {})


def _inputs(run: ComparedRun) -> dict[str, Any]:
    inputs = run.summary.get("inputs")
    if not isinstance(inputs, dict):
        return {}
    styles = inputs.get("styles")
    named = {"content": inputs.get("content")}
    named |= {
        f"style {place + 1}": one for place, one in enumerate(styles if isinstance(styles, list) else [])
    }
    return {
        name: f"{one.get('file')} (SHA-256 {str(one.get('sha256'))[:12]})"
        for name, one in named.items()
        if isinstance(one, dict) and one
    }


def _versions(run: ComparedRun) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in _NOT_A_VERSION:
        values = run.summary.get(part)
        for name, value in values.items() if isinstance(values, dict) else ():
            # where the weights were found says nothing of them; their hash does
            if (part, name) != ("weights", "source"):
                found[name if part == "versions" else f"{part} {name}"] = value
    return found


def _pictures(first: ComparedRun, second: ComparedRun) -> Iterator[Row]:
    if first.picture is None or second.picture is None:
        return
    try:
        pictures = [read_picture(run.picture) for run in (first, second) if run.picture]
    except InputError:
        return
    one, other = (picture.pixels for picture in pictures)
    sizes = [f"{pixels.shape[1]} x {pixels.shape[0]} pixels" for pixels in (one, other)]
    if one.shape != other.shape:
        yield Row("picture", "size", sizes[0], sizes[1])
    elif np.array_equal(one, other):
        yield Row("picture", "pixels", sizes[0], sizes[1], "bit-identical")
    else:
        error = float(np.mean((one.astype(np.float64) - other) ** 2))
        yield Row("picture", "pixels", sizes[0], sizes[1], f"PSNR {-10 * math.log10(error):.1f} dB")


def _yardsticks(first: ComparedRun, second: ComparedRun) -> Iterator[Row]:
    for name in dict.fromkeys([*MEASURES, *first.yardstick, *second.yardstick]):
        before, after = first.yardstick.get(name), second.yardstick.get(name)
        if before is None and after is None:
            continue
        change = ""
        if before is not None and after is not None:
            change = f"{after - before:+.4g}" + (
                f" ({100 * (after / before - 1):+.1f} %)" if before > 0 else ""
            )
        texts = [NONE if value is None else f"{value:.4g}" for value in (before, after)]
        if name in ("steps", "peak_memory_bytes"):
            texts = [NONE if value is None else f"{value:,.0f}" for value in (before, after)]
        part = "yardstick" if name in MEASURES else "costs"
        yield Row(part, "evaluations" if name == "steps" else name, texts[0], texts[1], change)


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
