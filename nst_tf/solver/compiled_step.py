"""The compiled training step of one size: the image, the optimizer and the only ``tf.function`` over them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from nst_tf.bounded_cache import BoundedCache
from nst_tf.conditional_assignment import selects
from nst_tf.objective import BoundObjective, Objective
from nst_tf.solver.health import Verdict
from nst_tf.solver.picture_state import PictureState

# of images and optimizers that wait to be used again; L-BFGS with 20 pairs at 512 x 512 has 0.14 GB
_MOST_BYTES = 1 << 30
# each is a traced graph of about 10 MB of its own; a grid of four optimizers by four statistics fits
_MOST_STEPS = 16


class CompiledStep:
    """The state of one picture, and the function that advances it.

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
        parts: Callable | None = None,
    ) -> None:
        """Make the variables; call ``reset`` before the first step.

        ``parts`` is what another step of this objective has compiled for ``parts_of``.
        """
        self.state = PictureState(height_and_width, prototype, clip=clip, average=average)
        self.traces = 0
        """How often it was traced, in all runs together."""
        self._objective = objective
        self._value_and_gradient = compiled_apart(objective.value_and_gradient, objective)
        self._trace, self._advance = self._compiled()
        self.parts = parts or _compiled_parts(objective)
        """Of any image, its targets and the weights, the weighted parts of the loss [P]."""

    def reset(self, start: np.ndarray, prototype: keras.optimizers.Optimizer) -> None:
        """Begin anew at ``start`` [H, W, 3], with the learning rate of ``prototype``."""
        self.state.reset(start, prototype)

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
        return self.parts(image, targets, weights).numpy()

    def _ask(self, targets, weights) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        loss, parts, gradient = self._evaluate(targets, weights)
        return loss, self.state.judge(loss, parts, gradient), gradient

    def _evaluate(self, targets, weights) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return self._value_and_gradient(tf.convert_to_tensor(self.state.image), targets, weights)

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
                    self.state.tell(loss, gradient)
                    return tf.no_op()

                tf.cond(good, tell, tf.no_op)
                return index + 1, good, rows.write(index, row)

            def step_without_host(index: tf.Tensor, good: tf.Tensor, rows: tf.TensorArray) -> tuple[Any, ...]:
                good, row = self.state.step_without_host(good, *self._evaluate(targets, weights))
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
        tells_on_host = getattr(self.state.optimizer, "on_host", False)
        if not (asks_on_host or tells_on_host):
            advance = counted(steps)
            count = tf.TensorSpec((), tf.int32)
            return lambda *given: advance.get_concrete_function(count, *given), advance

        ask: Any = self._ask if asks_on_host else counted(self._ask)
        tell: Any = self.state.tell if tells_on_host else counted(self.state.tell)

        def trace(targets, weights) -> None:
            if not asks_on_host:
                ask.get_concrete_function(targets, weights)
            if not tells_on_host:
                tell.get_concrete_function(
                    tf.TensorSpec((), tf.float32), tf.TensorSpec(self.state.image.shape, tf.float32)
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


def compiled_apart(function: Callable, objective: Objective) -> Callable:
    """Value and gradient, of one picture or of several, as the loop of the steps is to call them."""
    if objective.evaluation.on_host:
        return function
    # a function of its own, not inlined into the loop: there, oneDNN's rewriting of the graph goes
    # around the loop in an order that varies, and by chance leaves poolings to a slower kernel
    return tf.function(
        function,
        autograph=False,
        jit_compile=getattr(objective.evaluation, "jit_compile", False) or None,
        experimental_attributes={"_noinline": True},
    )


def _compiled_parts(objective: Objective) -> Callable:
    """Weighted parts of the loss of one picture, outside of the loop."""
    on_host = objective.evaluation.on_host
    return objective.weighted_parts if on_host else tf.function(objective.weighted_parts, autograph=False)


class Waiting(Protocol):
    """Where a solver takes a compiled step for each size, and gives it back."""

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
        ...

    def give_back(self, key: Hashable, step: CompiledStep) -> None:
        """The step is not needed any more; it may be used again."""
        ...


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
        key = key_of_step(bound, start, prototype, clip, average)
        step = self._waiting.take(key)
        if step is None:
            shape = start.shape[0], start.shape[1]
            step = CompiledStep(bound.objective, shape, prototype, clip=clip, average=average)
        step.reset(start, prototype)
        return key, step

    def give_back(self, key: Hashable, step: CompiledStep) -> None:
        """The step is not needed any more; it may be used again."""
        step.state.close()
        if self._waiting.put(key, step, step.state.bytes):
            gc.collect()  # a graph holds itself in circles: until then it would stay

    def clear(self) -> None:
        """Free them all."""
        self._waiting.clear()


def key_of_step(
    bound: BoundObjective,
    start: np.ndarray,
    prototype: keras.optimizers.Optimizer,
    clip: bool,
    average: float | None,
) -> Hashable:
    """Equal for what one compiled step can do; ``start`` is [H, W, 3]."""
    return (bound.structure, start.shape, structure_of_optimizer(prototype), clip, average)


def structure_of_optimizer(optimizer: keras.optimizers.Optimizer) -> str:
    """What of an optimizer is compiled in: everything but a learning rate that is a number."""
    config = optimizer.get_config()
    config.pop("name", None)  # Keras counts: adam, adam_1, ...
    if isinstance(config.get("learning_rate"), float):
        config["learning_rate"] = "a number"
    return f"{type(optimizer).__module__}.{type(optimizer).__qualname__} {sorted(config.items())}"
