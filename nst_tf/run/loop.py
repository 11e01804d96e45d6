"""The main loop: coarse to fine, ask and tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from nst_tf.balance import Balance, GivenBalance, Pulls, half_way, pulls_of
from nst_tf.colour import PLAIN, Canvas, Colour, Unchanged
from nst_tf.counted import counted
from nst_tf.images.levels import rounded as rounded_to
from nst_tf.images.resize import resize, resize_mask
from nst_tf.losses import TemporalTarget
from nst_tf.objective import BoundObjective, Objective, StyleImage
from nst_tf.pyramid import Pyramid, Scale, enlarged
from nst_tf.record.checkpoint import Checkpoint
from nst_tf.regions import Regions
from nst_tf.run.shapes import shapes_at
from nst_tf.solver import CompiledSteps, Diverged, Patience, Report, RollBack, Solver
from nst_tf.start import Start


class Watcher(Protocol):
    """Who is told what happens: the run's folder, the terminal, a library's caller."""

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """A size begins."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """A step was made; ``solver.picture`` is the picture after the call that it was part of."""


@dataclass(frozen=True)
class Experiment:
    """Everything that one run needs, as objects. Pictures are [H, W, 3] in [0, 1], of any sizes.

    ``stretch`` "none" keeps the aspect ratio of every picture; "style" stretches the styles to the
    content's height and width, as the Keras example does; "square" stretches all to size x size, as
    b06b01073 does. ``style_scales``: of each style, what its long side is multiplied by.
    ``circular``: the picture is a torus. ``multiple``: sides of the result are rounded to one of these.
    """

    content: np.ndarray
    styles: tuple[StyleImage, ...]
    objective: Objective
    optimizer: keras.optimizers.Optimizer
    start: Start
    pyramid: Pyramid
    size: int
    style_size: int
    steps: int
    balance: Balance = field(default_factory=GivenBalance)
    seed: int = 0
    clip: bool = True
    keep_best: bool = True
    average: float | None = None
    stretch: str = "none"
    regions: Regions | None = None
    """Of content and styles, in masks of any sizes."""
    bits: int = 8
    """A channel, of the file in which the result is saved."""
    style_scales: tuple[float, ...] | None = None
    circular: bool = False
    multiple: int = 1
    image_every: int = 0
    waiting: CompiledSteps | None = None
    """Compiled steps of earlier runs."""
    resize: Callable[[np.ndarray, int, int], np.ndarray] = resize
    """A picture at a height and width."""
    patience: Patience | None = None
    before: TemporalTarget | None = None
    """In an animation, what the frame before says of this one; its size is that of the only scale."""
    colour: Colour = field(default_factory=Unchanged)


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
    diverged: Diverged | None = None
    seconds_of_targets = 0.0
    keep = _keeping(None, None)
    scales = experiment.pyramid.scales(experiment.size, experiment.style_size, experiment.steps)
    for index, scale in enumerate(scales):
        if resumed is not None and index < resumed.scale:
            continue
        height, width, content, styles = _pictures_at(scale, experiment)
        regions = _regions_at(scale, experiment)
        keep = _keeping(regions, content)
        canvas, content, styles = _coloured(experiment.colour, content, styles)
        if image is None:
            random = np.random.default_rng(experiment.seed)
            image = experiment.start(content, [style.pixels for style in styles], random)
        for watcher in watchers:
            watcher.on_scale(scale, height, width)
        began = time.perf_counter()
        bound = experiment.objective.bind(content, styles, canvas.view, regions, experiment.before)
        bound = experiment.balance.applied(bound, index)
        seconds_of_targets += time.perf_counter() - began
        begin_with = keep(enlarged(image, height, width, circular=experiment.circular))
        solver.enter(canvas.image(begin_with), bound, canvas)
        # of tens of megapixels each is most of a gigabyte, which the steps may need
        del content, styles
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
    return _outcome(solver, experiment, canvas, keep, diverged, seconds_of_targets)


def pulls_at_every_size(experiment: Experiment) -> list[Pulls]:
    """How strongly content and style pull at each size, coarse to fine: what a balance is settled by.

    Targets stay known for the run itself. Raises InputError if one of the terms pulls at nothing.
    """
    found = []
    for scale in experiment.pyramid.scales(experiment.size, experiment.style_size, experiment.steps):
        canvas, bound, content, styles = _bound_at(scale, experiment)
        found.append(pulls_of(bound, canvas.image(half_way(content, styles))))
    return found


def check_sizes(experiment: Experiment) -> tuple[tuple[int, int], ...]:
    """Height and width of the image at each size; InputError if a picture would be too small at one."""
    scales = experiment.pyramid.scales(experiment.size, experiment.style_size, experiment.steps)
    return tuple(_shapes_at(scale, experiment)[0] for scale in scales)


def _outcome(
    solver: Solver,
    experiment: Experiment,
    canvas: Canvas,
    keep: Callable[[np.ndarray], np.ndarray],
    failure: Diverged | None,
    seconds_of_targets: float,
) -> Outcome:
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
    )


def _pictures_at(scale: Scale, experiment: Experiment) -> tuple[int, int, np.ndarray, list[StyleImage]]:
    """Height, width, content and styles at one size."""
    (height, width), *shapes = _shapes_at(scale, experiment)
    styles = [
        replace(style, pixels=experiment.resize(style.pixels, *shape))
        for style, shape in zip(experiment.styles, shapes, strict=True)
    ]
    return height, width, experiment.resize(experiment.content, height, width), styles


def _bound_at(
    scale: Scale, experiment: Experiment
) -> tuple[Canvas, BoundObjective, np.ndarray, list[StyleImage]]:
    """The canvas of a size, the objective there, and content and styles as it sees them."""
    _, _, content, styles = _pictures_at(scale, experiment)
    canvas, content, styles = _coloured(experiment.colour, content, styles)
    bound = experiment.objective.bind(content, styles, canvas.view, _regions_at(scale, experiment))
    return canvas, bound, content, styles


def score_of(experiment: Experiment, pixels: np.ndarray) -> tuple[float, dict[str, float]]:
    """Loss and parts of a picture [H, W, 3] of the result's size, with the weights as configured."""
    scale = experiment.pyramid.scales(experiment.size, experiment.style_size, experiment.steps)[-1]
    _, bound, _, _ = _bound_at(scale, experiment)
    image = tf.constant(pixels[np.newaxis], tf.float32)
    parts = bound.objective.weighted_parts(image, bound.targets, bound.weights).numpy()
    named = {name: float(value) for name, value in zip(bound.parts, parts, strict=True)}
    return float(parts.sum()), named


def _regions_at(scale: Scale, experiment: Experiment) -> Regions | None:
    if experiment.regions is None:
        return None
    shape, *of_styles = _shapes_at(scale, experiment)
    return experiment.regions.at(shape, of_styles, resize_mask)


def _keeping(regions: Regions | None, content: np.ndarray | None) -> Callable[[np.ndarray], np.ndarray]:
    """A function that gives a picture the pixels of the content that must stay."""
    if regions is None or content is None or regions.kept_pixels is None:
        return lambda picture: picture
    return lambda picture: regions.with_kept(picture, content)


def _coloured(
    colour: Colour, content: np.ndarray, styles: list[StyleImage]
) -> tuple[Canvas, np.ndarray, list[StyleImage]]:
    """The canvas of a size; content and styles as the objective sees them."""
    pixels, weights = [style.pixels for style in styles], [style.weight for style in styles]
    canvas = colour.canvas(content, pixels, weights)
    content, pixels = colour.shown(content, pixels)
    return canvas, content, [replace(style, pixels=one) for style, one in zip(styles, pixels, strict=True)]


def _shapes_at(scale: Scale, experiment: Experiment) -> list[tuple[int, int]]:
    """Height and width of the content and of each style at one size."""
    content, *styles = (
        (pixels.shape[0], pixels.shape[1])
        for pixels in (experiment.content, *(style.pixels for style in experiment.styles))
    )
    result, of_styles = shapes_at(
        scale.size,
        scale.style_size,
        content,
        styles,
        experiment.stretch,
        experiment.style_scales,
        experiment.multiple,
    )
    return [result, *of_styles]
