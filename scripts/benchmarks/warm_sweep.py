"""What a job of a sweep takes beyond its steps, when it differs from an earlier one only in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.nst_runs import run_nst


def rows(size: int) -> Iterator[dict[str, Any]]:
    """A sweep of eight jobs in one process: two rates by two weights by two seeds, at ``size`` pixels.

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
