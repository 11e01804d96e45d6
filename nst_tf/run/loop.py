"""The main loop: coarse to fine, ask and tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from nst_tf.colour import PLAIN, Canvas
from nst_tf.pyramid import Scale
from nst_tf.pyramid.carry import enlarged, with_detail
from nst_tf.record.checkpoint import Checkpoint
from nst_tf.run.experiment import Experiment
from nst_tf.run.outcome import Outcome, outcome_of
from nst_tf.run.stage import stage_at
from nst_tf.run.untouched import Untouched
from nst_tf.solver import Diverged, Report, Solver
from nst_tf.solver.compiled_step import Waiting


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
    one = Optimization(experiment, watchers, experiment.waiting)
    diverged: Diverged | None = None
    for index, scale in enumerate(experiment.scales):
        if resumed is not None and index < resumed.scale:
            continue
        one.enter(index, scale)
        steps = scale.steps
        if resumed is not None:
            one.solver.restore(resumed.state, resumed.step, resumed.seconds)
            steps -= resumed.steps_at_scale
            resumed = None
        try:
            for report in one.solver.steps(steps, experiment.image_every or None):
                one.tell(report)
        except Diverged as error:
            diverged = error
        one.leave()
        if diverged:
            break
    else:
        one.end()
    return one.outcome(diverged)


class Optimization:
    """One experiment on its way from coarse to fine, whoever drives its ``solver``."""

    def __init__(
        self, experiment: Experiment, watchers: tuple[Watcher, ...] = (), waiting: Waiting | None = None
    ) -> None:
        """``waiting`` is where the solver takes its compiled steps."""
        self.experiment = experiment
        self.solver = Solver(
            experiment.optimizer,
            clip=experiment.clip,
            keep_best=experiment.keep_best,
            average=experiment.average,
            carry=experiment.pyramid.carry_state,
            waiting=waiting,
            patience=experiment.patience,
        )
        self._watchers = watchers
        self._image: np.ndarray | None = None
        self._canvas: Canvas = PLAIN
        self._keep: Callable[[np.ndarray], np.ndarray] = lambda picture: picture
        self._seconds_of_targets = 0.0
        self._untouched = Untouched(experiment.bits)

    def enter(self, index: int, scale: Scale) -> None:
        """Begin the size of this number, with what the one before left."""
        stage = stage_at(scale, self.experiment)
        self._canvas, self._keep = stage.canvas, stage.keep
        height, width = stage.height, stage.width
        image = self._image
        if image is None:
            random = np.random.default_rng(self.experiment.seed)
            styles = [style.pixels for style in stage.styles]
            image = self.experiment.start(stage.content, styles, random)
        for watcher in self._watchers:
            watcher.on_scale(scale, height, width)
        began = time.perf_counter()
        bound = self.experiment.balance.applied(stage.bound(self.experiment), index)
        self._seconds_of_targets += time.perf_counter() - began
        begin_with = self._canvas.image(self._keep(self._grown(image, height, width)))
        self._untouched.begin(self._keep(self._canvas.saved(begin_with)))
        # of tens of megapixels each is most of a gigabyte, which the steps may need
        del stage, image
        self._image = None
        self.solver.enter(begin_with, bound, self._canvas)

    def _grown(self, picture: np.ndarray, height: int, width: int) -> np.ndarray:
        """The picture [h, w, 3] of the size before at this one."""
        experiment = self.experiment
        found = enlarged(picture, height, width, circular=experiment.circular)
        share = experiment.pyramid.detail if experiment.objective.content else 0.0
        if share == 0 or picture.shape == found.shape:
            return found
        content, coarser = (
            experiment.resize(experiment.content, *sides) for sides in (found.shape[:2], picture.shape[:2])
        )
        return with_detail(found, content, coarser, share, circular=experiment.circular)

    def tell(self, report: Report) -> None:
        """The solver made a step."""
        self._untouched.told(report.loss)
        for watcher in self._watchers:
            watcher.on_report(report, self.solver)

    def leave(self) -> None:
        """The size is done."""
        image = self.solver.image
        self._untouched.end(self._keep(self._canvas.saved(image)))
        self._image = self._canvas.carried(image)

    def end(self) -> None:
        """All steps are made: tell the watchers that have ``on_end``, while the solver has its state."""
        for watcher in self._watchers:
            if on_end := getattr(watcher, "on_end", None):
                on_end(self.solver)

    def outcome(self, diverged: Diverged | None = None) -> Outcome:
        """What came out; ``diverged`` is what ended it early."""
        self.solver.close()
        return outcome_of(
            self.solver,
            self.experiment,
            self._canvas,
            self._keep,
            diverged,
            self._seconds_of_targets,
            self._untouched,
        )
