"""From an image to the activations of named layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.images.pixels import NETWORK_PIXELS
from nst_tf.vgg.layer_names import BEFORE_RELU, check_layer_names, convolution_layers
from nst_tf.vgg.padding import PADDINGS, Padding
from nst_tf.vgg.pooling import POOLINGS
from nst_tf.weights import ConvolutionWeights

_ARCHITECTURES = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}


class FeatureExtractor:
    """VGG (Simonyan and Zisserman 2015) up to the deepest layer in use, frozen.

    The chain of layers is read from ``keras.applications``; poolings and padding are exchanged on the
    way, and each convolution is split from its ReLU so that both sides of it can be asked for.
    Convolutions run in ``precision``; activations are returned in float32, because the statistics of
    style sum over up to millions of positions.

    Raises InputError for an unknown architecture, layer, pooling, padding or kind of pixels.
    """

    def __init__(
        self,
        weights: ConvolutionWeights,
        layers: Iterable[str],
        *,
        architecture: str = "vgg19",
        pooling: str = "max",
        padding: str = "same",
        pixels: str = "caffe",
        precision: str = "float32",
    ) -> None:
        """Build the chain for ``layers``: names of Keras, with ``_before_relu`` where wanted."""
        self.layers = tuple(dict.fromkeys(layers))
        self._template = _one_of("model.name", architecture, _ARCHITECTURES)
        check_layer_names(architecture, self.layers)
        self._pool = _one_of("model.pooling", pooling, POOLINGS)
        first_padding, other_padding = _one_of("model.padding", padding, PADDINGS)
        self._to_network_pixels = _one_of("model.pixels", pixels, NETWORK_PIXELS)
        self._precision = precision
        self._chain = self._build(architecture, weights, first_padding, other_padding)

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Image [1, H, W, 3], RGB in [0, 1], float32 -> activations [1, h, w, C], float32, by layer name."""
        activations = tf.cast(self._to_network_pixels(image), self._precision)
        found: dict[str, tf.Tensor] = {}
        for layer in self._chain:
            activations = layer(activations)
            if layer.name in self.layers:
                found[layer.name] = tf.cast(activations, tf.float32)
        return {name: found[name] for name in self.layers}

    def _build(
        self, architecture: str, weights: ConvolutionWeights, first_padding: Padding, other_padding: Padding
    ) -> list[_Convolution | _Function]:
        known = convolution_layers(architecture)
        deepest = max(known.index(name.removesuffix(BEFORE_RELU)) for name in self.layers)
        wanted = set(known[: deepest + 1])
        chain: list[_Convolution | _Function] = []
        for layer in self._template(include_top=False, weights=None, input_shape=(None, None, 3)).layers:
            if isinstance(layer, keras.layers.MaxPooling2D):
                chain.append(_Function(layer.name, self._pool))
            elif isinstance(layer, keras.layers.Conv2D):
                pad = other_padding if chain else first_padding
                chain.append(_Convolution(layer.name, weights, pad, self._precision))
                chain.append(_Function(layer.name, tf.nn.relu))
                wanted.discard(layer.name)
                if not wanted:
                    break
        return chain


class _Convolution:
    """A 3 x 3 convolution with bias and without activation, its weights frozen in one precision."""

    def __init__(self, layer: str, weights: ConvolutionWeights, pad: Padding, precision: str) -> None:
        self.name = layer + BEFORE_RELU
        self._pad = pad
        # variables, not constants: a constant is copied into every graph that uses it
        self._kernel = _frozen(weights.kernels[layer], precision)
        self._bias = _frozen(weights.biases[layer], precision)

    def __call__(self, activations: tf.Tensor) -> tf.Tensor:
        padding = "SAME"
        if self._pad is not None:
            activations, padding = self._pad(activations), "VALID"
        return tf.nn.bias_add(tf.nn.conv2d(activations, self._kernel, 1, padding), self._bias)


def _frozen(values: np.ndarray, precision: str) -> tf.Variable:
    return tf.Variable(tf.cast(tf.constant(values), precision), trainable=False)


class _Function:
    """A step of the chain without weights."""

    def __init__(self, name: str, function) -> None:
        self.name = name
        self._function = function

    def __call__(self, activations: tf.Tensor) -> tf.Tensor:
        return self._function(activations)


def _one_of(key: str, name: str, choices: Mapping):
    if name not in choices:
        raise InputError(f"unknown {key}={name!r}: choose one of {', '.join(choices)}")
    return choices[name]
