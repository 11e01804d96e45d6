"""A step of several transfers: nothing is copied to the host, each ends as alone."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
from gpu_checks.memory_spaces import copies_to_the_host, kernels_of_a_gpu_are_known
from unit.optim.test_memory_spaces import transfer
from unit.optim.test_together import RATES, STEPS, alone, together

from nst_tf.device import selecting
from nst_tf.optim import LBFGS
from nst_tf.optim.batched import BatchedStep, stacked
from nst_tf.optim.step import CompiledSteps, StepRequest

__all__ = ["transfer"]  # a fixture


@pytest.mark.slow
@pytest.mark.skipif(not kernels_of_a_gpu_are_known(), reason="TensorFlow built without CUDA")
@pytest.mark.parametrize(
    "make", [lambda: keras.optimizers.Adam(0.01), lambda: LBFGS(history_size=3)], ids=["adam", "lbfgs"]
)
def test_a_step_of_several_copies_nothing(make, transfer):
    bound, content = transfer
    with selecting():
        step = BatchedStep(2, StepRequest(bound, content, make()))
        found = copies_to_the_host(step.trace(*stacked([bound, bound])))
    # the axes of a vectorized sum are made of constants, which TensorFlow folds before it runs anything
    axes = re.compile(r"Cast loop_body/Sum\w*/pfor/Cast:0 -> AddV2 ")
    assert [one for one in found if not axes.match(one)] == []


@pytest.mark.slow
def test_one_that_goes_wrong_leaves_and_the_others_go_on_as_before(small_extractor):
    rates = (0.01, 1e30, 0.02)
    _, losses = together([keras.optimizers.Adam(rate) for rate in rates], small_extractor, clip=False)
    assert losses[1][-1] is None
    assert len(losses[1]) < STEPS
    for number in (0, 2):
        _, expected = alone(number, keras.optimizers.Adam(rates[number]), small_extractor, clip=False)
        np.testing.assert_allclose(losses[number], expected, rtol=1e-4)


@pytest.mark.slow
def test_equal_batches_share_their_compiled_steps(small_extractor):
    batches = CompiledSteps()
    make = [keras.optimizers.Adam(rate) for rate in RATES]
    first, losses = together(make, small_extractor, batches=batches)
    assert [solver.traces for solver in first] == [2, 0, 0]
    second, again = together(make, small_extractor, batches=batches)
    assert [solver.traces for solver in second] == [0, 0, 0]
    assert again == losses
