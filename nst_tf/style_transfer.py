"""Neural style transfer on one page: ``optimize`` is the main loop, and every run goes through it.

At each size of the pyramid, from coarse to fine, the objective is bound to content and styles, the image
begins as ``init`` says or is carried over from the size before, and the optimizer makes its steps. At the end
the image is scored as it will be saved. A resumed run enters in the middle; the frames of an animation
(video_transfer.py) are such runs one after another; a batch (batch_transfer.py) takes several experiments
through ``Transfer`` side by side. The objective and its gradient are in objective/objective.py, the loop over
the steps of one size in optim/loop.py, and the compiled step that updates the image in optim/step.py.

The image is what the optimizer changes, the picture is what is saved of it. They differ where ``color=`` says
so: a ``Canvas`` translates between them (color/modes.py).

Method: Gatys, Ecker, Bethge, "Image style transfer using convolutional neural networks", CVPR 2016; coarse to
fine as in Gatys et al., "Controlling perceptual factors in neural style transfer", CVPR 2017.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import tensorflow as tf

from nst_tf.balance import GradientNorms, gradient_norms_of, half_way
from nst_tf.color import PLAIN, Canvas
from nst_tf.errors import counted
from nst_tf.experiment import Experiment
from nst_tf.guidance import Regions
from nst_tf.images.pixels import rounded
from nst_tf.images.resize import resize_mask
from nst_tf.init import enlarged, with_detail
from nst_tf.objective import BoundObjective, Objective, StyleImage
from nst_tf.optim.loop import START, Diverged, RollBack, Solver
from nst_tf.optim.step import StepSource
from nst_tf.pyramid import Scale, detail_at
from nst_tf.report import Report, Untouched
from nst_tf.runs.checkpoint import Checkpoint


def optimize(
    experiment: Experiment, callbacks: Sequence[Callback] = (), resumed: Checkpoint | None = None
) -> Outcome:
    """Run the experiment; a divergence ends it with the best image seen.

    A callback that raises StopIteration, as in SciPy, ends it with what it has by then, at that size.
    ``resumed`` is a checkpoint of the same experiment, from which it goes on.
    """
    transfer = Transfer(experiment, callbacks, experiment.compiled_steps)
    diverged: Diverged | None = None
    stopped = False
    for index, scale in enumerate(experiment.scales):
        if resumed is not None and index < resumed.scale:
            continue
        transfer.enter(index, scale, resumed.state.get(START) if resumed is not None else None)
        steps = scale.steps
        if resumed is not None:  # the image and the optimizer of the checkpoint take the place of the start
            transfer.solver.restore(resumed.state, resumed.step, resumed.seconds)
            steps -= resumed.steps_at_scale
            resumed = None
        try:
            for report in transfer.solver.steps(steps, experiment.image_every or None):
                transfer.tell(report)
        except Diverged as error:
            diverged = error
        except StopIteration:
            stopped = True
        transfer.leave()
        if diverged or stopped:
            break
    else:  # all steps are made
        transfer.end()
    return transfer.outcome(diverged, stopped)


class Transfer:
    """One experiment on its way from coarse to fine, whoever drives its ``solver``."""

    def __init__(
        self,
        experiment: Experiment,
        callbacks: Sequence[Callback] = (),
        compiled_steps: StepSource | None = None,
    ) -> None:
        """``compiled_steps`` are those of earlier runs: one of the same structure is used again."""
        self.experiment = experiment
        self.solver = Solver(
            experiment.optimizer,
            clip=experiment.clip,
            keep_best=experiment.keep_best,
            average=experiment.average,
            carry=experiment.pyramid.carry_state,
            parameterization=experiment.parameterization,
            compiled_steps=compiled_steps,
            patience=experiment.patience,
        )
        self._callbacks = callbacks
        self._image: np.ndarray | None = None
        self._canvas: Canvas = PLAIN
        self._with_kept: Callable[[np.ndarray], np.ndarray] = lambda picture: picture
        self._seconds_of_targets = 0.0
        self._untouched = Untouched(experiment.bits)

    def enter(self, index: int, scale: Scale, matched_for: np.ndarray | None = None) -> None:
        """Begin a size: bind the objective, and start the image or carry it over.

        ``matched_for`` [H, W, 3] is the image that the targets of a resumed run were made for, if they depend
        on one.
        """
        stage = stage_at(scale, self.experiment)
        self._canvas, self._with_kept = stage.canvas, stage.with_kept
        image = self._image
        if image is None:
            random = np.random.default_rng(self.experiment.seed)
            image = self.experiment.start(stage.content, [style.pixels for style in stage.styles], random)
        height, width = stage.content.shape[:2]
        for callback in self._callbacks:
            callback.on_scale(scale, height, width)
        began = time.perf_counter()
        start = matched_for
        if start is None and stage.objective.asks_for_start:
            start = self._canvas.seen(self._with_kept(self._carried_over(image, height, width, 1.0)))
        bound = self.experiment.balance.applied(stage.bound(self.experiment, start), index)
        self._seconds_of_targets += time.perf_counter() - began
        share = detail_at(self.experiment.pyramid, scale) if stage.objective.content else 0.0
        begin_with = self._canvas.image(self._with_kept(self._carried_over(image, height, width, share)))
        self._untouched.begin(self._with_kept(self._canvas.saved(begin_with)))
        # at tens of megapixels each of these takes most of a gigabyte, which the steps may need
        del stage, image
        self._image = None
        self.solver.enter(begin_with, bound, self._canvas)

    def _carried_over(self, picture: np.ndarray, height: int, width: int, share: float) -> np.ndarray:
        """The picture [h, w, 3] of the size before, with that share of the content's detail that it lacks."""
        experiment = self.experiment
        found = enlarged(picture, height, width, circular=experiment.circular)
        if share == 0 or picture.shape == found.shape:
            return found
        content, coarser = (
            experiment.resize(experiment.content, *sides) for sides in (found.shape[:2], picture.shape[:2])
        )
        return with_detail(found, content, coarser, share, circular=experiment.circular)

    def tell(self, report: Report) -> None:
        """Pass a report of the solver on."""
        self._untouched.told(report.loss)
        for callback in self._callbacks:
            callback.on_report(report, self.solver)

    def leave(self) -> None:
        """End a size."""
        image = self.solver.image
        self._untouched.end(self._with_kept(self._canvas.saved(image)))
        self._image = self._canvas.carried(image)

    def end(self) -> None:
        """All steps are made: tell the callbacks that have ``on_end``, while the solver has its state."""
        for callback in self._callbacks:
            if on_end := getattr(callback, "on_end", None):
                on_end(self.solver)

    def outcome(self, failure: Diverged | None = None, stopped: bool = False) -> Outcome:
        """The best image, as it is saved, and its loss; ``failure`` is what ended the steps early.

        ``stopped``: a callback did.
        """
        solver, experiment = self.solver, self.experiment
        solver.close()  # its compiled step can serve another run; the images stay
        diverged = None if failure is None else str(failure)
        if diverged is None and not np.isfinite(solver.last_image).all():
            diverged = f"the image is not finite after {counted(solver.step, 'step')}"
        candidates = [solver.image]
        if diverged:
            candidates = [solver.best_image]
        elif experiment.keep_best:
            # the last update was never evaluated: it may be better still than the best seen
            candidates.insert(0, solver.last_image)
        saved = [rounded(self._with_kept(self._canvas.saved(one)), experiment.bits) for one in candidates]
        began = time.perf_counter()
        # the candidate with the lowest loss is saved. If the first one is below the best loss of the steps,
        # the second need not be scored: its loss is that best loss, but for rounding. This holds only for
        # images of the steps, so not for an average of images or a picture in other colors
        # nor where an image is clipped only when it is saved
        is_seen_as_saved = self._canvas is PLAIN and experiment.parameterization.are_pixels
        comparable = experiment.average is None and is_seen_as_saved
        pixels, loss, parts = solver.result(saved, solver.best_loss if comparable else -np.inf)
        scoring = time.perf_counter() - began
        is_best_seen = experiment.keep_best and experiment.average is None and pixels is saved[-1]
        return Outcome(
            pixels,
            loss,
            parts,
            steps=solver.step,
            traces=solver.traces,
            score=solver.loss_of,
            seconds={"targets": self._seconds_of_targets, **solver.seconds, "scoring": scoring},
            diverged=diverged,
            is_best_seen=is_best_seen,
            roll_backs=tuple(solver.roll_backs),
            failed_at_start=failure is not None and failure.at_start,
            untouched_note=self._untouched.sentence(pixels, is_best_seen) if solver.step else None,
            stopped=stopped,
        )


@dataclass
class Outcome:
    """What came out: the picture as it is saved, rounded to the bits of its file, and its own loss.

    ``loss`` and ``parts`` are under the objective at the last size, and ``score`` gives those of any picture
    of that size, [H, W, 3] in [0, 1], such as one read back from a lossy file. ``seconds``: of targets,
    tracing, the first step of each size, further steps, and scoring. ``is_best_seen``: the picture is the
    best one of the steps, and not the one after the last. ``failed_at_start``: it diverged before the first
    step at a size. ``untouched_note``: what to say if the picture is the one that the run started from.
    ``stopped``: a callback ended it.
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
    untouched_note: str | None = None
    stopped: bool = False


class Callback(Protocol):
    """Follows a run: its folder, the terminal, a logger. It may have ``on_end(solver)``, after all steps."""

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """A size begins."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """A step was made; ``solver.picture`` is the picture after the call that it was part of.

        It may raise StopIteration: see ``optimize``.
        """


@dataclass(frozen=True)
class Stage:
    """Content [height, width, 3], styles and regions at one size, in the colors that the objective sees.

    ``canvas`` stands between the image that is optimized and the picture that is saved; ``with_kept`` puts
    those pixels of the content into a picture that must stay as they are. ``objective`` is that of the size.
    """

    objective: Objective
    content: np.ndarray
    styles: list[StyleImage]
    canvas: Canvas
    regions: Regions | None
    with_kept: Callable[[np.ndarray], np.ndarray]

    def bound(self, experiment: Experiment, start: np.ndarray | None = None) -> BoundObjective:
        """The objective with the targets of this size, where the image begins as ``start``."""
        return self.objective.bind(
            self.content, self.styles, self.canvas.view, self.regions, experiment.before, start
        )


def stage_at(scale: Scale, experiment: Experiment) -> Stage:
    """The pictures of the experiment at one size; raises InputError if one would be too small."""
    (height, width), shapes = experiment.shapes_at(scale)
    content = experiment.resize(experiment.content, height, width)
    styles = [
        experiment.resize(style.pixels, *shape)
        for style, shape in zip(experiment.styles, shapes, strict=True)
    ]
    regions = experiment.regions and experiment.regions.at((height, width), shapes, resize_mask)
    canvas = experiment.color.canvas(content, styles, [style.weight for style in experiment.styles])
    seen, seen_styles = experiment.color.shown(content, styles)

    def with_kept(picture: np.ndarray) -> np.ndarray:
        if regions is None or regions.kept_pixels is None:
            return picture
        return regions.with_kept(picture, content)

    return Stage(
        experiment.objective.at(scale),
        seen,
        [replace(style, pixels=one) for style, one in zip(experiment.styles, seen_styles, strict=True)],
        canvas,
        regions,
        with_kept,
    )


def score_of(experiment: Experiment, pixels: np.ndarray) -> tuple[float, dict[str, float]]:
    """Loss and parts of a picture [H, W, 3] of the result's size, with the weights as configured."""
    alone = replace(experiment, before=None)
    bound = stage_at(alone.scales[-1], alone).bound(alone)
    image = tf.constant(pixels[np.newaxis], tf.float32)
    parts = bound.objective.weighted_parts(image, bound.targets, bound.weights).numpy()
    named = {name: float(value) for name, value in zip(bound.parts, parts, strict=True)}
    return float(parts.sum()), named


def with_settled_balance(experiment: Experiment) -> Experiment:
    """The experiment with a balance that needs no more measuring: balance=auto measures at every size.

    Raises InputError where there is nothing to be balanced.
    """
    if experiment.balance.is_settled:
        return experiment
    norms = [_gradient_norms(experiment, scale) for scale in experiment.scales]
    return replace(experiment, balance=experiment.balance.settled(norms))


def _gradient_norms(experiment: Experiment, scale: Scale) -> GradientNorms:
    """Norms of the gradients of content and style at one size; the run itself reuses their targets."""
    stage = stage_at(scale, experiment)
    probe = stage.canvas.image(half_way(stage.content, stage.styles))
    return gradient_norms_of(stage.bound(experiment), probe)
