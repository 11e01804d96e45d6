"""Going back to the best image with a smaller step, when a run goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from nst_tf.counted import counted
from nst_tf.solver.health import Verdict

MOST_ROLL_BACKS = 3
"""In a run; when it goes wrong once more, it is over."""

# a tenth: three of them make good three orders of magnitude, which halves would not
SMALLER = 0.1
# The reference is at least this part of the loss of random black and white pixels: a start whose loss is
# almost 0, such as a style image for its own style, rises by orders of magnitude in healthy runs.
OF_BLACK_AND_WHITE = 1e-3

_log = logging.getLogger(__name__)


class Diverged(ArithmeticError):
    """The loss of the image is not a number any more, or exploded, and smaller steps did not help.

    The message says after how many steps. ``at_start``: at a size's first image, which no step has made.
    """

    def __init__(self, message: str, at_start: bool = False) -> None:
        """``message`` is the first part of a sentence."""
        super().__init__(message)
        self.at_start = at_start


@dataclass(frozen=True)
class RollBack:
    """The run went wrong after ``step`` updates, and went on from its best image with a smaller step.

    ``loss`` is what it met, ``learning_rate`` what it had and ``smaller`` what it went on with.
    """

    step: int
    verdict: Verdict
    loss: float
    learning_rate: float
    smaller: float

    def __str__(self) -> str:
        """One sentence."""
        return (
            f"{what_went_wrong(self.verdict, self.loss, self.step)}: back to the best picture, with the"
            f" learning rate {self.smaller:.4g} in the place of {self.learning_rate:.4g}"
        )

    def told(self) -> dict[str, object]:
        """For ``run.json``, which has no infinite numbers."""
        reason = what_went_wrong(self.verdict, self.loss, self.step)
        return {"step": self.step, "reason": reason, "learning_rate": self.smaller}

    def tell(self) -> None:
        """To whoever reads the log."""
        _log.warning("%s", self)


def what_went_wrong(verdict: Verdict, loss: float, step: int) -> str:
    """As "the loss is nan after 3 steps"."""
    if verdict is Verdict.GRADIENT_NOT_FINITE:
        return f"the gradient is not finite after {counted(step, 'step')}"
    exploded = ", far above what it began with," if verdict is Verdict.EXPLODED else ""
    return f"the loss is {loss:.4g}{exploded} after {counted(step, 'step')}"


def as_array(roll_backs: Sequence[RollBack]) -> np.ndarray:
    """For a checkpoint: [MOST_ROLL_BACKS, 5] float64, rows of NaN where there was none."""
    rows = np.full((MOST_ROLL_BACKS, 5), np.nan)
    for row, one in zip(rows, roll_backs, strict=False):
        row[:] = one.step, one.verdict, one.loss, one.learning_rate, one.smaller
    return rows


def from_array(rows: np.ndarray) -> list[RollBack]:
    """The inverse of ``as_array``; rows that can't be are left out."""
    known = {float(verdict): verdict for verdict in Verdict}
    return [
        RollBack(int(row[0]), known[float(row[1])], *(float(number) for number in row[2:]))
        for row in rows
        if np.isfinite(row[0]) and float(row[1]) in known
    ]


def slower(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The same optimizer without what it has learnt, with a tenth of the learning rate or schedule."""
    config = optimizer.get_config()
    rate = config.get("learning_rate")
    if isinstance(rate, float):
        config["learning_rate"] = SMALLER * rate
    elif rate is not None:
        config["learning_rate"] = keras.optimizers.schedules.serialize(SlowerSchedule(rate, SMALLER))
    return type(optimizer).from_config(config)


def black_and_white(height: int, width: int) -> np.ndarray:
    """A picture [H, W, 3] that is as bad as one in [0, 1] can be: each value is 0 or 1 by chance."""
    return np.random.default_rng(0).integers(0, 2, (height, width, 3)).astype(np.float32)


@keras.saving.register_keras_serializable(package="nst_tf")
class SlowerSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """``factor`` times another schedule."""

    def __init__(self, schedule, factor: float) -> None:
        """``schedule`` may be one, or as Keras serializes it."""
        super().__init__()
        if isinstance(schedule, dict):
            schedule = keras.optimizers.schedules.deserialize(schedule)
        self._schedule, self._factor = schedule, factor

    def __call__(self, step):
        """The rate at a step."""
        return self._factor * self._schedule(step)

    def get_config(self) -> dict:
        """What ``from_config`` needs."""
        return {"schedule": keras.optimizers.schedules.serialize(self._schedule), "factor": self._factor}
