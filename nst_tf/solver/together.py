"""The loop of several solvers whose compiled calls are one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np

from nst_tf.solver.batched_step import Seats, stacked
from nst_tf.solver.health import Verdict
from nst_tf.solver.pace import Pace
from nst_tf.solver.report import Report
from nst_tf.solver.solver import Solver


def steps_together(
    seats: Seats, solvers: Mapping[int, Solver], count: int, reports_every: Mapping[int, int | None]
) -> Iterator[tuple[int, Report | None]]:
    """Run ``count`` steps of each solver and yield seat and report of each, call by call.

    ``solvers``, by the number of their seat, have entered the same size, with objectives of one structure and
    without patience; seats without a solver are computed and not looked at. A solver whose step went wrong
    gets no more reports: None comes in the place of those of that call. Each solver's ``seconds`` are its
    share of the time. Calls are as long as in ``Solver.steps``.
    """
    if count == 0 or not solvers:
        return
    going_on = dict(solvers)
    first = next(iter(going_on.values()))
    bounds = [going_on.get(number, first).bound for number in range(len(seats.seats))]
    targets, weights = stacked(bounds)
    share = 1 / len(going_on)
    began = time.perf_counter()
    seats.step.trace(targets, weights)
    tracing = time.perf_counter() - began
    for solver in going_on.values():
        solver.begin_steps(share * tracing)
    pace = Pace(count)
    while pace.left and going_on:
        chunk = min(pace.next_call(solver.step, reports_every[number]) for number, solver in going_on.items())
        called = time.perf_counter()
        rows = seats.step(chunk, targets, weights)  # the one host sync
        took = time.perf_counter() - called
        for number, solver in list(going_on.items()):
            if np.any(rows[number, :, 0] != Verdict.GOOD):
                del going_on[number]
                yield number, None
                continue
            for report in solver.told(rows[number], chunk, share * took, is_first=pace.done == 0):
                yield number, report
        pace.made(chunk, took)
