"""The main loop: coarse to fine, ask and tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from nst_tf.colour import PLAIN, Canvas
from nst_tf.pyramid import Scale, enlarged
from nst_tf.record.checkpoint import Checkpoint
from nst_tf.run.experiment import Experiment
from nst_tf.run.outcome import Outcome, outcome_of
from nst_tf.run.stage import stage_at
from nst_tf.solver import Diverged, Report, Solver


class Watcher(Protocol):
    """Who is told what happens: the run's folder, the terminal, a library's caller."""

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """A size begins."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """A step was made; ``solver.picture`` is the picture after the call that it was part of."""


def optimize(
    experiment: Experiment, watchers: tuple[Watcher, ...] = (), resumed: Checkpoint | None = None
) -> Outcome:
    """Run the experiment; a divergence ends it with the best picture seen.

    ``loss`` and ``parts`` of the outcome are those of the saved picture itself, clipped and rounded to
    the bits of its file, under the objective at the last size. ``resumed`` is a checkpoint of the same
    experiment.
    """
    solver = Solver(
        experiment.optimizer,
        clip=experiment.clip,
        keep_best=experiment.keep_best,
        average=experiment.average,
        carry=experiment.pyramid.carry_state,
        waiting=experiment.waiting,
        patience=experiment.patience,
    )
    image: np.ndarray | None = None
    canvas: Canvas = PLAIN
    keep: Callable[[np.ndarray], np.ndarray] = lambda picture: picture  # noqa: E731
    diverged: Diverged | None = None
    seconds_of_targets = 0.0
    for index, scale in enumerate(experiment.scales):
        if resumed is not None and index < resumed.scale:
            continue
        stage = stage_at(scale, experiment)
        canvas, keep, height, width = stage.canvas, stage.keep, stage.height, stage.width
        if image is None:
            random = np.random.default_rng(experiment.seed)
            image = experiment.start(stage.content, [style.pixels for style in stage.styles], random)
        for watcher in watchers:
            watcher.on_scale(scale, height, width)
        began = time.perf_counter()
        bound = experiment.balance.applied(stage.bound(experiment), index)
        seconds_of_targets += time.perf_counter() - began
        begin_with = keep(enlarged(image, height, width, circular=experiment.circular))
        solver.enter(canvas.image(begin_with), bound, canvas)
        # of tens of megapixels each is most of a gigabyte, which the steps may need
        del stage
        image = np.empty((0, 0, 3), np.float32)
        steps = scale.steps
        if resumed is not None:
            solver.restore(resumed.state, resumed.step, resumed.seconds)
            steps -= resumed.steps_at_scale
            resumed = None
        try:
            for report in solver.steps(steps, experiment.image_every or None):
                for watcher in watchers:
                    watcher.on_report(report, solver)
        except Diverged as error:
            diverged = error
        image = canvas.carried(solver.image)
        if diverged:
            break
    solver.close()
    return outcome_of(solver, experiment, canvas, keep, diverged, seconds_of_targets)
