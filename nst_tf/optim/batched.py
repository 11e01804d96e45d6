"""Several pictures at once: one batch through the network, then each for itself."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.objective import BoundObjective
from nst_tf.objective.objective import DRAW
from nst_tf.optim.loop import Solver, StepsPerCall
from nst_tf.optim.step import CompiledStep, CompiledSteps, StepRequest, Verdict, compiled_apart
from nst_tf.report import Report


class BatchedStep:
    """Several pictures of one shape and one objective, each with targets, weights and optimizer of its own.

    The objective is evaluated for all of them at once; then each is judged and moved as a ``CompiledStep``
    does it, where a bad step leaves a picture as it was from then on, and the others go on. So each ends as
    it would have ended alone, but for the rounding of sums that convolutions make in another order.
    """

    def __init__(self, count: int, request: StepRequest) -> None:
        """Make the variables of ``count`` pictures; ``reset`` each before the first step."""
        objective = request.bound.objective
        self.key = (count, request.key)
        self.lanes: list[CompiledStep] = []
        """Each could also be advanced by itself; nothing of that is traced unless it is asked for."""
        for _ in range(count):
            self.lanes.append(CompiledStep(request, self.lanes[0].parts if self.lanes else None))
        self._numbers = 2 + len(objective.parts)
        self._evaluate = compiled_apart(objective.value_and_gradient_of_several, objective)
        self._advance: Any = tf.function(self._steps, autograph=False)

    def __call__(self, count: int, targets: Mapping[str, Any], weights: tf.Tensor) -> np.ndarray:
        """Make ``count`` steps of each -> [N, count, 2 + P]: verdict, loss before the update, and its parts.

        ``targets`` and ``weights`` are ``stacked``. One host sync. What follows a picture's first verdict
        other than ``Verdict.GOOD`` means nothing.
        """
        return self._advance(tf.constant(count), targets, weights).numpy().transpose(1, 0, 2)

    def trace(self, targets: Mapping[str, Any], weights: tf.Tensor) -> Any:
        """Do now what the first call would do before its first step; returns the concrete function."""
        return self._advance.get_concrete_function(tf.TensorSpec((), tf.int32), targets, weights)

    @property
    def bytes(self) -> int:
        return sum(lane.bytes for lane in self.lanes)

    def close(self) -> None:
        """As ``CompiledStep.close``."""
        for lane in self.lanes:
            lane.close()

    def _steps(self, count: tf.Tensor, targets, weights) -> tf.Tensor:
        self.lanes[0].traces += 1  # Python runs this at tracing only
        states = [lane.state for lane in self.lanes]

        def step(index: tf.Tensor, good: tf.Tensor, rows: tf.TensorArray) -> tuple[Any, ...]:
            images = tf.stack([state.image for state in states])
            drawn = targets
            if DRAW in targets:
                drawn = {**targets, DRAW: tf.stack([state.next_draw() for state in states])}
            said = [tf.unstack(some) for some in self._evaluate(images, drawn, weights)]
            told = [
                state.step_without_host(its_good, loss, parts, state.gradient(gradient))
                for state, its_good, loss, parts, gradient in zip(
                    states, tf.unstack(good), *said, strict=True
                )
            ]
            still_good, told_rows = zip(*told, strict=True)
            return index + 1, tf.stack(still_good), rows.write(index, tf.stack(told_rows))

        rows = tf.TensorArray(tf.float32, size=count, element_shape=(len(states), self._numbers))
        begin = (0, tf.fill([len(states)], True), rows)
        return tf.while_loop(lambda index, *_: index < count, step, begin, parallel_iterations=1)[2].stack()


def stacked(bounds: Sequence[BoundObjective]) -> tuple[dict[str, Any], tf.Tensor]:
    """Targets, each with a new first axis, and weights [N, P], of objectives of one structure."""
    targets: Any = tf.nest.map_structure(lambda *ones: tf.stack(ones), *(one.targets for one in bounds))
    return targets, tf.stack([one.weights for one in bounds])


class OtherStep(Exception):
    """A solver wants another step than those that entered the same size before it."""


class BatchedLanes:
    """The lanes of several solvers in the batched steps of their sizes."""

    def __init__(self, compiled_steps: CompiledSteps, count: int) -> None:
        """``count`` lanes; their steps are taken from ``compiled_steps``."""
        self._compiled_steps = compiled_steps
        self._taken: dict[Hashable, BatchedStep] = {}
        self._present: Hashable = None
        self.lanes = [Lane(self, number) for number in range(count)]
        """What each solver takes its step from."""

    def next_size(self) -> None:
        """The solvers will enter another size."""
        self._present = None

    @property
    def step(self) -> BatchedStep:
        """That of the present size."""
        return self._taken[self._present]

    def taken(self, request: StepRequest) -> BatchedStep:
        """The step that can do it; raises OtherStep if another one is that of the present size."""
        count = len(self.lanes)
        key = (count, request.key)
        if self._present not in (None, key):
            raise OtherStep
        self._present = key
        if key not in self._taken:
            self._taken[key] = self._compiled_steps.waiting_or_made(key, lambda: BatchedStep(count, request))
        return self._taken[key]

    def close(self) -> None:
        """Give every step back, for other batches."""
        for step in self._taken.values():
            self._compiled_steps.give_back(step)
        self._taken.clear()


@dataclass(frozen=True, eq=False)
class Lane:
    """One solver's: a ``StepSource`` that has one lane of a batched step for it."""

    of: BatchedLanes
    number: int

    def take(self, request: StepRequest) -> CompiledStep:
        """The lane, reset to the ``start`` of the request; raises OtherStep as ``BatchedLanes.taken``."""
        lane = self.of.taken(request).lanes[self.number]
        lane.reset(request.start, request.prototype)
        return lane

    def give_back(self, step: CompiledStep) -> None:
        """Nothing: ``BatchedLanes.close`` does it for all."""


# ---- the loop of several solvers whose compiled calls are one ----


def steps_together(
    lanes: BatchedLanes, solvers: Mapping[int, Solver], count: int, reports_every: Mapping[int, int | None]
) -> Iterator[tuple[int, Report | None]]:
    """Run ``count`` steps of each solver and yield number and report of each, call by call.

    ``solvers``, by the number of their lane, have entered the same size, with objectives of one structure and
    without patience; lanes without a solver are computed and not looked at. A solver whose step went wrong
    gets no more reports: None comes in the place of those of that call. Each solver's ``seconds`` are its
    share of the time. Calls are as long as in ``Solver.steps``.
    """
    if count == 0 or not solvers:
        return
    going_on = dict(solvers)
    first = next(iter(going_on.values()))
    bounds = [going_on.get(number, first).bound for number in range(len(lanes.lanes))]
    targets, weights = stacked(bounds)
    share = 1 / len(going_on)
    began = time.perf_counter()
    lanes.step.trace(targets, weights)
    tracing = time.perf_counter() - began
    for solver in going_on.values():
        solver.begin_steps(share * tracing)
    calls = StepsPerCall(count)
    while calls.left and going_on:
        chunk = min(calls.next_call(one.step, reports_every[number]) for number, one in going_on.items())
        called = time.perf_counter()
        rows = lanes.step(chunk, targets, weights)  # the one host sync
        took = time.perf_counter() - called
        for number, solver in list(going_on.items()):
            if np.any(rows[number, :, 0] != Verdict.GOOD):
                del going_on[number]
                yield number, None
                continue
            for report in solver.reports(rows[number], chunk, share * took, is_first=calls.done == 0):
                yield number, report
        calls.made(chunk, took)
