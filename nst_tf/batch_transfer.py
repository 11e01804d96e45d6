"""Several experiments optimized as one batch, where one alone would leave a chip idle."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nst_tf.experiment import Experiment
from nst_tf.optim.batched import BatchedLanes, OtherStep, steps_together
from nst_tf.optim.loop import RollBack, Solver
from nst_tf.optim.step import CompiledSteps, structure_of_optimizer
from nst_tf.pyramid import Scale
from nst_tf.report import Report
from nst_tf.style_transfer import Callback, Outcome, Transfer


def batch_key(experiment: Experiment) -> Hashable:
    """Equal for experiments that fit into one batch: same compiled step, same sizes; None for none.

    An experiment runs alone if it works on the host between two steps or in several passes, if it may end
    before the others do, or if binding it to regions logs a line, which would stand in another run's log.
    """
    alone = (
        not experiment.objective.takes_several
        or getattr(experiment.optimizer, "on_host", False)
        or experiment.patience is not None
        or experiment.before is not None
        or experiment.regions is not None
        or not experiment.balance.is_settled
    )
    if alone:
        return None
    return (
        tuple((scale.size, scale.style_size, scale.steps) for scale in experiment.scales),
        experiment.shapes,
        experiment.clip,
        experiment.parameterization,
        experiment.average,
        experiment.pyramid.carry_state,
        experiment.objective.compile_key,
        structure_of_optimizer(experiment.optimizer),
    )


def optimize_batch(
    experiments: Sequence[Experiment], compiled_steps: CompiledSteps
) -> list[BatchedRun | None]:
    """Optimize experiments with one ``batch_key`` as one batch; steps are taken from ``compiled_steps``.

    Each comes out as alone, but for rounding. None stands for one that must be made alone: because a step of
    it went wrong, or because its targets at some size have other shapes than those of the first.
    """
    count = len(experiments)
    lanes = BatchedLanes(compiled_steps, count)
    reports = [RecordedReports(one.image_every) for one in experiments]
    running = {
        number: Transfer(one, (reports[number],), lanes.lanes[number])
        for number, one in enumerate(experiments)
    }
    every = {number: one.image_every or None for number, one in enumerate(experiments)}
    try:
        for index, scale in enumerate(experiments[0].scales):
            lanes.next_size()
            for number, one in list(running.items()):
                try:
                    one.enter(index, scale)
                except OtherStep:
                    del running[number]
            solvers = {number: one.solver for number, one in running.items()}
            for number, report in steps_together(lanes, solvers, scale.steps, every):
                if report is None:
                    del running[number]
                else:
                    running[number].tell(report)
            for one in running.values():
                one.leave()
        outcomes = {number: one.outcome() for number, one in running.items()}
    finally:
        lanes.close()
    return [
        BatchedRun(outcomes[number], reports[number], count)
        if number in outcomes and not outcomes[number].diverged
        else None
        for number in range(count)
    ]


@dataclass(frozen=True)
class BatchedRun:
    """The result of one experiment of a batch; ``of`` is how many experiments the batch had."""

    outcome: Outcome
    reports: RecordedReports
    of: int

    def replayed(self, callbacks: Sequence[Callback]) -> Outcome:
        """The outcome, after the callbacks were told all that led to it."""
        self.reports.replay(callbacks)
        return self.outcome


class RecordedReports:
    """Callback that keeps all that it is told, with a picture every ``image_every`` steps (0: none)."""

    def __init__(self, image_every: int) -> None:
        self._image_every = image_every
        self._told: list[tuple[str, tuple[Any, ...]]] = []
        self._rate: float | None = None

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        self._told.append(("on_scale", (scale, height, width)))

    def on_report(self, report: Report, solver: Solver) -> None:
        if report.is_last_of_call:  # each time the host asks the device
            self._rate = solver.learning_rate
        wanted = self._image_every and (report.step + 1) % self._image_every == 0
        shown = SolverSnapshot(solver.picture if wanted else None, self._rate)
        self._told.append(("on_report", (report, shown)))

    def replay(self, callbacks: Sequence[Callback]) -> None:
        for method, facts in self._told:
            for callback in callbacks:
                getattr(callback, method)(*facts)


@dataclass(frozen=True)
class SolverSnapshot:
    """What callbacks ask of a solver, as it was when it made a report.

    ``picture`` [H, W, 3] is None between two progress pictures, where none asks.
    """

    picture: np.ndarray | None
    learning_rate: float | None
    roll_backs: Sequence[RollBack] = ()
    seconds: dict[str, float] = field(default_factory=lambda: {"first_steps": 0.0, "steps": 0.0})
