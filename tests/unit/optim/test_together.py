"""Several solvers whose steps are made as one, against each of them alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses import ContentLoss, StyleLoss
from nst_tf.objective import Objective, StyleImage
from nst_tf.optim import LBFGS
from nst_tf.optim.batched import BatchedLanes, OtherStep, steps_together
from nst_tf.optim.loop import Solver
from nst_tf.optim.step import CompiledSteps

RATES = (0.01, 0.02, 0.04)
SIZES = ((12, 10), (24, 20))
STEPS = 6


class Transfer:
    """One transfer with content, style, weight and start of its own."""

    def __init__(self, number, optimizer, extractor, compiled_steps, average=None, clip=True):
        random = np.random.default_rng(number)
        self.pictures = random.uniform(0, 1, (3, *SIZES[-1], 3)).astype(np.float32)
        self.objective = Objective(
            extractor,
            ContentLoss({"block1_conv1": 1.0}),
            StyleLoss({"block2_conv1": 1.0}, weight=10.0**number),
        )
        self.solver = Solver(
            optimizer, compiled_steps=compiled_steps, clip=clip, average=average, keep_best=average is None
        )
        self.image = None

    def enter(self, size):
        content, style, start = (tf.image.resize(one, size).numpy() for one in self.pictures)
        if self.image is not None:
            start = tf.image.resize(self.solver.image, size).numpy()
        self.image = start
        self.solver.enter(start, self.objective.bind(content, [StyleImage(style)]))


def together(optimizers, extractor, average=None, batches=None, clip=True):
    """What came out of all at once: their solvers, and the losses of each, None where it left."""
    lanes = BatchedLanes(CompiledSteps() if batches is None else batches, len(optimizers))
    transfers = {
        number: Transfer(number, one, extractor, lanes.lanes[number], average, clip)
        for number, one in enumerate(optimizers)
    }
    losses = {number: [] for number in transfers}
    going_on = dict(transfers)
    for size in SIZES:
        lanes.next_size()
        for one in going_on.values():
            one.enter(size)
        solvers = {number: one.solver for number, one in going_on.items()}
        for number, report in steps_together(lanes, solvers, STEPS, dict.fromkeys(solvers, 4)):
            losses[number].append(report and report.loss)
            if report is None:
                del going_on[number]
    lanes.close()
    return [one.solver for one in transfers.values()], losses


def alone(number, optimizer, extractor, average=None, clip=True):
    one = Transfer(number, optimizer, extractor, CompiledSteps(), average, clip)
    losses = []
    for size in SIZES:
        one.enter(size)
        losses += [report.loss for report in one.solver.steps(STEPS, 4)]
    return one.solver, losses


@pytest.mark.parametrize(
    ("make", "average"),
    [
        pytest.param(lambda number: keras.optimizers.Adam(RATES[number]), 0.9, id="adam"),
        pytest.param(lambda number: LBFGS(history_size=3), None, marks=pytest.mark.slow, id="lbfgs"),
    ],
)
def test_each_ends_as_alone(small_extractor, make, average):
    solvers, losses = together([make(number) for number in range(3)], small_extractor, average)
    for number, solver in enumerate(solvers):
        expected, expected_losses = alone(number, make(number), small_extractor, average)
        # rounding at the first step grows with every step that follows
        np.testing.assert_allclose(losses[number], expected_losses, rtol=1e-4)
        np.testing.assert_allclose(solver.image, expected.image, atol=1e-3)
        assert solver.step == expected.step == 2 * STEPS
        assert solver.learning_rate == expected.learning_rate


def test_another_structure_has_no_seat(small_extractor):
    lanes = BatchedLanes(CompiledSteps(), 2)
    Transfer(0, keras.optimizers.SGD(0.1), small_extractor, lanes.lanes[0]).enter(SIZES[0])
    other = Transfer(1, keras.optimizers.SGD(0.1), small_extractor, lanes.lanes[1])
    with pytest.raises(OtherStep):
        other.enter(SIZES[1])
