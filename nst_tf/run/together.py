"""Several experiments optimized at once, where one alone would leave a chip idle."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from nst_tf.run.experiment import Experiment
from nst_tf.run.loop import Optimization, Watcher
from nst_tf.run.outcome import Outcome
from nst_tf.run.tape import Tape
from nst_tf.solver import BatchedSteps, OtherStep, Seats, steps_together
from nst_tf.solver.compiled_step import structure_of_optimizer


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
    seats = Seats(waiting, count)
    tapes = [Tape(one.image_every) for one in experiments]
    going_on = {
        number: Optimization(one, (tapes[number],), seats.seats[number])
        for number, one in enumerate(experiments)
    }
    every = {number: one.image_every or None for number, one in enumerate(experiments)}
    try:
        for index, scale in enumerate(experiments[0].scales):
            seats.next_size()
            for number, one in list(going_on.items()):
                try:
                    one.enter(index, scale)
                except OtherStep:
                    del going_on[number]
            solvers = {number: one.solver for number, one in going_on.items()}
            for number, report in steps_together(seats, solvers, scale.steps, every):
                if report is None:
                    del going_on[number]
                else:
                    going_on[number].tell(report)
            for one in going_on.values():
                one.leave()
        outcomes = {number: one.outcome() for number, one in going_on.items()}
    finally:
        seats.close()
    return [
        None if number not in outcomes or outcomes[number].diverged else Made(outcomes[number], tape, count)
        for number, tape in enumerate(tapes)
    ]
