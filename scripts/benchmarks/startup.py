"""From the command to the end of the first step, and where that time goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.nst_runs import run_nst

_RUNS = 3
_PARTS = ("pictures", "tensorflow", "weights", "network", "targets", "tracing", "first_steps")


def rows(size: int) -> Iterator[dict[str, Any]]:
    """The parts of the fastest of three runs with one step of Gram matrices, each in a process of its own."""
    words = ("objective=relative", f"image.size={size}", "pyramid=single", "steps=1")
    runs = [run_nst(*words)[0][0] for _ in range(_RUNS)]
    best = min(runs, key=lambda run: run["first_step_after"])
    parts = {name: best["seconds"][name] for name in _PARTS}
    whole = best["first_step_after"]
    for part, seconds in {"python_and_hydra": whole - sum(parts.values()), **parts, "all": whole}.items():
        yield {"part": part, "seconds": seconds}
    yield {"part": "all, of the slowest", "seconds": max(run["first_step_after"] for run in runs)}
