"""A frozen 3 x 3 convolution, computed in the way that this machine computes fastest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port

from nst_tf.device import custom_gradient, wrapped

# ---- what a 3 x 3 convolution sees beyond the border of its input ----

_BORDER = [[0, 0], [1, 1], [1, 1], [0, 0]]  # one position on each side: half of a 3 x 3 kernel


def reflect(activations: tf.Tensor) -> tf.Tensor:
    """Mirror about the border position. [N, H, W, C] -> [N, H+2, W+2, C]."""
    return tf.pad(activations, _BORDER, "REFLECT")


def replicate(activations: tf.Tensor) -> tf.Tensor:
    """Repeat the border position (a symmetric pad of width one). [N, H, W, C] -> [N, H+2, W+2, C]."""
    return tf.pad(activations, _BORDER, "SYMMETRIC")


def circular(activations: tf.Tensor) -> tf.Tensor:
    """What is at the opposite border: the picture is a torus. [N, H, W, C] -> [N, H+2, W+2, C]."""
    return wrapped(activations, 1)


Padding = Callable[[tf.Tensor], tf.Tensor] | None

PADDINGS: Mapping[str, tuple[Padding, Padding]] = {
    # name: (at the first convolution, at the others); None is the zero padding of VGG itself
    "same": (None, None),
    "reflect": (reflect, reflect),
    "replicate": (replicate, replicate),
    "circular": (circular, circular),
    # crowsonkb/style-transfer-pytorch: "Reduces edge artifacts", at the first convolution only
    "replicate_first": (replicate, None),
}


# a 3 x 3 convolution without padding takes a position from each end of a side. Turned into the other kind it
# has two of padding there, which a transposed convolution cuts off and a convolution adds.
_TWO_AROUND = [[0, 0], [2, 2], [2, 2], [0, 0]]

DIRECT, FORWARD, TRANSPOSED, WIDENED = "direct", "forward", "transposed", "widened"


def way_to_convolve(precision: str) -> str:
    """How convolutions and their gradients by the input are computed here; a rule, not a measurement.

    A convolution is the transposed convolution with the kernel turned by 180 degrees, and the other way
    round. Kernels are frozen, so each can be turned once, and whichever of the two a library computes
    faster can serve both ways:

    - ``transposed``: both as transposed convolutions, in float32 with oneDNN. TensorFlow hands oneDNN the
      kernels of a forward convolution in their own order, for which it has a slow implementation on AVX-512
      and none but im2col on AVX2; those of a transposed one are brought into its best order first.
    - ``forward``: both as convolutions, with Eigen, whose transposed ones are slow on few channels.
    - ``direct``: each as what it is, on a GPU and in low precisions.
    - ``widened``: as ``direct``, but in float32 and rounded afterwards, poolings too, where oneDNN has
      neither in a low precision: in bfloat16 on AVX2.

    ``python scripts/benchmark.py torch`` measures it.
    """
    if tf.config.list_physical_devices("GPU"):
        return DIRECT
    if precision != "float32":
        return DIRECT if convolves_in(precision) else WIDENED
    return TRANSPOSED if has_onednn() else FORWARD


def in_float32(function: Callable[[tf.Tensor], tf.Tensor], activations: tf.Tensor) -> tf.Tensor:
    """The function of activations in a low precision, computed in float32 and rounded to what they were."""
    return tf.cast(function(tf.cast(activations, tf.float32)), activations.dtype)


def has_onednn() -> bool:
    """Whether TensorFlow computes by oneDNN: ``load_tensorflow`` asks it to, the user can refuse."""
    return bool(_pywrap_util_port.IsMklEnabled())  # no public function tells


@cache
def convolves_in(precision: str) -> bool:
    """Whether a convolution in this precision and its gradient can be computed here."""
    layer, kernel = (tf.zeros(shape, precision) for shape in ((1, 4, 4, 8), (3, 3, 8, 8)))
    try:
        with tf.GradientTape() as tape:
            tape.watch(layer)
            value = tf.nn.conv2d(layer, kernel, 1, "SAME")
        tape.gradient(value, layer)
    except tf.errors.OpError:
        return False
    return True


class Convolution:
    """A 3 x 3 convolution with bias and without activation, its weights frozen in one precision."""

    def __init__(
        self, name: str, kernel: np.ndarray, bias: np.ndarray, pad: Padding, precision: str, way: str
    ) -> None:
        """Kernel [3, 3, in, out] and bias [out]; ``pad`` None is zero padding."""
        self.name = name
        self.pad = pad
        # variables, not constants: a constant is copied into every graph that uses it
        self._bias = _frozen(bias, precision)
        self._kernel = _frozen(kernel, precision)
        if way == WIDENED:  # of the kernel's values in this precision
            self._kernel = _frozen(self._kernel.numpy(), "float32")
        # [3, 3, out, in]
        turned = None
        if way in (FORWARD, TRANSPOSED):
            turned = _frozen(kernel[::-1, ::-1].swapaxes(2, 3), precision)
        self._convolve = _convolving(way, self._kernel, turned)

    def __call__(self, activations: tf.Tensor) -> tf.Tensor:
        """Activations [N, h, w, in] -> [N, h, w, out]."""
        padding = "SAME"
        if self.pad is not None:
            activations, padding = self.pad(activations), "VALID"
        return tf.nn.bias_add(self._convolve(activations, padding), self._bias)


# TensorFlow's stubs know neither that paddings can be lists, nor what a custom gradient makes of a function
_Padding = Any


def _convolving(way: str, kernel: tf.Variable, turned: Any) -> Callable[[tf.Tensor, _Padding], tf.Tensor]:
    """Activations and "SAME" or "VALID" -> the convolution, without bias."""
    if way == DIRECT:
        return lambda activations, padding: tf.nn.conv2d(activations, kernel, 1, padding)
    if way == WIDENED:
        return lambda activations, padding: in_float32(
            lambda wide: tf.nn.conv2d(wide, kernel, 1, padding), activations
        )

    def forward(activations: tf.Tensor, padding: _Padding) -> tf.Tensor:
        back: _Padding = "SAME" if padding == "SAME" else _TWO_AROUND

        def convolve(given: tf.Tensor):
            value = tf.nn.conv2d(given, kernel, 1, padding)
            return value, lambda upstream: tf.nn.conv2d(upstream, turned, 1, back)

        with_gradient: Any = custom_gradient(convolve)
        return with_gradient(activations)

    def transposed(activations: tf.Tensor, padding: _Padding) -> tf.Tensor:
        count, height, width, channels = _shape(activations)
        lost: int = 0 if padding == "SAME" else 2
        cut: Any = "SAME" if padding == "SAME" else _TWO_AROUND
        result: Any = [count, height - lost, width - lost, kernel.shape[-1]]

        def convolve(given: tf.Tensor):
            value = tf.nn.conv2d_transpose(given, turned, result, 1, cut)
            shape: Any = [count, height, width, channels]
            return value, lambda upstream: tf.nn.conv2d_transpose(upstream, kernel, shape, 1, padding)

        with_gradient: Any = custom_gradient(convolve)
        return with_gradient(activations)

    return forward if way == FORWARD else transposed


def _shape(activations: tf.Tensor) -> list:
    known = activations.shape.as_list()
    return known if None not in known else tf.unstack(tf.shape(activations))


def _frozen(values: np.ndarray, precision: str) -> tf.Variable:
    return tf.Variable(tf.cast(tf.constant(np.ascontiguousarray(values)), precision), trainable=False)
