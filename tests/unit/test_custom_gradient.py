"""A gradient of one's own: the same as TensorFlow's way, and gone with the graph that it was traced in."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from nst_tf.device import custom_gradient


@custom_gradient
def tripled(values: tf.Tensor):
    """Of which the gradient is said to be 5, so that it can be told from the true one."""
    return 3 * values, lambda gradient: 5 * gradient


@custom_gradient
def split(values: tf.Tensor, others: tf.Tensor):
    return [values + others, values * others], lambda first, second: (first, 7 * second)


def gradient_of_tripled(values: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = tripled(values)
    return tape.gradient(result, values)


def in_a_loop(values: tf.Tensor) -> tf.Tensor:
    """The gradient of the loop is built from the operations of its body, by their names in the registry."""
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = tf.while_loop(
            lambda index, _: index < 2, lambda index, one: (index + 1, tripled(one)), (0, values)
        )
    return tape.gradient(result[1], values)


def by_name(values: tf.Tensor) -> tf.Tensor:
    return tf.gradients(tripled(values), values)[0]


@pytest.mark.parametrize(
    ("function", "expected"), [(gradient_of_tripled, 5.0), (in_a_loop, 25.0), (by_name, 5.0)]
)
def test_the_gradient_is_the_one_that_was_given(function, expected: float) -> None:
    given = tf.constant([1.0, 2.0])
    np.testing.assert_array_equal(tf.function(function)(given), [expected] * 2)
    if function is gradient_of_tripled:
        np.testing.assert_array_equal(function(given), [expected] * 2)


def test_of_several_tensors() -> None:
    @tf.function
    def both(values, others):
        with tf.GradientTape() as tape:
            tape.watch((values, others))
            first, second = split(values, others)
            total = first + second
        return tape.gradient(total, (values, others))

    assert [float(one) for one in both(tf.constant(2.0), tf.constant(3.0))] == [1.0, 7.0]


def test_nothing_is_left_of_a_function_that_is_gone() -> None:
    gc.collect()
    before = set(ops.gradient_registry.list())
    traced = tf.function(gradient_of_tripled)
    graph = weakref.ref(traced.get_concrete_function(tf.TensorSpec([4])).graph)
    assert graph() is not None
    assert len(set(ops.gradient_registry.list()) - before) == 1
    del traced
    gc.collect()
    assert graph() is None
    assert set(ops.gradient_registry.list()) <= before
