"""The loop over the compiled step: ``Solver.steps`` makes and reports them, and goes back after a bad one."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from nst_tf.color.modes import PLAIN, Canvas
from nst_tf.errors import InputError, counted
from nst_tf.objective import BoundObjective
from nst_tf.optim.step import (
    CompiledStep,
    CompiledSteps,
    PictureState,
    StepRequest,
    StepSource,
    Verdict,
    view_of,
)
from nst_tf.parameterization import PIXELS, Parameterization
from nst_tf.report import Report

_PATIENCE, _ROLL_BACKS = "patience", "roll_backs"
START = "start"
"""In a solver's state, the image that the targets of the size were made for, where they depend on one."""


class Solver:
    """One image under optimization; ``enter`` begins a size, ``steps`` runs there.

    The optimizer is any of Keras' interface, built anew for every size, because its state has the image's
    shape. One with ``needs_loss`` is told the loss as well; one ``on_host`` outside of the compiled step.
    ``clip`` keeps pixels in [0, 1] after every update. Images of other parameters are clipped at the start of
    a size, and where they are saved: between these the objective sees them as they are, as in NNST and
    STROTSS (``nst_tf/parameterization.py``), for a clipped one would tell no way back. ``keep_best``: the
    image with the lowest loss seen is the result of a size; else the last one is, as in most of the sources.
    ``average``: the moving average of the images with this decay is the result instead, before either.
    ``carry``: state of the optimizer that has the image's shape is resampled from one size to the next; of
    other parameters it begins anew. ``compiled_steps``: compiled steps of other runs, of which those that fit
    are used. ``patience`` ends a size early.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        *,
        clip: bool = True,
        keep_best: bool = True,
        average: float | None = None,
        carry: bool = True,
        parameterization: Parameterization = PIXELS,
        compiled_steps: StepSource | None = None,
        patience: Patience | None = None,
    ) -> None:
        """The clock of the reports starts here."""
        self._average_decay = average
        # parameters of two sizes do not lie on one grid, as pixels do
        self._carry = carry and parameterization.are_pixels
        self._parameterization = parameterization
        self._prototype = optimizer
        self._clip = clip
        self._keep_best = keep_best
        self._began = time.perf_counter()
        self.step = 0
        """Updates made so far, over all sizes."""
        self._last_told = 0.0
        self._compiled_steps: StepSource = CompiledSteps() if compiled_steps is None else compiled_steps
        self._compiled: CompiledStep | None = None
        self._traces = self._traces_before = 0
        self._patience = patience
        self.roll_backs: list[RollBack] = []
        """In all sizes; the learning rate stays as small as the last one made it."""
        self.seconds = {"tracing": 0.0, "first_steps": 0.0, "steps": 0.0}
        """Where the time of ``steps`` went, over all sizes; the first step of a size is apart."""

    def enter(self, image: np.ndarray, bound: BoundObjective, canvas: Canvas = PLAIN) -> None:
        """Begin a size with the image [H, W, 3] in [0, 1] and the objective bound at that size.

        ``canvas`` is what makes pictures of images.
        """
        start = np.clip(image, 0, 1) if self._clip else image
        self.bound = bound
        self._canvas = canvas
        self._height_and_width = start.shape[:2]
        before = self._compiled
        if before is not None:
            before.close()
            self._traces += before.traces - self._traces_before
        self._take_step(start)
        if before is not None:
            if self._carry:
                carry_state(before.state.optimizer, self._state.optimizer)
            self._compiled_steps.give_back(before)
        if self._patience is not None:
            self._patience.begin()

    def steps(self, count: int, reports_every: int | None = None) -> Iterator[Report]:
        """Run ``count`` steps and yield a report for each.

        Several steps run in one compiled call: as many as take a quarter of a second, so the host
        waits for the device about four times a second however fast a step is. A call never crosses a
        multiple of ``reports_every``, where the caller wants to see the image.
        A step that went wrong (see ``DivergenceJudge``) is not reported: it is made again from the best
        image, by an optimizer that begins anew with a smaller step. Raises Diverged when that did not help
        three times, or can't; ``best_image`` is then worth keeping.
        """
        if count == 0:  # nothing is traced either
            return
        calls = StepsPerCall(count)
        self.begin_steps()
        self._trace()
        while calls.left and not (self._patience and self._patience.exhausted):
            chunk = calls.next_call(self.step, reports_every, self._patience)
            called = time.perf_counter()
            # the one host sync
            rows = self._present_step(chunk, self.bound.targets, self.bound.weights)
            took = time.perf_counter() - called
            verdict = Verdict(int(rows[-1, 0]))
            made = len(rows) - (verdict is not Verdict.GOOD)
            if self._patience and made:
                self._patience.made(made, self.best_loss)
            yield from self.reports(rows, made, took, is_first=calls.done == 0)
            calls.made(made, took)
            if verdict is not Verdict.GOOD:
                self._go_back(verdict, float(rows[-1, 1]))

    def begin_steps(self, tracing: float = 0.0) -> None:
        """Set the clock of the reports for steps to come; ``tracing`` seconds were spent by somebody else."""
        self._last_told = time.perf_counter() - self._began
        self.seconds["tracing"] += tracing

    def reports(self, rows: np.ndarray, made: int, took: float, is_first: bool) -> Iterator[Report]:
        """The reports of a call that made ``made`` steps and took so many seconds of this solver's time.

        ``rows`` [count, 2 + P] are as ``CompiledStep`` returns them; ``is_first``: of this size.
        """
        self.seconds["first_steps" if is_first else "steps"] += took
        before, self._last_told = self._last_told, time.perf_counter() - self._began
        for index, row in enumerate(rows[:made]):
            moment = before + (self._last_told - before) * (index + 1) / len(rows)
            report = self._report(row[1:], moment, index + 1 == made)
            self.step += 1
            yield report

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes from step to step, by name: what ``restore`` needs to go on.

        On a CPU the arrays share the memory of the variables until the next step, which then copies.
        """
        return (
            {name: view_of(one) for name, one in self._state.named_variables.items()}
            | {_ROLL_BACKS: as_array(self.roll_backs)}
            | ({_PATIENCE: self._patience.state()} if self._patience else {})
            | ({START: self.bound.start} if self.bound.start is not None else {})
        )

    def restore(self, state: Mapping[str, np.ndarray], step: int, seconds: float) -> None:
        """Go on after ``step`` updates and ``seconds``, in the state that an equal solver had then.

        Call it after ``enter``; raises InputError if the state belongs to another configuration.
        """
        if {name: value.shape for name, value in state.items()} != {
            name: value.shape for name, value in self.state().items()
        }:
            raise InputError("the checkpoint does not fit the run's configuration: begin the run anew")
        self.roll_backs = from_array(state[_ROLL_BACKS])
        for _ in self.roll_backs:
            self._begin_anew(self.last_image)
        for name, variable in self._state.named_variables.items():
            variable.assign(state[name])
        if self._patience:
            self._patience.restore(state[_PATIENCE])
        self.step = step
        self._began = time.perf_counter() - seconds

    def close(self) -> None:
        """Give the compiled step back, for other runs; what came out can be asked for until they begin."""
        if self._compiled is not None:
            self._compiled_steps.give_back(self._compiled)

    @property
    def image(self) -> np.ndarray:
        """The result so far, [H, W, 3] float32: average, best or last, as chosen; copied from the device."""
        if self._state.average is not None:
            return self._state.average_image.numpy()[0]
        return self.best_image if self._keep_best else self.last_image

    @property
    def picture(self) -> np.ndarray:
        """What would be saved for ``image``, [H, W, 3] float32, before it is rounded."""
        return self._canvas.saved(self.image)

    @property
    def best_image(self) -> np.ndarray:
        """The image with the lowest loss seen, [H, W, 3] float32; the start if no loss was finite."""
        return self._state.best_image.numpy()[0]

    @property
    def last_image(self) -> np.ndarray:
        """The image after the last update, [H, W, 3] float32, whose loss no report has told yet."""
        return self._state.image.numpy()[0]

    @property
    def best_loss(self) -> float:
        """The lowest loss seen at this size."""
        return float(self._state.best_loss.numpy())

    @property
    def learning_rate(self) -> float | None:
        """The optimizer's learning rate for the next update; None where there is none."""
        return self._state.learning_rate

    @property
    def traces(self) -> int:
        """How often this solver had a step traced: at most once a size."""
        return self._traces + self._present_step.traces - self._traces_before

    def loss_of(self, pixels: np.ndarray) -> tuple[float, dict[str, float]]:
        """Loss and parts of any picture [H, W, 3] of the present size, outside of the compiled step."""
        image = tf.constant(self._canvas.seen(pixels)[np.newaxis], tf.float32)
        direct = self.bound.seeing_all
        parts = self._present_step.parts_of(image, direct.targets, direct.weights)
        return float(parts.sum()), self._named(parts)

    def result(
        self, candidates: Sequence[np.ndarray], good_enough: float = -math.inf
    ) -> tuple[np.ndarray, float, dict[str, float]]:
        """The candidate, a picture, with the lowest loss, with that loss and its parts.

        They are scored in turn; after one with a loss below ``good_enough`` the others are not.
        """
        scored = []
        for image in candidates:
            scored.append((image, *self.loss_of(image)))
            if scored[-1][1] < good_enough:
                break
        return min(scored, key=lambda one: one[1] if math.isfinite(one[1]) else math.inf)

    def _trace(self) -> None:
        """Trace now what the first step would, so that its time is known."""
        began = time.perf_counter()
        self._present_step.trace(self.bound.targets, self.bound.weights)
        self.seconds["tracing"] += time.perf_counter() - began

    @property
    def _state(self) -> PictureState:
        return self._present_step.state

    @property
    def _present_step(self) -> CompiledStep:
        assert self._compiled is not None, "enter comes first"  # noqa: S101
        return self._compiled

    def _report(self, row: np.ndarray, seconds: float, is_last_of_call: bool) -> Report:
        size = max(self._height_and_width)
        return Report(self.step, size, seconds, float(row[0]), self._named(row[1:]), is_last_of_call)

    def _go_back(self, verdict: Verdict, loss: float) -> None:
        """Go on from the best image with a smaller step; raises Diverged where that is of no use."""
        if verdict is Verdict.EXPLODED and self._is_no_explosion():
            return
        wrong = what_went_wrong(verdict, loss, self.step)
        if not math.isfinite(self.best_loss):
            raise Diverged(wrong, at_start=True)
        if len(self.roll_backs) == MOST_ROLL_BACKS:
            raise Diverged(f"{wrong}, once more after {MOST_ROLL_BACKS} times with a smaller step")
        rate, reference = self.learning_rate or 1.0, float(self._state.divergence.reference.numpy())
        self._begin_anew(self.best_image)
        self._state.divergence.reset(reference)
        self.roll_backs.append(RollBack(self.step, verdict, loss, rate, self.learning_rate or 1.0))
        _log.warning("%s", self.roll_backs[-1])

    def _is_no_explosion(self) -> bool:
        """The first loss may have been almost 0: then raise the reference, and make the step again."""
        worst = self.loss_of(black_and_white(*self._height_and_width))[0]
        return self._state.divergence.raise_reference(OF_BLACK_AND_WHITE * worst)

    def _begin_anew(self, start: np.ndarray) -> None:
        """From ``start`` [H, W, 3], by an optimizer that has learnt nothing and makes smaller steps."""
        self._prototype = slower(self._prototype)
        self._traces += self._present_step.traces - self._traces_before
        self._compiled_steps.give_back(self._present_step)
        self._take_step(start)
        self._trace()

    def _take_step(self, start: np.ndarray) -> None:
        request = StepRequest(
            self.bound, start, self._prototype, self._clip, self._average_decay, self._parameterization
        )
        self._compiled = self._compiled_steps.take(request)
        self._traces_before = self._compiled.traces

    def _named(self, parts: np.ndarray) -> dict[str, float]:
        return {name: float(value) for name, value in zip(self.bound.parts, parts, strict=True)}


# ---- how many steps are made in one compiled call, and when a size ends ----

# a report is a host sync: about four a second keep a person informed and a GPU busy
_SECONDS_A_REPORT = 0.25
_MOST_STEPS_A_REPORT = 64


class StepsPerCall:
    """Steps a call, of so many in all: as many as take a quarter of a second, beginning with one."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._steps_a_call = 1
        self.done = 0
        """Steps made so far."""

    @property
    def left(self) -> int:
        return self._count - self.done

    def next_call(self, step: int, reports_every: int | None, patience: Patience | None = None) -> int:
        """Steps of the next call, at most.

        It does not cross a multiple of ``reports_every``, after ``step`` updates at all sizes, nor the next
        check of ``patience``.
        """
        steps = min(self._steps_a_call, self.left)
        if reports_every:
            steps = min(steps, reports_every - step % reports_every)
        if patience:
            steps = min(steps, patience.steps_to_next_check)
        return steps

    def made(self, steps: int, seconds: float) -> None:
        """A call made so many steps in so many ``seconds``."""
        self.done += steps
        if seconds < _SECONDS_A_REPORT / 2:
            self._steps_a_call = min(2 * self._steps_a_call, _MOST_STEPS_A_REPORT)


class Patience:
    """Every ``steps`` steps of a size: exhausted if the loss fell by less than ``tolerance`` of itself.

    It looks after a fixed number of steps, however many of them run in one call, so that a run ends at the
    same step on a fast and on a slow machine.
    """

    def __init__(self, steps: int, tolerance: float) -> None:
        self._steps, self._tolerance = steps, tolerance
        self.begin()

    def begin(self) -> None:
        self._made, self._lowest, self.exhausted = 0, math.inf, False

    @property
    def steps_to_next_check(self) -> int:
        return self._steps - self._made % self._steps

    def made(self, steps: int, lowest: float) -> None:
        """So many more steps were made, and this is the lowest loss by now."""
        self._made += steps
        if self._made % self._steps:
            return
        self.exhausted = not lowest < (1 - self._tolerance) * self._lowest
        self._lowest = lowest

    def state(self) -> np.ndarray:
        """What ``restore`` needs, [3] float64."""
        return np.array([self._made, self._lowest, self.exhausted], np.float64)

    def restore(self, state: np.ndarray) -> None:
        self._made, self._lowest, self.exhausted = int(state[0]), float(state[1]), bool(state[2])


# ---- from one size of the image to the next ----


def carry_state(old: keras.optimizers.Optimizer, new: keras.optimizers.Optimizer) -> bool:
    """Resample what has the shape of an image and copy what has one shape in both; all of it or nothing.

    Moments of Adam are resampled like the image (crowsonkb/style-transfer-pytorch, ``scale_adam``), by
    bicubic interpolation clipped to the range that they had, so that second moments stay positive
    (there: bilinear for these). A state that also holds vectors of another length, as the history of
    L-BFGS, can't be resampled: the new optimizer then starts anew, and False is returned.
    """
    pairs = list(zip(old.variables, new.variables, strict=True))
    if not all(one.shape == other.shape or len(one.shape) == len(other.shape) == 4 for one, other in pairs):
        return False
    for source, target in pairs:
        if source.shape == target.shape:
            target.assign(source)
            continue
        values = tf.convert_to_tensor(source)
        resized = tf.image.resize(values, target.shape[1:3], "bicubic")
        target.assign(tf.clip_by_value(resized, tf.reduce_min(values), tf.reduce_max(values)))
    return True


# ---- going back to the best image with a smaller step, when a run goes wrong ----

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
        return (
            f"{what_went_wrong(self.verdict, self.loss, self.step)}: back to the best picture, with the"
            f" learning rate {self.smaller:.4g} in the place of {self.learning_rate:.4g}"
        )

    def told(self) -> dict[str, object]:
        """For ``run.json``, which has no infinite numbers."""
        reason = what_went_wrong(self.verdict, self.loss, self.step)
        return {"step": self.step, "reason": reason, "learning_rate": self.smaller}


def what_went_wrong(verdict: Verdict, loss: float, step: int) -> str:
    """As "the loss is nan after 3 steps"."""
    if verdict is Verdict.GRADIENT_NOT_FINITE:
        return f"the gradient is not finite after {counted(step, 'step')}"
    exploded = ", far above what it began with," if verdict is Verdict.EXPLODED else ""
    return f"the loss is {loss:.4g}{exploded} after {counted(step, 'step')}"


def as_array(roll_backs: Sequence[RollBack]) -> np.ndarray:
    """For a checkpoint: [MOST_ROLL_BACKS, 5] float64, rows of NaN where there was none."""
    known = [(one.step, one.verdict, one.loss, one.learning_rate, one.smaller) for one in roll_backs]
    return np.array(known + [(np.nan,) * 5] * (MOST_ROLL_BACKS - len(known)), np.float64)


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
        return self._factor * self._schedule(step)

    def get_config(self) -> dict:
        return {"schedule": keras.optimizers.schedules.serialize(self._schedule), "factor": self._factor}
