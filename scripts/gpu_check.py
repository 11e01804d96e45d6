"""Check nst_tf on a GPU and measure it there: one command, ten minutes, JSON and a table.

    python scripts/gpu_check.py                                   # on the first GPU that TensorFlow sees
    python scripts/gpu_check.py --torch-python python3            # and PyTorch beside it, if that one has it
    python scripts/gpu_check.py --device cpu --sizes 64 128 --batch 4    # a rehearsal

Ends with 0 if all checks hold, 1 if one fails or could not be made, 3 without a GPU. Each section has a
budget in seconds, fails alone, and is written to the JSON file as soon as it is done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nst_tf.tensorflow_setup import load_tensorflow

SECTIONS = (
    "copies", "agreement", "determinism", "memory", "table", "statistics", "picture", "peers", "sweep",
)  # fmt: skip
NO_GPU = 3  # exit status
# seconds on a GPU in which it was meant to fit, ten minutes in all; the table takes what is there
BUDGETS = {"table": 240.0, "peers": 90.0, "sweep": 180.0}


def main() -> int:
    """Check and measure what is named on the command line -> exit status."""
    arguments = _arguments()
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # PyTorch needs some of the memory, too
    load_tensorflow()
    from benchmarks.machine import machine
    from gpu_checks.device import Device

    console = Console(width=120)
    device = Device(arguments.device.upper())
    if not device.there():
        console.print(f"TensorFlow sees no {device.kind} here: --device cpu rehearses everything on the CPU.")
        return NO_GPU
    found: dict[str, Any] = {"machine": machine(), "device": device.facts(), "sections": {}, "checks": []}
    found |= {"began": time.strftime("%Y-%m-%d %H:%M:%S"), "rehearsal": not device.is_gpu}
    console.print(f"{found['device']}")
    if not device.is_gpu:
        console.print("A rehearsal on the CPU: no figure below is a GPU's.")
    for name in arguments.sections or SECTIONS:
        _section(name, arguments, device, found, console)
        _write(arguments.output, found)
    return _verdict(found, console)


def _section(
    name: str, arguments: argparse.Namespace, device: Any, found: dict[str, Any], console: Console
) -> None:
    """Do one section; its failure is a check that failed."""
    began = time.perf_counter()
    budget = arguments.budget or BUDGETS.get(name, 60.0)

    def report(so_far: Any) -> None:
        found["sections"][name] = {"result": so_far, "seconds": time.perf_counter() - began}
        _write(arguments.output, found)

    try:
        result, checks = _measured(name, arguments, device, budget, began + budget, report)
        report(result)
        found["checks"] += [check.as_json() for check in checks]
        for table in TABLES.get(name, lambda _: ())(result):
            console.print(table)
    except Exception as error:  # whatever it is: the other sections go on, and it is told
        found["sections"].setdefault(name, {})["error"] = traceback.format_exc()
        said = (str(error).splitlines() or [""])[0][:300]
        found["checks"].append(
            {"name": f"section {name}", "holds": False, "detail": f"{type(error).__name__}: {said}"}
        )
    console.print(f"{name}: {time.perf_counter() - began:.0f} s")


def _measured(
    name: str, arguments: argparse.Namespace, device: Any, budget: float, until: float,
    report: Callable[[Any], None],
) -> tuple[Any, list[Any]]:  # fmt: skip
    """What a section found, as JSON has it, and its checks."""
    from gpu_checks import agreement, copies, growth, peers, statistics, sweep, table

    sizes, arithmetics = tuple(arguments.sizes), tuple(arguments.arithmetics)
    precisions = tuple(dict.fromkeys("float32" if one == "TF32" else one for one in arithmetics))
    if name == "copies":
        return None, copies.measure(device, min(sizes))
    if name == "agreement":
        lower = ("bfloat16", "float16") if device.is_gpu else precisions
        return None, agreement.measure(device, min(sizes), tuple(dict.fromkeys(("float32", *lower))))
    if name == "determinism":
        return None, agreement.measure_determinism(device, min(sizes))
    if name == "memory":
        return growth.measure(device, sizes, precisions[-1])
    if name == "table":
        rows = table.measure(device, sizes, arithmetics, lambda: until - time.perf_counter(), report)
        return rows, table.failures(rows)
    if name == "statistics":
        size = min(sizes, key=lambda size: abs(size - 512))
        return {"size": size, "ms": statistics.measure(device, size, precisions[-1])}, []
    if name == "picture":
        size = min(sizes, key=lambda size: abs(size - 512))
        return peers.measure_picture(device, arguments.torch_python, size, arguments.evaluations)
    if name == "peers":
        return peers.measure(device, arguments.torch_python, sizes, arithmetics, budget)
    return sweep.measure(min(sizes), arguments.jobs, arguments.job_steps, budget, arguments.batch), []


def _verdict(found: dict[str, Any], console: Console) -> int:
    table = Table("check", "", "", title="Checks")
    words = {True: "holds", False: "FAILS", None: "not known here"}
    for check in found["checks"]:
        table.add_row(check["name"], words[check["holds"]], check["detail"])
    console.print(table)
    return 1 if any(check["holds"] is False for check in found["checks"]) else 0


def _write(output: Path, found: dict[str, Any]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    (output / "gpu_check.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _step_tables(rows: list[dict[str, Any]]) -> tuple[Table, ...]:
    table = Table(
        "size", "arithmetic", "XLA", "layout", "convolutions in", "steps a call", "ms a step", "TFLOP/s",
        "matrix product", "share", "peak GiB", title="A step", show_edge=False,
    )  # fmt: skip
    for row in rows:
        told = [str(row["size"]), row["arithmetic"], "yes" if row["jit_compile"] else "no", row["layout"]]
        if "error" in row:
            table.add_row(*told, "not measured")
            continue
        table.add_row(
            *told, row["convolutions_in"], str(row["steps_a_call"]), f"{row['ms_a_step']:.2f}",
            f"{row['tflops']:.3g}", f"{row['product_tflops']:.3g}", f"{row['share']:.0%}",
            f"{row['peak_bytes'] / 2**30:.2f}",
        )  # fmt: skip
    return (table,)


def _peer_tables(found: dict[str, Any]) -> tuple[Table, ...]:
    table = Table("size", "arithmetic", "compiled", "layout", "ms a step", title=f"PyTorch {found['torch']}")
    for row in found["step"]:
        figure = row.get("error") or f"{row['ms_a_step']:.2f}"
        compiled = "yes" if row["compiled"] else "no"
        table.add_row(str(row["size"]), row["arithmetic"], compiled, row["layout"], figure)
    return (table,)


def _plain_tables(found: dict[str, Any]) -> tuple[Table, ...]:
    table = Table("", "")
    for name, value in found.items():
        table.add_row(name.replace("_", " "), f"{value:.6g}" if isinstance(value, float) else str(value))
    return (table,)


def _statistics_tables(found: dict[str, Any]) -> tuple[Table, ...]:
    table = Table("statistic of style", "ms a step", title=f"A step of {found['size']} pixels")
    for name, milliseconds in found["ms"].items():
        table.add_row(name, f"{milliseconds:.2f}")
    return (table,)


def _memory_tables(rows: list[dict[str, Any]]) -> tuple[Table, ...]:
    table = Table("size", "precision", "peak GiB", "estimate GiB", title="Memory on the device")
    for row in rows:
        peak, estimate = (f"{row[name] / 2**30:.2f}" for name in ("peak_bytes", "estimated_bytes"))
        table.add_row(str(row["size"]), row["precision"], peak, estimate)
    return (table,)


TABLES: dict[str, Callable[[Any], tuple[Table, ...]]] = {
    "memory": _memory_tables,
    "table": _step_tables,
    "statistics": _statistics_tables,
    "picture": _plain_tables,
    "peers": _peer_tables,
    "sweep": _plain_tables,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    # no `choices`: argparse takes an empty list for a choice that is not there
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
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
    arguments = parser.parse_args()
    if unknown := [one for one in arguments.sections if one not in SECTIONS]:
        parser.error(f"no section {unknown[0]!r}: choose of {', '.join(SECTIONS)}")
    if len(arguments.sizes) < 2:
        parser.error("--sizes needs two or more: memory is compared between them")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
