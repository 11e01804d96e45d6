"""Every way to compute a convolution against NumPy, forwards and backwards, and which way is taken where."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.numpy_vgg import correlate

from nst_tf.vgg import convolution
from nst_tf.vgg.convolution import (
    DIRECT,
    FORWARD,
    TRANSPOSED,
    WIDENED,
    Convolution,
    reflect,
    replicate,
    way_to_convolve,
)

WAYS = (DIRECT, FORWARD, TRANSPOSED, WIDENED)


def adjoint(upstream: np.ndarray, kernel: np.ndarray, shape: tuple[int, ...], mode: str) -> np.ndarray:
    """The gradient of ``correlate`` by its input, from the images of a basis: no other formula is needed."""
    gradient = np.zeros(shape)
    for position in np.ndindex(shape):
        basis = np.zeros(shape)
        basis[position] = 1
        gradient[position] = np.sum(upstream * correlate(basis, kernel, mode))
    return gradient


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("pad", "mode"), [(None, "constant"), (reflect, "reflect"), (replicate, "symmetric")]
)
def test_value_and_gradient_are_those_of_numpy(random, way, pad, mode):
    kernel = random.standard_normal((3, 3, 2, 4)).astype(np.float32)
    bias = random.standard_normal(4).astype(np.float32)
    images = random.standard_normal((2, 4, 5, 2)).astype(np.float32)
    upstream = random.standard_normal((2, 4, 5, 4)).astype(np.float32)
    layer = Convolution("layer", kernel, bias, pad, "float32", way)

    @tf.function
    def value_and_gradient(given):
        with tf.GradientTape() as tape:
            tape.watch(given)
            found = layer(given)
        return found, tape.gradient(found, given, output_gradients=tf.constant(upstream))

    found, gradient = value_and_gradient(tf.constant(images))
    for index, image in enumerate(images):
        np.testing.assert_allclose(found[index], correlate(image, kernel, mode) + bias, atol=1e-5)
        expected = adjoint(upstream[index], kernel, image.shape, mode)
        np.testing.assert_allclose(gradient[index], expected, atol=1e-5)


def test_widened_is_a_convolution_of_rounded_numbers_rounded_again(random):
    def rounded(values: np.ndarray) -> np.ndarray:
        return tf.cast(tf.cast(values, tf.bfloat16), tf.float32).numpy()

    kernel = random.standard_normal((3, 3, 2, 4)).astype(np.float32)
    image = random.standard_normal((4, 5, 2)).astype(np.float32)
    layer = Convolution("layer", kernel, np.zeros(4, np.float32), None, "bfloat16", WIDENED)
    found = layer(tf.cast(image[np.newaxis], tf.bfloat16))
    assert found.dtype == tf.bfloat16
    exact = correlate(rounded(image), rounded(kernel), "constant")
    np.testing.assert_allclose(tf.cast(found[0], tf.float32), exact, rtol=2**-8, atol=1e-6)


def test_the_way_is_a_rule_of_precision_and_library(monkeypatch):
    monkeypatch.setattr(convolution, "has_onednn", lambda: True)
    assert way_to_convolve("float32") == TRANSPOSED
    for has_bfloat16, way in ((True, DIRECT), (False, WIDENED)):
        monkeypatch.setattr(convolution, "convolves_in", lambda precision, has=has_bfloat16: has)
        assert way_to_convolve("bfloat16") == way
    monkeypatch.setattr(convolution, "has_onednn", lambda: False)
    assert way_to_convolve("float32") == FORWARD


def test_a_gpu_convolves_directly(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert way_to_convolve("float32") == DIRECT
