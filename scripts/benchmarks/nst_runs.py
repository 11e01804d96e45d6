"""``nst`` in a process of its own, as people call it: where its time goes at the start, and in sweeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_STARTS = 3
_PARTS = ("pictures", "tensorflow", "weights", "network", "targets", "tracing", "first_steps")
_RATES = 10  # of the sweep that is batched


def run_nst(*words: str, seconds: float | None = None) -> tuple[list[dict[str, Any]], float]:
    """Run it, or a sweep with ``-m`` as the first word, in a folder that is removed afterwards.

    Returns what each run.json says, with the moment at which it was written as ``written``, and the seconds
    of the whole command. Raises RuntimeError with its last line, TimeoutExpired after so many ``seconds``.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = "hydra.sweep.dir" if words[0] == "-m" else "hydra.run.dir"
        command = [sys.executable, "-m", "nst_tf", *words, f"{place}={folder}/made"]
        # the process that measures may hold memory of a GPU, too
        environment = os.environ | {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        began = time.perf_counter()
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=seconds, env=environment
        )
        took = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError((done.stderr.splitlines() or ["nst failed"])[-1])
        files = [Path(folder) / "made" / "run.json", *Path(folder).glob("made/[0-9]*/run.json")]
        found = [
            json.loads(file.read_text(encoding="utf-8")) | {"written": file.stat().st_mtime}
            for file in files
            if file.exists()
        ]
    return sorted(found, key=lambda summary: summary["written"]), took


def startup(size: int) -> Iterator[dict[str, Any]]:
    """Parts of the time from the command to the end of the first step, in the fastest of three runs."""
    words = ("objective=relative", f"image.size={size}", "pyramid=single", "steps=1")
    runs = [run_nst(*words)[0][0] for _ in range(_STARTS)]
    best = min(runs, key=lambda run: run["first_step_after"])
    parts = {name: best["seconds"][name] for name in _PARTS}
    whole = best["first_step_after"]
    for part, seconds in {"python_and_hydra": whole - sum(parts.values()), **parts, "all": whole}.items():
        yield {"part": part, "seconds": seconds}
    yield {"part": "all, of the slowest", "seconds": max(run["first_step_after"] for run in runs)}


def warm_sweep(size: int) -> Iterator[dict[str, Any]]:
    """Eight jobs in one process, which differ in numbers alone: two rates by two weights by two seeds.

    A job lasts from the moment its predecessor's summary was written to its own, with Hydra's composing
    of its configuration; its steps are what was spent in the compiled step.
    """
    jobs, _ = run_nst(
        *("-m", "objective=relative", "optimizer=adam", "init=noise", "pyramid=single", f"image.size={size}"),
        *("steps=5", "optimizer.learning_rate=0.01,0.02", "objective.style.weight=10,20", "seed=1,2"),
    )
    before = float("nan")
    for number, job in enumerate(jobs):
        steps = job["seconds"]["first_steps"] + job["seconds"]["steps"]
        yield {
            "job": number, "seconds_of_steps": steps, "seconds_beyond": job["written"] - before - steps,
            "traces": job["traces"], "parts": job["seconds"],
        }  # fmt: skip
        before = job["written"]


def batched_sweep(size: int, jobs: int, steps: int, budget: float, batch: str) -> Iterator[dict[str, Any]]:
    """``jobs`` runs of Adam, ten learning rates by as many style weights as it takes; random weights.

    One by one, and with ``sweep.batch=BATCH``. How many times as many runs a second the latter makes stands
    in the last two columns: by the steps after the first of each compiled step, and by the whole command.
    """
    until, alone = time.perf_counter() + budget, None
    rates = ",".join(f"{0.01 * (one + 1):.2f}" for one in range(min(jobs, _RATES)))
    weights = ",".join(str(10 * (one + 1)) for one in range(max(1, round(jobs / _RATES))))
    for together in ("1", batch):
        runs, seconds = run_nst(
            *("-m", "objective=relative", "optimizer=adam", "pyramid=single", "model.weights=random"),
            *(f"optimizer.learning_rate={rates}", f"objective.style.weight={weights}", f"steps={steps}"),
            *(f"image.size={size}", "record.image_every=0", "sweep.compare=false", f"sweep.batch={together}"),
            seconds=until - time.perf_counter(),
        )
        seconds_of_steps = sum(run["seconds"]["steps"] for run in runs)
        alone = alone or (seconds_of_steps, seconds)
        yield {
            "sweep.batch": together, "jobs": len(runs), "seconds": seconds,
            "seconds_of_steps": seconds_of_steps,
            "completed": sum(run["status"] == "completed" for run in runs),
            "traces": sum(run["traces"] for run in runs),
            "at_once": max(run.get("batch", 1) for run in runs),
            "times_by_steps": alone[0] / seconds_of_steps, "times_by_command": alone[1] / seconds,
        }  # fmt: skip
