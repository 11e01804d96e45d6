"""The algorithm on one page: for each size bind, optimize, carry over; then the result and its loss."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import tensorflow as tf
from omegaconf import DictConfig

from nst_tf.balance import AutoBalance, GradientNorms, gradient_norms_of, half_way
from nst_tf.color import PLAIN, Canvas
from nst_tf.errors import counted
from nst_tf.experiment import Experiment
from nst_tf.guidance import Regions
from nst_tf.images.pixels import rounded as rounded_to
from nst_tf.images.resize import resize_mask
from nst_tf.objective import BoundObjective, StyleImage
from nst_tf.optim.loop import Diverged, RollBack, Solver
from nst_tf.optim.step import Waiting
from nst_tf.pyramid import Scale
from nst_tf.pyramid.carry import enlarged, with_detail
from nst_tf.report import Report, Untouched
from nst_tf.runs.checkpoint import Checkpoint

# ----------------------------------------------------------------------------
# What comes out of a run: the picture as it is saved, and its own loss.


@dataclass
class Outcome:
    """What came out: the picture as it is saved, rounded to the bits of its file, and its own loss.

    ``score`` gives loss and parts of any picture of the same size, [H, W, 3] in [0, 1], such as one read
    back from a lossy file. ``seconds``: of targets, tracing, the first step of each size, further steps,
    and of computing the loss of the result. ``is_best_seen``: the picture is the best one of the steps, and
    not the one after the last of them. ``failed_at_start``: it diverged before the first step at a size.
    """

    pixels: np.ndarray
    loss: float
    parts: dict[str, float]
    steps: int
    traces: int
    score: Callable[[np.ndarray], tuple[float, dict[str, float]]]
    seconds: dict[str, float]
    diverged: str | None = None
    is_best_seen: bool = False
    roll_backs: tuple[RollBack, ...] = ()
    failed_at_start: bool = False
    untouched: str | None = None
    """What to say if the picture is the one that the run started from."""


def outcome_of(
    solver: Solver,
    experiment: Experiment,
    canvas: Canvas,
    keep: Callable[[np.ndarray], np.ndarray],
    failure: Diverged | None,
    seconds_of_targets: float,
    untouched: Untouched,
) -> Outcome:
    """The best that the solver has to show, as it is saved, scored; ``failure`` is what ended it early."""
    diverged = None if failure is None else str(failure)
    # the last update was never evaluated: it may be better still than the best seen, or be no picture
    candidates = [solver.image]
    if diverged is None and not np.isfinite(solver.last_image).all():
        diverged = f"the image is not finite after {counted(solver.step, 'step')}"
    if diverged:
        candidates = [solver.best_image]
    elif experiment.keep_best:
        candidates.insert(0, solver.last_image)
    rounded = tuple(rounded_to(keep(canvas.saved(candidate)), experiment.bits) for candidate in candidates)
    began = time.perf_counter()
    # an image below the best seen needs no comparison with it, but an average of images may be better, and
    # what is saved for another image
    comparable = experiment.average is None and canvas is PLAIN
    good_enough = solver.best_loss if comparable else -np.inf
    pixels, loss, parts = solver.result(rounded, good_enough)
    scoring = time.perf_counter() - began
    seconds = {"targets": seconds_of_targets, **solver.seconds, "scoring": scoring}
    is_best_seen = experiment.keep_best and experiment.average is None and pixels is rounded[-1]
    return Outcome(
        pixels,
        loss,
        parts,
        solver.step,
        solver.traces,
        solver.loss_of,
        seconds,
        diverged,
        is_best_seen,
        tuple(solver.roll_backs),
        failure is not None and failure.at_start,
        untouched.sentence(pixels, is_best_seen) if solver.step else None,
    )


# ----------------------------------------------------------------------------
# One size of a run: its pictures as the objective sees them.


@dataclass(frozen=True)
class Stage:
    """Content [height, width, 3], styles and regions at one size, in the colors that the objective sees.

    ``canvas`` stands between the image that is optimized and the picture that is saved; ``keep`` gives a
    picture those pixels of the content that must stay.
    """

    height: int
    width: int
    content: np.ndarray
    styles: list[StyleImage]
    canvas: Canvas
    regions: Regions | None
    keep: Callable[[np.ndarray], np.ndarray]

    def bound(self, experiment: Experiment) -> BoundObjective:
        """The objective with the targets of this size."""
        return experiment.objective.bind(
            self.content, self.styles, self.canvas.view, self.regions, experiment.before
        )


def stage_at(scale: Scale, experiment: Experiment) -> Stage:
    """The pictures of the experiment at one size; raises InputError if one would be too small."""
    (height, width), shapes = experiment.shapes_at(scale)
    content = experiment.resize(experiment.content, height, width)
    styles = [
        experiment.resize(style.pixels, *shape)
        for style, shape in zip(experiment.styles, shapes, strict=True)
    ]
    regions = None
    if experiment.regions is not None:
        regions = experiment.regions.at((height, width), shapes, resize_mask)
    canvas = experiment.color.canvas(content, styles, [style.weight for style in experiment.styles])
    seen, seen_styles = experiment.color.shown(content, styles)
    return Stage(
        height,
        width,
        seen,
        [replace(style, pixels=one) for style, one in zip(experiment.styles, seen_styles, strict=True)],
        canvas,
        regions,
        _keeping(regions, content),
    )


def score_of(experiment: Experiment, pixels: np.ndarray) -> tuple[float, dict[str, float]]:
    """Loss and parts of a picture [H, W, 3] of the result's size, with the weights as configured."""
    alone = replace(experiment, before=None)
    bound = stage_at(alone.scales[-1], alone).bound(alone)
    image = tf.constant(pixels[np.newaxis], tf.float32)
    parts = bound.objective.weighted_parts(image, bound.targets, bound.weights).numpy()
    named = {name: float(value) for name, value in zip(bound.parts, parts, strict=True)}
    return float(parts.sum()), named


def _keeping(regions: Regions | None, content: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    if regions is None or regions.kept_pixels is None:
        return lambda picture: picture
    return lambda picture: regions.with_kept(picture, content)


# ----------------------------------------------------------------------------
# balance=auto: what it measures is written into the configuration, so that a run repeats without it.

_log = logging.getLogger(__name__)


def with_settled_balance(settings: DictConfig, experiment: Experiment) -> Experiment:
    """The experiment with a balance that needs no more measuring, as ``settings`` then say, too.

    Raises InputError where there is nothing to be balanced.
    """
    if experiment.balance.is_settled:
        return experiment
    settled = experiment.balance.settled([_gradient_norms(experiment, scale) for scale in experiment.scales])
    if isinstance(settled, AutoBalance) and settled.calibration is not None:
        settings.balance.calibration = settled.calibration
        for index, scale in enumerate(experiment.scales):
            content, style = settled.factors(experiment.objective, index)
            _log.info("balance at %d pixels: content x %.4g, style x %.4g", scale.size, content, style)
    return dataclasses.replace(experiment, balance=settled)


def _gradient_norms(experiment: Experiment, scale: Scale) -> GradientNorms:
    """How strongly content and style pull at one size; their targets stay known for the run itself."""
    stage = stage_at(scale, experiment)
    probe = stage.canvas.image(half_way(stage.content, stage.styles))
    return gradient_norms_of(stage.bound(experiment), probe)


# ----------------------------------------------------------------------------
# The main loop: coarse to fine, ask and tell.


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
