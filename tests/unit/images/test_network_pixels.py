from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.images.pixels import (
    CAFFE_MEAN_BGR,
    NETWORK_PIXELS,
    to_caffe,
    to_caffe_256,
    to_imagenet,
    to_unit,
)

PIXELS = np.random.default_rng(0).random((2, 5, 7, 3), dtype=np.float32)


@pytest.mark.parametrize("application", [keras.applications.vgg16, keras.applications.vgg19])
def test_caffe_is_what_keras_feeds_to_vgg(application):
    expected = application.preprocess_input(255 * PIXELS.copy())
    np.testing.assert_allclose(to_caffe(PIXELS), expected, atol=1e-4)
    np.testing.assert_allclose(to_caffe(tf.constant(PIXELS)), expected, atol=1e-4)


def test_values_by_hand():
    red = np.array([[[1.0, 0.0, 0.0]]])
    np.testing.assert_allclose(to_caffe(red)[0, 0], (-103.939, -116.779, 255 - 123.68))
    np.testing.assert_allclose(to_caffe_256(red)[0, 0], (-103.939, -116.779, 256 - 123.68))
    assert to_unit(red) is red
    # torchvision.transforms.functional.normalize with the numbers of its ImageClassification
    expected = (0.515 / 0.229, -0.456 / 0.224, -0.406 / 0.225)
    np.testing.assert_allclose(to_imagenet(red)[0, 0], expected)


@pytest.mark.parametrize("name", sorted(NETWORK_PIXELS))
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_kind_shape_and_dtype_are_kept(name, dtype):
    tensor = tf.cast(PIXELS, dtype)
    mapped = NETWORK_PIXELS[name](tensor)
    assert tf.is_tensor(mapped)
    assert mapped.dtype == tensor.dtype
    assert mapped.shape == tensor.shape
    if dtype == "bfloat16":  # no type of NumPy's own
        return
    array = NETWORK_PIXELS[name](tensor.numpy())
    assert isinstance(array, np.ndarray)
    assert array.dtype == tensor.numpy().dtype
    np.testing.assert_allclose(array.astype("float64"), tf.cast(mapped, "float64"), atol=1e-4)


def test_a_variable_inside_a_function_with_its_gradient():
    image = tf.Variable(PIXELS)

    @tf.function(autograph=False)
    def gradient():
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(to_caffe(image) * tf.constant([1.0, 2.0, 3.0]))
        return tape.gradient(total, image)

    # BGR weights 1, 2, 3 come back to RGB in reverse order.
    np.testing.assert_allclose(
        gradient(), np.broadcast_to(255 * np.array([3, 2, 1]), PIXELS.shape), rtol=1e-6
    )


def test_the_table_names_the_functions_and_cannot_be_changed():
    assert dict(NETWORK_PIXELS) == {
        "caffe": to_caffe,
        "caffe_256": to_caffe_256,
        "unit": to_unit,
        "imagenet": to_imagenet,
    }
    with pytest.raises(TypeError):
        NETWORK_PIXELS["unit"] = to_caffe  # type: ignore[index]
    assert CAFFE_MEAN_BGR == (103.939, 116.779, 123.68)


def test_neither_pillow_nor_tensorflow_is_loaded():
    check = (
        "import sys, nst_tf.images.pixels; "
        "print([name for name in ('PIL', 'tensorflow', 'keras') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
