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


def measure(size: int, jobs: int, steps: int, budget: float) -> dict[str, Any]:
    """``jobs`` runs of Adam, ten learning rates by as many style weights as it takes; random weights."""
    weights = max(1, round(jobs / _RATES))
    rates = min(jobs, _RATES)
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "-m",
            "optimizer=adam",
            f"optimizer.learning_rate={','.join(f'{0.01 * (one + 1):.2f}' for one in range(rates))}",
            f"objective.style.weight={','.join(str(10 * (one + 1)) for one in range(weights))}",
            f"image.size={size}",
            "pyramid=single",
            f"steps={steps}",
            "model.weights=random",
            "record.image_every=0",
            "sweep.compare=false",
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
        "size": size,
        "jobs": len(summaries),
        "steps": steps,
        "seconds": seconds,
        "seconds_of_steps": sum(one["seconds"]["steps"] for one in summaries),
        "completed": sum(one["status"] == "completed" for one in summaries),
        "traces": sum(one["traces"] for one in summaries),
    }
