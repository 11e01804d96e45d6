"""What differs between two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst_tf.compare.picture_distances import psnr
from nst_tf.compare.reading import ComparedRun, canonical, input_records, readable_picture
from nst_tf.compare.yardstick import MEASURES

_FACTS = ("status", "error", "seed", "device", "precision", "git_commit")
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
    return [
        *_rows("run", _facts(first), _facts(second)),
        *_rows("configuration", first.settings, second.settings),
        *_rows("inputs", _inputs(first), _inputs(second)),
        *_rows("versions", _versions(first), _versions(second)),
        *_pictures(first, second),
        *_yardsticks(first, second),
    ]


def _rows(part: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Row]:
    for name in dict.fromkeys([*first, *second]):
        if name in first and name in second and canonical(first[name]) == canonical(second[name]):
            continue
        yield Row(part, name, *(_text(side[name]) if name in side else NONE for side in (first, second)))


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def _facts(run: ComparedRun) -> dict[str, Any]:
    found = {name: run.summary[name] for name in _FACTS if run.summary.get(name) is not None}
    return found | {"status": run.status} | ({"error": run.error} if run.error else {})


def _inputs(run: ComparedRun) -> dict[str, str]:
    content, styles = input_records(run.summary)
    named = {"content": content} | {f"style {n}": style for n, style in enumerate(styles, start=1)}
    return {
        name: f"{record.get('file')} (SHA-256 {str(record.get('sha256'))[:12]})"
        for name, record in named.items()
        if record
    }


def _versions(run: ComparedRun) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in ("machine", "versions", "weights"):
        values = run.summary.get(part)
        for name, value in values.items() if isinstance(values, dict) else ():
            # where the weights were found says nothing of them; their hash does
            if (part, name) != ("weights", "source"):
                found[name if part == "versions" else f"{part} {name}"] = value
    return found


def _pictures(first: ComparedRun, second: ComparedRun) -> Iterator[Row]:
    one, other = readable_picture(first.picture), readable_picture(second.picture)
    if one is None or other is None:
        return
    mine, theirs = (f"{picture.width} x {picture.height} pixels" for picture in (one, other))
    if one.pixels.shape != other.pixels.shape:
        yield Row("picture", "size", mine, theirs)
    elif np.array_equal(one.pixels, other.pixels):
        yield Row("picture", "pixels", mine, theirs, "bit-identical")
    else:
        yield Row("picture", "pixels", mine, theirs, f"PSNR {psnr(one.pixels, other.pixels):.1f} dB")


def _yardsticks(first: ComparedRun, second: ComparedRun) -> Iterator[Row]:
    for name in dict.fromkeys([*MEASURES, *first.yardstick, *second.yardstick]):
        before, after = first.yardstick.get(name), second.yardstick.get(name)
        if before is None and after is None:
            continue
        change = ""
        if before is not None and after is not None:
            change = f"{after - before:+.4g}"
            change += f" ({100 * (after / before - 1):+.1f} %)" if before > 0 else ""
        form = ",.0f" if name in ("steps", "peak_memory_bytes") else ".4g"
        told, now = (NONE if value is None else f"{value:{form}}" for value in (before, after))
        part = "yardstick" if name in MEASURES else "costs"
        yield Row(part, "evaluations" if name == "steps" else name, told, now, change)
