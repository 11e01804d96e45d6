"""What a GPU would copy to the host while a step runs, by the kernels that TensorFlow has for one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from gpu_checks.memory_spaces import copies_to_the_host, kernels_of_a_gpu_are_known

from nst_tf.device import selecting
from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.optim import LBFGS, TorchLBFGS
from nst_tf.optim.step import CompiledSteps, StepRequest

pytestmark = pytest.mark.skipif(not kernels_of_a_gpu_are_known(), reason="TensorFlow built without CUDA")


@pytest.fixture
def transfer(small_extractor, random):
    """A style transfer at 32 x 24, and the content to start from."""
    content, style = random.uniform(0, 1, (2, 32, 24, 3)).astype(np.float32)
    terms = ContentLoss({"block2_conv2": 1.0}), StyleLoss({"block2_conv1": 1.0}), TotalVariation(1.0)
    return Objective(small_extractor, *terms).bind(content, [StyleImage(style)]), content


def traced(optimizer, bound, content, average=None):
    step = CompiledSteps().take(StepRequest(bound, content, optimizer, average=average))
    return step.trace(bound.targets, bound.weights)


@pytest.mark.parametrize(
    ("make", "average"),
    [
        (lambda: keras.optimizers.Adam(0.01), 0.9),
        (lambda: LBFGS(history_size=3, octaves=2), None),
        (lambda: TorchLBFGS(history_size=3), None),
    ],
    ids=["adam", "lbfgs", "torch"],
)
def test_a_step_copies_nothing(make, average, transfer):
    with selecting():
        assert copies_to_the_host(traced(make(), *transfer, average)) == []


def test_a_branch_is_found(transfer):
    with selecting(False):
        found = copies_to_the_host(traced(keras.optimizers.Adam(0.01), *transfer))
    assert found
    assert any(" -> If " in one for one in found)


def test_what_only_a_cpu_computes_is_found():
    @tf.function(autograph=False)
    def listed(values):
        return tf.reduce_sum(tf.raw_ops.ListDiff(x=values, y=values[:1]).out)

    found = copies_to_the_host(listed.get_concrete_function(tf.TensorSpec((4,), tf.float32)))
    assert any("-> ListDiff" in one for one in found)


def test_a_bad_step_is_not_made_and_nothing_after_it(transfer):
    """The rows up to it, and every variable, are those of a loop that ends there, as on a CPU."""
    bound, content = transfer
    found = []
    for select in (False, True):
        with selecting(select):
            request = StepRequest(bound, content, keras.optimizers.SGD(1e30), clip=False, average=0.9)
            step = CompiledSteps().take(request)
            rows = step(5, bound.targets, bound.weights)
        found.append((rows, *(np.asarray(one) for one in step.state.variables)))
    assert 1 < len(found[0][0]) < 5
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
