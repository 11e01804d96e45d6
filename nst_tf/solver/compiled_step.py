"""The compiled training step of one size: the image, the optimizer and the only ``tf.function`` over them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_tf.bounded_cache import BoundedCache
from nst_tf.conditional_assignment import assign_if, selects
from nst_tf.objective import BoundObjective, Objective
from nst_tf.solver.health import Health, Verdict
from nst_tf.solver.moving_average import MovingAverage

# of images and optimizers that wait to be used again; L-BFGS with 20 pairs at 512 x 512 has 0.14 GB
_MOST_BYTES = 1 << 30
# each is a traced graph of about 10 MB of its own; a grid of four optimizers by four statistics fits
_MOST_STEPS = 16


class CompiledStep:
    """``tf.Variable`` image, Keras optimizer, best image so far, and the function that advances them.

    It is traced once. Targets, weights of the loss and the number of steps are its arguments; ``reset``
    gives it another start and another learning rate. So runs that differ in nothing else share it, and
    each ends as it would have ended alone.
    """

    def __init__(
        self,
        objective: Objective,
        height_and_width: tuple[int, int],
        prototype: keras.optimizers.Optimizer,
        *,
        clip: bool,
        average: float | None,
    ) -> None:
        """Make the variables; call ``reset`` before the first step."""
        shape = (1, *height_and_width, 3)
        self.image = tf.Variable(tf.zeros(shape), name="image")
        self.best_image = tf.Variable(tf.zeros(shape), name="best_image")
        self.best_loss = tf.Variable(tf.constant(np.inf, tf.float32), name="best_loss")
        self.optimizer: keras.optimizers.Optimizer = type(prototype).from_config(prototype.get_config())
        self.optimizer.build([self.image])
        self._initial = [_constant_or_copy(one) for one in self.optimizer.variables]
        self.average = MovingAverage(shape, average) if average else None
        self.health = Health(takes_back=getattr(self.optimizer, "needs_loss", False))
        self.traces = 0
        """How often it was traced, in all runs together."""
        self._objective = objective
        self._clip = clip
        self._fresh = True
        self._value_and_gradient = self._objective.value_and_gradient
        if not objective.evaluation.on_host:
            # a function of its own, not inlined into the loop: there, oneDNN's rewriting of the graph goes
            # around the loop in an order that varies, and by chance leaves poolings to a slower kernel
            self._value_and_gradient = tf.function(
                self._value_and_gradient,
                autograph=False,
                jit_compile=getattr(objective.evaluation, "jit_compile", False) or None,
                experimental_attributes={"_noinline": True},
            )
        self._trace, self._advance = self._compiled()
        self._parts = objective.weighted_parts
        if not objective.evaluation.on_host:
            self._parts = tf.function(self._parts, autograph=False)

    def reset(self, start: np.ndarray, prototype: keras.optimizers.Optimizer) -> None:
        """Begin anew at ``start`` [H, W, 3], with the learning rate of ``prototype``."""
        self.close()
        self.image.assign(start[np.newaxis])
        self.best_image.assign(self.image)
        self.best_loss.assign(np.inf)
        self.health.reset()
        if (
            not self._fresh
        ):  # a history of L-BFGS can be most of the memory there is: write it only if need be
            for variable, value in zip(self.optimizer.variables, self._initial, strict=True):
                variable.assign(tf.fill(variable.shape, value) if np.ndim(value) == 0 else value)
        self._fresh = False
        rate = prototype.get_config().get("learning_rate")
        if isinstance(rate, float):
            self.optimizer.learning_rate = rate
        if self.average is not None:
            self.average.reset(tf.convert_to_tensor(self.image))

    def __call__(self, count: int, targets: Mapping[str, Any], weights: tf.Tensor) -> np.ndarray:
        """Make ``count`` steps -> [count, 2 + P]: verdict, loss before each update, and its parts.

        One host sync. A step whose verdict is not ``Verdict.GOOD`` is the last row, and its update not made.
        """
        rows = self._advance(tf.constant(count), targets, weights).numpy()
        bad = np.flatnonzero(rows[:, 0] != Verdict.GOOD)
        return rows[: bad[0] + 1] if bad.size else rows

    def trace(self, targets: Mapping[str, Any], weights: tf.Tensor) -> Any:
        """Do now what the first call would do before its first step; nothing if it was done.

        Returns the concrete function, or None for a step that is made of several or runs on the host.
        """
        return self._trace(targets, weights)

    def parts_of(self, image: tf.Tensor, targets: Mapping[str, Any], weights: tf.Tensor) -> np.ndarray:
        """Weighted parts of the loss [P] of any image [1, H, W, 3]; compiled when it is first asked for."""
        return self._parts(image, targets, weights).numpy()

    @property
    def variables(self) -> list[Any]:
        """Everything that changes from step to step, in an order that equal steps share."""
        average = self.average.variables if self.average is not None else []
        image = [self.image, self.best_image, self.best_loss]
        return [*image, *self.optimizer.variables, *average, *self.health.variables]

    @property
    def named_variables(self) -> dict[str, Any]:
        """They by name, for a checkpoint."""
        return {f"variable_{index:03d}": one for index, one in enumerate(self.variables)}

    def close(self) -> None:
        """Let go of what the optimizer holds besides its variables, such as a thread."""
        close = getattr(self.optimizer, "close", None)
        if close is not None:
            close()

    def _ask(self, targets, weights, may_improve: Any = True) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        present = tf.convert_to_tensor(self.image)
        loss, parts, gradient = self._value_and_gradient(present, targets, weights)
        verdict, finite = self.health.verdict(loss, gradient, tf.convert_to_tensor(self.best_loss))
        improved = may_improve & finite & (loss < tf.convert_to_tensor(self.best_loss))
        assign_if(improved, lambda: [(self.best_image, present), (self.best_loss, loss)])
        return loss, tf.concat([verdict[tf.newaxis], loss[tf.newaxis], parts], 0), gradient

    def _tell(self, loss: tf.Tensor, gradient: tf.Tensor) -> None:
        optimizer: Any = self.optimizer  # Keras' own know no `loss`
        if getattr(optimizer, "needs_loss", False):
            optimizer.apply([gradient], [self.image], loss=loss)
        else:
            optimizer.apply([gradient], [self.image])
        if self._clip:
            self.image.assign(tf.clip_by_value(self.image, 0.0, 1.0))
        if self.average is not None:
            self.average.update(tf.convert_to_tensor(self.image))

    @property
    def _told(self) -> list[Any]:
        """What must be as it was after a step that was bad.

        An optimizer that takes bad trials back does so by itself, and what could not be taken back begins
        anew: its history need not be copied at every step.
        """
        if getattr(self.optimizer, "needs_loss", False):
            return []
        average = self.average.variables if self.average is not None else []
        return [self.image, *self.optimizer.variables, *average]

    def _compiled(self) -> tuple[Any, Any]:
        """What traces, and what makes the steps.

        One compiled function does both parts of a step, unless one of them runs on the host: an optimizer
        such as SciPy's, or an objective that goes over tiles.
        """
        numbers = 2 + len(self._objective.parts)

        def counted(function):
            def traced(*arguments):
                self.traces += 1  # Python runs this at tracing only
                return function(*arguments)

            # loops and conditions below are TensorFlow's own: converting Python's would double the tracing
            return tf.function(traced, autograph=False)

        def steps(count: tf.Tensor, targets, weights) -> tf.Tensor:
            def step(index: tf.Tensor, good: tf.Tensor, rows: tf.TensorArray) -> tuple[Any, ...]:
                loss, row, gradient = self._ask(targets, weights)
                good = tf.equal(row[0], float(Verdict.GOOD))

                def tell() -> tf.Operation:
                    self._tell(loss, gradient)
                    return tf.no_op()

                tf.cond(good, tell, tf.no_op)
                return index + 1, good, rows.write(index, row)

            def step_without_host(index: tf.Tensor, good: tf.Tensor, rows: tf.TensorArray) -> tuple[Any, ...]:
                # the host learns at the end of the call that a step was bad: until then all stays as it was
                judged = [(one, tf.identity(one)) for one in self.health.variables]
                loss, row, gradient = self._ask(targets, weights, good)
                assign_if(tf.logical_not(good), lambda: judged)
                good &= tf.equal(row[0], float(Verdict.GOOD))
                held = [(one, tf.identity(tf.convert_to_tensor(one))) for one in self._told]
                self._tell(loss, gradient)
                assign_if(tf.logical_not(good), lambda: held)
                return index + 1, good, rows.write(index, row)

            empty = tf.TensorArray(tf.float32, size=count, element_shape=(numbers,))
            begin = (0, tf.constant(True), empty)
            if selects():
                made = tf.while_loop(
                    lambda index, *_: index < count, step_without_host, begin, parallel_iterations=1
                )
            else:
                made = tf.while_loop(
                    lambda index, good, _: good & (index < count), step, begin, parallel_iterations=1
                )
            return made[2].stack()  # rows that were not written are zeros

        asks_on_host = self._objective.evaluation.on_host
        tells_on_host = getattr(self.optimizer, "on_host", False)
        if not (asks_on_host or tells_on_host):
            advance = counted(steps)
            count = tf.TensorSpec((), tf.int32)
            return lambda *given: advance.get_concrete_function(count, *given), advance

        ask: Any = self._ask if asks_on_host else counted(self._ask)
        tell: Any = self._tell if tells_on_host else counted(self._tell)

        def trace(targets, weights) -> None:
            if not asks_on_host:
                ask.get_concrete_function(targets, weights)
            if not tells_on_host:
                tell.get_concrete_function(
                    tf.TensorSpec((), tf.float32), tf.TensorSpec(self.image.shape, tf.float32)
                )

        def advance_on_host(count: tf.Tensor, targets, weights) -> tf.Tensor:
            rows = []
            for _ in range(int(count)):
                loss, row, gradient = ask(targets, weights)
                rows.append(row)
                if float(row[0]) != Verdict.GOOD:
                    break
                tell(loss, gradient)
            return tf.stack(rows)

        return trace, advance_on_host


class CompiledSteps:
    """Compiled steps that wait to be used again; bounded, and freed when told that shapes changed."""

    def __init__(self) -> None:
        """None yet."""
        self._waiting: BoundedCache[CompiledStep] = BoundedCache(_MOST_BYTES, _MOST_STEPS)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def take(
        self,
        bound: BoundObjective,
        start: np.ndarray,
        prototype: keras.optimizers.Optimizer,
        *,
        clip: bool,
        average: float | None,
    ) -> tuple[Hashable, CompiledStep]:
        """A step for this objective and image, reset to ``start`` [H, W, 3], and the key to give it back."""
        shape = start.shape[0], start.shape[1]
        key = (bound.structure, shape, _structure_of(prototype), clip, average)
        step = self._waiting.take(key)
        if step is None:
            step = CompiledStep(bound.objective, shape, prototype, clip=clip, average=average)
        step.reset(start, prototype)
        return key, step

    def give_back(self, key: Hashable, step: CompiledStep) -> None:
        """The step is not needed any more; it may be used again."""
        step.close()
        size = sum(int(np.prod(one.shape)) * 4 for one in step.variables)
        self._waiting.put(key, step, size)

    def clear(self) -> None:
        """Free them all."""
        self._waiting.clear()


def _structure_of(optimizer: keras.optimizers.Optimizer) -> str:
    """What of an optimizer is compiled in: everything but a learning rate that is a number."""
    config = optimizer.get_config()
    config.pop("name", None)  # Keras counts: adam, adam_1, ...
    if isinstance(config.get("learning_rate"), float):
        config["learning_rate"] = "a number"
    return f"{type(optimizer).__module__}.{type(optimizer).__qualname__} {sorted(config.items())}"


def _constant_or_copy(variable: Any) -> float | np.ndarray:
    """Histories and moments begin as one number: keep that, not a second history."""
    values = tf.reshape(tf.convert_to_tensor(variable), [-1])  # shares the variable's memory
    lowest, highest = tf.reduce_min(values).numpy(), tf.reduce_max(values).numpy()
    return lowest if lowest == highest else np.asarray(variable)


def view_of(variable: Any) -> np.ndarray:
    """The variable's values now; a history of gigabytes is not copied for a checkpoint."""
    tensor: Any = tf.convert_to_tensor(variable)  # has the buffer interface
    return np.asarray(memoryview(tensor))
