"""Seconds for a warm sweep: many runs in one process that differ in numbers only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.nst_runs import run_nst

_RATES = 10


def measure(size: int, jobs: int, steps: int, budget: float, batch: str) -> Iterator[dict[str, Any]]:
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
