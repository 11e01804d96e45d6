"""The image as a ``tf.Variable``, its compiled training step, and the loop that asks and tells."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.objective import BoundObjective
from nst_tf.solver.carry_state import carry_state
from nst_tf.solver.moving_average import MovingAverage
from nst_tf.solver.report import Report

# a report is a host sync: about four a second keep a person informed and a GPU busy
_SECONDS_A_REPORT = 0.25
_MOST_STEPS_A_REPORT = 64


class Diverged(ArithmeticError):
    """The loss of the image is not a number any more; the message says after how many steps."""


class Solver:
    """One image under optimization; ``enter`` begins a size, ``steps`` runs there.

    The optimizer is any of Keras' interface; it is built anew from its configuration for every size,
    because its state has the image's shape. One with ``needs_loss`` is told the loss as well; one that is
    ``on_host`` is told outside of the compiled step.
    ``clip`` keeps the image in [0, 1] after every update. ``keep_best``: the image with the lowest loss
    seen is the result of a size; else the last one is, as in most of the sources. ``average``: the moving
    average of the images with this decay is the result instead, before either. ``carry``: state of the
    optimizer that has the image's shape is resampled from one size to the next.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        *,
        clip: bool = True,
        keep_best: bool = True,
        average: float | None = None,
        carry: bool = True,
    ) -> None:
        """The clock of the reports starts here."""
        self._average_decay = average
        self._carry = carry
        self._optimizer: keras.optimizers.Optimizer | None = None
        self._prototype = optimizer
        self._clip = clip
        self._keep_best = keep_best
        self._began = time.perf_counter()
        self._step = 0
        self.traces = 0
        """How often the step was traced: once a size."""

    def enter(self, image: np.ndarray, bound: BoundObjective) -> None:
        """Begin a size with the image [H, W, 3] in [0, 1] and the objective bound at that size."""
        start = np.clip(image, 0, 1) if self._clip else image
        self._bound = bound
        self._height_and_width = start.shape[:2]
        self._image = tf.Variable(tf.constant(start[np.newaxis], tf.float32), name="image")
        self._best_image = tf.Variable(self._image, name="best_image")
        self._best_loss = tf.Variable(tf.constant(np.inf, tf.float32), name="best_loss")
        self.close()
        before, self._optimizer = self._optimizer, self._new_optimizer()
        if before is not None and self._carry:
            carry_state(before, self._optimizer)
        decay = self._average_decay
        self._average = MovingAverage(tf.convert_to_tensor(self._image), decay) if decay else None
        self._advance = self._compiled()

    def steps(self, count: int, reports_every: int | None = None) -> Iterator[Report]:
        """Run ``count`` steps and yield a report for each.

        Several steps run in one compiled call: as many as take a quarter of a second, so the host
        waits for the device about four times a second however fast a step is. A call never crosses a
        multiple of ``reports_every``, where the caller wants to see the image.
        Raises Diverged when the loss is not finite; ``image`` is then the best one seen.
        """
        done, steps_a_call = 0, 1
        seconds = time.perf_counter() - self._began
        while done < count:
            chunk = min(steps_a_call, count - done)
            if reports_every:
                chunk = min(chunk, reports_every - self._step % reports_every)
            called = time.perf_counter()
            # the one host sync
            rows = self._advance(tf.constant(chunk), self._bound.targets, self._bound.weights).numpy()
            took = time.perf_counter() - called
            before, seconds = seconds, time.perf_counter() - self._began
            for index, row in enumerate(rows):
                moment = before + (seconds - before) * (index + 1) / chunk
                yield self._report(row, moment, index + 1 == chunk)
                self._step += 1
            done += chunk
            if took < _SECONDS_A_REPORT / 2:
                steps_a_call = min(2 * steps_a_call, _MOST_STEPS_A_REPORT)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes from step to step, by name: what ``restore`` needs to go on."""
        return {f"variable_{index:03d}": np.asarray(one) for index, one in enumerate(self._state_variables())}

    def restore(self, state: Mapping[str, np.ndarray], step: int, seconds: float) -> None:
        """Go on after ``step`` updates and ``seconds``, in the state that an equal solver had then.

        Call it after ``enter``; raises InputError if the state belongs to another configuration.
        """
        variables = self._state_variables()
        found = [state.get(f"variable_{index:03d}") for index in range(len(variables))]
        if len(state) != len(variables) or any(
            value is None or tuple(value.shape) != tuple(one.shape)
            for one, value in zip(variables, found, strict=True)
        ):
            raise InputError("the checkpoint does not fit the run's configuration: begin the run anew")
        for one, value in zip(variables, found, strict=True):
            one.assign(value)
        self._step = step
        self._began = time.perf_counter() - seconds

    def close(self) -> None:
        """Let go of what the optimizer holds besides its variables, such as a thread."""
        close = getattr(self._optimizer, "close", None)
        if close is not None:
            close()

    @property
    def image(self) -> np.ndarray:
        """The result so far, [H, W, 3] float32: average, best or last, as chosen; copied from the device."""
        if self._average is not None:
            return self._average.value().numpy()[0]
        return self.best_image if self._keep_best else self.last_image

    @property
    def best_image(self) -> np.ndarray:
        """The image with the lowest loss seen, [H, W, 3] float32; the start if no loss was finite."""
        return self._best_image.numpy()[0]

    @property
    def last_image(self) -> np.ndarray:
        """The image after the last update, [H, W, 3] float32, whose loss no report has told yet."""
        return self._image.numpy()[0]

    @property
    def best_loss(self) -> float:
        """The lowest loss seen at this size."""
        return float(self._best_loss.numpy())

    @property
    def learning_rate(self) -> float | None:
        """The optimizer's present learning rate, of its schedule if it has one; None where there is none."""
        rate = getattr(self._optimizer, "learning_rate", None)
        return None if rate is None else float(rate)

    @property
    def step(self) -> int:
        """Updates made so far, over all sizes."""
        return self._step

    def loss_of(self, pixels: np.ndarray) -> tuple[float, dict[str, float]]:
        """Loss and parts of any image [H, W, 3] of the present size, outside of the compiled step."""
        parts = self._bound.objective.weighted_parts(
            tf.constant(pixels[np.newaxis], tf.float32), self._bound.targets, self._bound.weights
        ).numpy()
        return float(parts.sum()), self._named(parts)

    def result(self, candidates: tuple[np.ndarray, ...]) -> tuple[np.ndarray, float, dict[str, float]]:
        """The candidate with the lowest loss, with that loss and its parts."""
        scored = [(image, *self.loss_of(image)) for image in candidates]
        return min(scored, key=lambda one: one[1] if math.isfinite(one[1]) else math.inf)

    def _new_optimizer(self) -> keras.optimizers.Optimizer:
        optimizer = type(self._prototype).from_config(self._prototype.get_config())
        optimizer.build([self._image])
        return optimizer

    def _state_variables(self) -> list[Any]:
        assert self._optimizer is not None, "enter comes first"  # noqa: S101
        average = self._average.variables if self._average is not None else []
        return [self._image, self._best_image, self._best_loss, *self._optimizer.variables, *average]

    def _compiled(self):
        bound, image = self._bound, self._image
        optimizer: Any = self._optimizer  # Keras' own know no `loss`
        best_image, best_loss = self._best_image, self._best_loss
        needs_loss = getattr(optimizer, "needs_loss", False)

        def remember(loss: tf.Tensor) -> tf.Operation:
            best_image.assign(image)
            best_loss.assign(loss)
            return tf.no_op()

        def ask(targets, weights) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            present = tf.convert_to_tensor(image)
            loss, parts, gradient = bound.objective.value_and_gradient(present, targets, weights)
            tf.cond(loss < best_loss, lambda: remember(loss), tf.no_op)
            return loss, tf.concat([loss[tf.newaxis], parts], 0), gradient

        def tell(loss: tf.Tensor, gradient: tf.Tensor) -> None:
            if needs_loss:
                optimizer.apply([gradient], [image], loss=loss)
            else:
                optimizer.apply([gradient], [image])
            if self._clip:
                image.assign(tf.clip_by_value(image, 0.0, 1.0))
            if self._average is not None:
                self._average.update(tf.convert_to_tensor(image))

        @tf.function
        def advance(count: tf.Tensor, targets, weights) -> tf.Tensor:
            self.traces += 1  # Python runs this at tracing only
            rows = tf.TensorArray(tf.float32, size=count, element_shape=(1 + len(bound.parts),))
            for index in tf.range(count):
                loss, row, gradient = ask(targets, weights)
                tell(loss, gradient)
                rows = rows.write(index, row)
            return rows.stack()

        @tf.function
        def compiled_ask(targets, weights) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            self.traces += 1
            return ask(targets, weights)

        def advance_on_host(count: tf.Tensor, targets, weights) -> tf.Tensor:
            rows = []
            for _ in range(int(count)):
                loss, row, gradient = compiled_ask(targets, weights)
                tell(loss, gradient)
                rows.append(row)
            return tf.stack(rows)

        return advance_on_host if getattr(optimizer, "on_host", False) else advance

    def _report(self, row: np.ndarray, seconds: float, is_last_of_call: bool) -> Report:
        loss = float(row[0])
        size = max(self._height_and_width)
        # an optimizer that takes bad trials back may meet one on its way, after a good one
        takes_back = getattr(self._optimizer, "needs_loss", False)
        if not math.isfinite(loss) and not (takes_back and math.isfinite(self.best_loss)):
            raise Diverged(f"the loss is {loss} after {self._step} steps")
        return Report(self._step, size, seconds, loss, self._named(row[1:]), is_last_of_call)

    def _named(self, parts: np.ndarray) -> dict[str, float]:
        return {name: float(value) for name, value in zip(self._bound.parts, parts, strict=True)}
