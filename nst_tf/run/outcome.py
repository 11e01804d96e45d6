"""What comes out of a run: the picture as it is saved, and its own loss."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nst_tf.colour import PLAIN, Canvas
from nst_tf.counted import counted
from nst_tf.images.levels import rounded as rounded_to
from nst_tf.run.experiment import Experiment
from nst_tf.run.untouched import Untouched
from nst_tf.solver import Diverged, RollBack, Solver


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
