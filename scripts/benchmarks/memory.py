"""Peak resident memory of runs of growing size, in each mode: a table, the slope in bytes a pixel, and JSON.

    python scripts/benchmarks/memory.py                           # 1, 4, 9 and 16 megapixels, what fits
    python scripts/benchmarks/memory.py --megapixels 64 --modes tiles     # as scripts/benchmark.py does, too
    python scripts/benchmarks/memory.py --megapixels 0.25 1       # a quick look

Each run is a process of its own, ``nst`` itself with a bundled picture, one step; its peak is what its
run.json says. Beside it stands the estimate by which memory=auto chooses. A mode whose estimate is more than
``--limit`` is left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.api import composed
from nst_tf.config.inputs import Inputs, read_inputs
from nst_tf.machine import available_bytes
from nst_tf.runs.memory import Mode, chosen_memory, demand_of, peak_bytes
from nst_tf.tensorflow_setup import load_tensorflow

GIB = 2**30


def main() -> None:
    """Measure what the command line asks for."""
    arguments = _arguments()
    load_tensorflow()
    from nst_tf.runs.provenance import provenance  # which imports it

    limit = arguments.limit * GIB if arguments.limit else available_bytes() or math.inf
    rows = []
    print(f"{provenance()['machine']['processor']}, {os.cpu_count()} cores, {limit / GIB:.1f} GiB")
    print(f"{'mode':>9} {'megapixels':>10} {'precision':>9} {'peak GiB':>8} {'estimate':>8} {'step s':>7}")
    for mode in arguments.modes:
        for megapixels in arguments.megapixels:
            row = _measured(arguments, Mode[mode], megapixels, limit)
            if row is None:
                print(f"{mode:>9} {megapixels:>10g}: does not fit")
                continue
            rows.append(row)
            print(
                f"{mode:>9} {megapixels:>10g} {row['precision']:>9} {row['peak_bytes'] / GIB:>8.2f}"
                f" {row['estimated_bytes'] / GIB:>8.2f} {row['seconds_of_step']:>7.1f}",
                flush=True,
            )
    slopes = {mode: _slope([row for row in rows if row["mode"] == mode]) for mode in arguments.modes}
    for mode, slope in slopes.items():
        if slope is not None:
            print(f"{mode}: {slope:.0f} bytes a pixel")
    if arguments.json:
        report = {"machine": provenance(), "rows": rows, "bytes_a_pixel": slopes}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 4, 9, 16])
    parser.add_argument(
        "--modes", nargs="+", choices=[mode.name for mode in Mode], default=[m.name for m in Mode]
    )
    parser.add_argument("--limit", type=float, help="GiB; what is available by default")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--style-size", type=int, default=1024, help="long side of the style, pixels")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("words", nargs="*", help="words of nst, such as precision=float32 optimizer=adam")
    return parser.parse_args()


def _measured(
    arguments: argparse.Namespace, mode: Mode, megapixels: float, limit: float
) -> dict[str, Any] | None:
    words = [f"image.style_size={arguments.style_size}", "pyramid=single", f"memory={mode.name}"]
    words += [
        "objective=relative",
        f"steps={arguments.steps}",
        "record.image_every=0",
        "record.checkpoint_every=0",
        *arguments.words,
    ]
    settings, _ = composed(words)
    inputs = read_inputs(settings)
    size = _long_side(inputs, megapixels)
    settings.image.size = size
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "nst_tf", *words, f"image.size={size}", f"hydra.run.dir={run}"]
        precision = settings.precision.name
        demand = demand_of(settings, inputs, "bfloat16" if precision == "auto" else precision, size)
        tile_size = None
        if mode is Mode.tiles:
            chosen = chosen_memory(settings, inputs, None, "float32")
            tile_size = chosen.tile_size
        if peak_bytes(demand, mode, tile_size) > limit:
            return None
        began = time.perf_counter()
        subprocess.run(
            [*command, "memory_limit=1000"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        summary = json.loads((run / "run.json").read_text())
        demand = demand_of(settings, inputs, summary["precision"], size)
    return {
        "mode": mode.name,
        "megapixels": megapixels,
        "pixels": summary["size"]["height"] * summary["size"]["width"],
        "precision": summary["precision"],
        "tile_size": tile_size,
        "peak_bytes": summary["peak_memory_bytes"],
        "estimated_bytes": peak_bytes(demand, mode, tile_size),
        "seconds": time.perf_counter() - began,
        "seconds_of_step": summary["seconds"].get("first_steps", math.nan),
        "words": words,
    }


def _long_side(inputs: Inputs, megapixels: float) -> int:
    """Of the content's aspect ratio, for that many pixels."""
    sides = inputs.content.height, inputs.content.width
    return round(math.sqrt(megapixels * 1e6 * max(sides) / min(sides)))


def _slope(rows: list[dict[str, Any]]) -> float | None:
    if len(rows) < 2:
        return None
    return float(np.polyfit([row["pixels"] for row in rows], [row["peak_bytes"] for row in rows], 1)[0])


if __name__ == "__main__":
    main()
