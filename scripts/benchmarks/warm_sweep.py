"""What a job of a sweep takes beyond its steps, when it differs from an earlier one only in numbers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def measure(size: int) -> dict[str, Any]:
    """A sweep of eight jobs in one process: two rates by two weights by two seeds, at ``size`` pixels.

    A job lasts from the moment its predecessor's summary was written to its own, with Hydra's composing
    of its configuration; its steps are what was spent in the compiled step.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "-m",
            "objective=relative",
            "optimizer=adam",
            "optimizer.learning_rate=0.01,0.02",
            "objective.style.weight=10,20",
            "init=noise",
            "seed=1,2",
            f"image.size={size}",
            "pyramid=single",
            "steps=5",
            f"hydra.sweep.dir={folder}/sweep",
        ]
        subprocess.run([sys.executable, "-m", "nst_tf", *words], check=True, capture_output=True)
        jobs = [Path(folder) / "sweep" / str(number) / "run.json" for number in range(8)]
        ends = [path.stat().st_mtime for path in jobs]
        summaries = [json.loads(path.read_text(encoding="utf-8")) for path in jobs]
    steps = [one["seconds"]["first_steps"] + one["seconds"]["steps"] for one in summaries]
    beyond = [after - before - made for before, after, made in zip(ends, ends[1:], steps[1:], strict=False)]
    return {
        "size": size,
        "seconds_of_steps": steps,
        "seconds_beyond_steps": beyond,
        "largest": max(beyond),
        "median": sorted(beyond)[len(beyond) // 2],
        "traces": [one["traces"] for one in summaries],
        "parts_of_last_job": summaries[-1]["seconds"],
    }
