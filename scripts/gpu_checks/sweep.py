"""Seconds for a warm sweep: many runs in one process that differ in numbers only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_RATES = 10


def measure(size: int, jobs: int, steps: int, budget: float, batch: str) -> dict[str, Any]:
    """``jobs`` runs of Adam, ten learning rates by as many style weights as it takes; random weights.

    One by one, and with ``sweep.batch=BATCH``. The two ratios say how many times as many runs a second the
    latter makes: by the steps after the first of each compiled step, and by the whole command.
    """
    until = time.perf_counter() + budget
    alone = _measured(size, jobs, steps, until - time.perf_counter(), "1")
    together = _measured(size, jobs, steps, until - time.perf_counter(), batch)
    return {
        "size": size,
        "steps": steps,
        **{f"one by one, {name}": value for name, value in alone.items()},
        **{f"sweep.batch={batch}, {name}": value for name, value in together.items()},
        "times_as_many_by_steps": alone["seconds_of_steps"] / together["seconds_of_steps"],
        "times_as_many_by_command": alone["seconds"] / together["seconds"],
    }


def _measured(size: int, jobs: int, steps: int, budget: float, batch: str) -> dict[str, Any]:
    weights = max(1, round(jobs / _RATES))
    rates = min(jobs, _RATES)
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "-m",
            "objective=relative",
            "optimizer=adam",
            f"optimizer.learning_rate={','.join(f'{0.01 * (one + 1):.2f}' for one in range(rates))}",
            f"objective.style.weight={','.join(str(10 * (one + 1)) for one in range(weights))}",
            f"image.size={size}",
            "pyramid=single",
            f"steps={steps}",
            "model.weights=random",
            "record.image_every=0",
            "sweep.compare=false",
            f"sweep.batch={batch}",
            f"hydra.sweep.dir={folder}/sweep",
        ]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "nst_tf", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=budget,
            env=os.environ | {"TF_FORCE_GPU_ALLOW_GROWTH": "true"},  # this process holds memory, too
        )
        if done.returncode:
            raise RuntimeError((done.stderr.splitlines() or ["the sweep failed"])[-1])
        seconds = time.perf_counter() - began
        files = sorted(Path(folder).glob("sweep/*/run.json"))
        summaries = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return {
        "jobs": len(summaries),
        "seconds": seconds,
        "seconds_of_steps": sum(one["seconds"]["steps"] for one in summaries),
        "completed": sum(one["status"] == "completed" for one in summaries),
        "traces": sum(one["traces"] for one in summaries),
        "at_once": max(one.get("batch", 1) for one in summaries),
    }
