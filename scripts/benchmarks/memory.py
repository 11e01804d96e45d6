"""Peak resident memory of runs of growing size, beside the estimate by which memory=auto chooses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.lines import note
from benchmarks.nst_runs import run_nst
from nst_tf.api import composed
from nst_tf.config.inputs import read_inputs
from nst_tf.machine import available_bytes
from nst_tf.runs.memory import Mode, chosen_memory, demand_of, peak_bytes

GIB = 2**30


def rows(
    megapixels: Sequence[float], modes: Sequence[str], limit: float | None, words: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """One step of a bundled picture a row, each ``nst`` in a process of its own; its peak is what it says.

    A mode whose estimate is more than ``limit`` GiB (what is available, without one) is left out.
    At the end of each mode a line says how many bytes a pixel takes.
    """
    most = limit * GIB if limit else available_bytes()
    for mode in modes:
        found = []
        for size in megapixels:
            row = _row(Mode[mode], size, most, words)
            if row is None:
                note(f"{mode}, {size:g} megapixels: does not fit into {most / GIB:.1f} GiB")
                continue
            found.append(row)
            yield row
        if len(found) > 1:
            pixels, peaks = ([row[name] for row in found] for name in ("pixels", "peak_GiB"))
            note(f"{mode}: {np.polyfit(pixels, peaks, 1)[0] * GIB:.0f} bytes a pixel")


def _row(mode: Mode, megapixels: float, most: float, words: Sequence[str]) -> dict[str, Any] | None:
    words = [
        *("objective=relative", "image.style_size=1024", "pyramid=single", "steps=1", f"memory={mode.name}"),
        *("record.image_every=0", "record.checkpoint_every=0", *words),
    ]
    settings, _ = composed(words)
    inputs = read_inputs(settings)
    sides = inputs.content.height, inputs.content.width
    size = settings.image.size = round(math.sqrt(megapixels * 1e6 * max(sides) / min(sides)))
    precision = settings.precision.name
    demand = demand_of(settings, inputs, "bfloat16" if precision == "auto" else precision, size)
    tile_size = chosen_memory(settings, inputs, None, "float32").tile_size if mode is Mode.tiles else None
    if peak_bytes(demand, mode, tile_size) > most:
        return None
    (run,), seconds = run_nst(*words, f"image.size={size}", "memory_limit=1000")
    demand = demand_of(settings, inputs, run["precision"], size)
    return {
        "mode": mode.name,
        "megapixels": megapixels,
        "precision": run["precision"],
        "peak_GiB": run["peak_memory_bytes"] / GIB,
        "estimate_GiB": peak_bytes(demand, mode, tile_size) / GIB,
        "seconds_of_step": run["seconds"].get("first_steps", math.nan),
        "seconds": seconds,
        "pixels": run["size"]["height"] * run["size"]["width"],
        "words": words,
    }
