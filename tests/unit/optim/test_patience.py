"""When a size ends early, against the definition, and that it does not depend on how steps are chunked."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from nst_tf.losses import ContentLoss
from nst_tf.objective import Objective
from nst_tf.optim.loop import Patience, Solver


@pytest.fixture
def bound_and_start(random):
    content, start = random.uniform(0.2, 0.8, (2, 5, 4, 3)).astype(np.float32)
    return Objective(lambda image: {"pixels": image}, ContentLoss({"pixels": 1.0})).bind(content, []), start


def run(bound_and_start, patience: Patience | None, factor: float = 0.9, **options):
    bound, start = bound_and_start
    # the gradient is 2 (x - p) / n: the loss falls by factor^2 a step
    solver = Solver(keras.optimizers.SGD((1 - factor) * start.size / 2), patience=patience)
    solver.enter(start, bound)
    return [report.loss for report in solver.steps(200, **options)], solver


@pytest.mark.parametrize(
    ("tolerance", "steps"),
    # losses fall by 0.81 a step: over 4 steps by 1 - 0.81^4 = 0.57, more than 0.5 and less than 0.6
    [(0.5, 200), (0.6, 8)],
)
def test_a_size_ends_when_the_loss_fell_too_little(bound_and_start, tolerance, steps):
    losses, _ = run(bound_and_start, Patience(4, tolerance))
    assert losses[5] / losses[4] == pytest.approx(0.81, rel=1e-3)
    assert len(losses) == steps or (steps == 200 and len(losses) > 30)  # until float32 has no more to give


def test_the_end_does_not_depend_on_how_steps_are_chunked(bound_and_start):
    ends = {len(run(bound_and_start, Patience(6, 0.75), reports_every=every)[0]) for every in (None, 1, 4)}
    assert ends == {12}


def test_the_next_size_has_its_own_patience(bound_and_start):
    bound, start = bound_and_start
    _, solver = run(bound_and_start, Patience(4, 0.6))
    solver.enter(start, bound)
    assert len(list(solver.steps(200))) == 8


def test_a_restored_solver_ends_where_it_would_have_ended(bound_and_start):
    bound, start = bound_and_start

    def fresh() -> Solver:
        solver = Solver(keras.optimizers.SGD(0.1 * start.size / 2), patience=Patience(4, 0.6))
        solver.enter(start, bound)
        return solver

    first = fresh()
    for _ in first.steps(5, reports_every=1):
        pass
    second = fresh()
    second.restore(first.state(), 5, 0.0)
    assert len(list(second.steps(195))) == 3
