"""Several runs optimized at once, where one alone would leave a chip idle."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nst_tf.experiment import Experiment
from nst_tf.optim.batched import BatchedLanes, BatchedSteps, OtherStep, steps_together
from nst_tf.optim.loop import RollBack, Solver
from nst_tf.optim.step import structure_of_optimizer
from nst_tf.pyramid import Scale
from nst_tf.report import Report
from nst_tf.style_transfer import Optimization, Outcome, Watcher

# ----------------------------------------------------------------------------
# What watchers are told of a run, kept and told to others later.


@dataclass(frozen=True)
class KeptSolver:
    """What watchers ask of a solver, as it was when it made a report; its time is over.

    ``picture`` [H, W, 3] is None between two progress pictures, where none asks.
    """

    picture: np.ndarray | None
    learning_rate: float | None
    roll_backs: Sequence[RollBack] = ()
    seconds: dict[str, float] = field(default_factory=lambda: {"first_steps": 0.0, "steps": 0.0})


class Tape:
    """A watcher that keeps everything, with a picture every ``image_every`` steps; 0 is none."""

    def __init__(self, image_every: int) -> None:
        """Nothing yet."""
        self._image_every = image_every
        self._told: list[tuple[str, tuple[Any, ...]]] = []
        self._rate: float | None = None

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Keep it."""
        self._told.append(("on_scale", (scale, height, width)))

    def on_report(self, report: Report, solver: Solver) -> None:
        """Keep it, with what the solver shows."""
        if report.is_last_of_call:  # each time the host asks the device
            self._rate = solver.learning_rate
        wanted = self._image_every and (report.step + 1) % self._image_every == 0
        shown = KeptSolver(solver.picture if wanted else None, self._rate)
        self._told.append(("on_report", (report, shown)))

    def play(self, watchers: Sequence[Watcher]) -> None:
        """Tell it all, in order."""
        for method, facts in self._told:
            for watcher in watchers:
                getattr(watcher, method)(*facts)


# ----------------------------------------------------------------------------
# Several experiments optimized at once, where one alone would leave a chip idle.


@dataclass(frozen=True)
class Made:
    """What came out of one experiment that was optimized with others, ``of`` so many in all."""

    outcome: Outcome
    tape: Tape
    of: int

    def played(self, watchers: Sequence[Watcher]) -> Outcome:
        """The outcome, after the watchers were told all that led to it."""
        self.tape.play(watchers)
        return self.outcome


def kind_of(experiment: Experiment) -> Hashable:
    """Equal for experiments that can be optimized together: same compiled step, same sizes; None for none.

    It can't be where something is done on the host between two steps, or in several passes, where it may end
    before the others do, or where binding it to regions has something to say, which would be said elsewhere.
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
        experiment.average,
        experiment.pyramid.carry_state,
        experiment.objective.structure,
        structure_of_optimizer(experiment.optimizer),
    )


def optimize_together(experiments: Sequence[Experiment], waiting: BatchedSteps) -> list[Made | None]:
    """Optimize those of one kind as one batch; steps are taken from those ``waiting``.

    Each comes out as alone, but for rounding. None is the outcome of one that must be made alone: because a
    step of it went wrong, or because the targets at some size have other shapes than those of the first.
    """
    count = len(experiments)
    lanes = BatchedLanes(waiting, count)
    tapes = [Tape(one.image_every) for one in experiments]
    going_on = {
        number: Optimization(one, (tapes[number],), lanes.lanes[number])
        for number, one in enumerate(experiments)
    }
    every = {number: one.image_every or None for number, one in enumerate(experiments)}
    try:
        for index, scale in enumerate(experiments[0].scales):
            lanes.next_size()
            for number, one in list(going_on.items()):
                try:
                    one.enter(index, scale)
                except OtherStep:
                    del going_on[number]
            solvers = {number: one.solver for number, one in going_on.items()}
            for number, report in steps_together(lanes, solvers, scale.steps, every):
                if report is None:
                    del going_on[number]
                else:
                    going_on[number].tell(report)
            for one in going_on.values():
                one.leave()
        outcomes = {number: one.outcome() for number, one in going_on.items()}
    finally:
        lanes.close()
    return [
        None if number not in outcomes or outcomes[number].diverged else Made(outcomes[number], tape, count)
        for number, tape in enumerate(tapes)
    ]
