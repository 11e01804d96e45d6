"""Check nst_tf on a GPU and measure it there: one command, ten minutes, JSON and a table.

    python scripts/gpu_check.py                                   # on the first GPU that TensorFlow sees
    python scripts/gpu_check.py --torch-python python3            # and PyTorch beside it, if that one has it
    python scripts/gpu_check.py --device cpu --sizes 64 128 --batch 4    # a rehearsal

Ends with 0 if all checks hold, 1 if one fails or could not be made, 3 without a GPU. Each section has a
budget in seconds, fails alone, and is printed and written to the JSON file row by row.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

from benchmarks.lines import Finding, Lines, Measurement, Sections, note

from nst_tf.tensorflow_setup import load_tensorflow

SECTIONS = {
    "copies": "Copies to the host",
    "agreement": "The CPU's results",
    "determinism": "The same bits twice",
    "memory": "Memory on the device",
    "table": "A step",
    "statistics": "A step by its statistic of style",
    "picture": "A picture as good as that of PyTorch's L-BFGS",
    "peers": "PyTorch's step",
    "sweep": "A warm sweep",
}
NO_GPU = 3  # exit status
# seconds on a GPU in which it was meant to fit, ten minutes in all; the table takes what is there
BUDGETS = {"table": 240.0, "peers": 90.0, "sweep": 180.0}
_HOLDS = {True: "holds", False: "FAILS", None: "not known here"}


def main() -> int:
    """Check and measure what is named on the command line -> exit status."""
    asked = _arguments()
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # PyTorch needs some of the memory, too
    load_tensorflow()
    from benchmarks.nst_runs import batched_sweep
    from gpu_checks import checks, peers, table
    from gpu_checks.device import Device

    device = Device(asked.device.upper())
    if not device.there():
        note(f"TensorFlow sees no {device.kind} here: --device cpu rehearses everything on the CPU.")
        return NO_GPU
    sizes, arithmetics = tuple(asked.sizes), tuple(asked.arithmetics)
    precisions = tuple(dict.fromkeys("float32" if one == "TF32" else one for one in arithmetics))
    lower = ("bfloat16", "float16") if device.is_gpu else precisions
    compared = tuple(dict.fromkeys(("float32", *lower)))
    small, middle = min(sizes), min(sizes, key=lambda size: abs(size - 512))
    began, budget = 0.0, 0.0
    sections = {
        "copies": lambda: checks.measure_copies(device, small),
        "agreement": lambda: checks.measure_agreement(device, small, compared),
        "determinism": lambda: checks.measure_determinism(device, small),
        "memory": lambda: checks.measure_growth(device, sizes, precisions[-1]),
        "table": lambda: table.measure(
            device, sizes, arithmetics, lambda: began + budget - time.perf_counter()
        ),
        "statistics": lambda: table.measure_statistics(device, middle, precisions[-1]),
        "picture": lambda: peers.measure_picture(device, asked.torch_python, middle, asked.evaluations),
        "peers": lambda: peers.measure(device, asked.torch_python, sizes, arithmetics, budget),
        "sweep": lambda: batched_sweep(small, asked.jobs, asked.job_steps, budget, asked.batch),
    }
    facts = {"device": device.facts(), "rehearsal": not device.is_gpu}
    measurement = Measurement(asked.output / "gpu_check.json", **facts, seconds={}, errors={})
    found = measurement.found
    note(f"{found['device']}")
    if not device.is_gpu:
        note("A rehearsal on the CPU: no figure below is a GPU's.")
    for name in asked.sections or SECTIONS:
        began, budget = time.perf_counter(), asked.budget or BUDGETS.get(name, 60.0)
        try:
            measurement.section(name, SECTIONS[name], sections[name]())
        except Exception as error:  # whatever it is: the other sections go on, and it is told
            found["errors"][name] = traceback.format_exc()
            said = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}"
            measurement.section(f"{name}, failed", "", [Finding(f"section {name}", False, said)])
        found["seconds"][name] = time.perf_counter() - began
        measurement.write()
        note(f"{name}: {found['seconds'][name]:.0f} s")
    cells = [(check["name"], _HOLDS[check["holds"]], check["detail"]) for check in found["checks"]]
    lines = Lines("Checks", ("check", "", ""), [max(column, key=len) for column in zip(*cells, strict=True)])
    for row in cells:
        lines.row(row)
    return 1 if any(check["holds"] is False for check in found["checks"]) else 0


def _arguments() -> argparse.Namespace:
    parser = Sections(__doc__, list(SECTIONS))
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[256, 512, 1024, 2048], help="pixels; two or more"
    )
    parser.add_argument(
        "--arithmetics", nargs="+", choices=("float32", "TF32", "bfloat16"),
        default=["float32", "TF32", "bfloat16"], help="of the table",
    )  # fmt: skip
    parser.add_argument("--budget", type=float, help="seconds for each section (240 the table, 60 to 180)")
    parser.add_argument("--torch-python", default="python3", help="an interpreter that has PyTorch")
    parser.add_argument("--evaluations", type=int, default=100, help="of PyTorch's L-BFGS for its picture")
    parser.add_argument("--jobs", type=int, default=100, help="runs of the sweep")
    parser.add_argument("--job-steps", type=int, default=20, help="steps of each of them")
    parser.add_argument(
        "--batch", default="auto", help="sweep.batch of the second sweep; a CPU needs a number"
    )
    parser.add_argument("--output", type=Path, default=Path("outputs/gpu_check"))
    arguments = parser.asked()
    if len(arguments.sizes) < 2:
        parser.error("--sizes needs two or more: memory is compared between them")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
