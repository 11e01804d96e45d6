"""From the command to the end of the first step, and where that time goes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def measure(size: int, runs: int) -> dict[str, Any]:
    """Runs ``nst`` with one step of Gram matrices in processes of their own; the fastest counts."""
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            words = ["objective=relative", f"image.size={size}", "pyramid=single", "steps=1"]
            words.append(f"hydra.run.dir={folder}/run")
            began = time.perf_counter()
            subprocess.run([sys.executable, "-m", "nst_tf", *words], check=True, capture_output=True)
            whole = time.perf_counter() - began
            summary = json.loads((Path(folder) / "run/run.json").read_text(encoding="utf-8"))
            found.append(
                {"first_step": summary["first_step_after"], "whole": whole, "seconds": summary["seconds"]}
            )
    best = min(found, key=lambda one: one["first_step"])
    before = best["first_step"] - sum(
        best["seconds"][name]
        for name in ("pictures", "tensorflow", "weights", "network", "targets", "tracing", "first_steps")
    )
    return {
        "size": size,
        **best,
        "python_and_hydra": before,
        "all_first_steps": [o["first_step"] for o in found],
    }
