"""The pretrained numbers of a VGG network, and the check that they are all there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst_tf.files import written_atomically
from nst_tf.weights.architecture import ARCHITECTURES, Architecture
from nst_tf.weights.failure import Malformed


@dataclass(frozen=True, eq=False)
class ConvolutionWeights:
    """Kernels and biases of every convolution of a VGG network.

    Attributes:
        kernels: Keras layer name -> float32 (3, 3, in, out), to be applied by cross-correlation as Keras
            does. The input of block1_conv1 is in Caffe's pixels: channels blue, green, red, 0..255,
            minus the ImageNet mean (``keras.applications.vgg19.preprocess_input``).
        biases: Keras layer name -> float32 (out,).
        source: where they come from, as a fragment of a sentence.
        sha256: of the file that gave them; for random weights, of the arrays' bytes.

    The arrays are read-only. Layers stand in the order of the network.
    """

    kernels: Mapping[str, np.ndarray]
    biases: Mapping[str, np.ndarray]
    source: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Arrays:
    """What a file holds, before anything is known about it: kernels and biases by layer name."""

    kernels: Mapping[str, np.ndarray]
    biases: Mapping[str, np.ndarray]


def checked(vgg: Architecture, arrays: Arrays, source: str, sha256: str) -> ConvolutionWeights:
    """``arrays`` as the weights of ``vgg``, in float32.

    Raises Malformed when a layer is missing or one too many, when a shape is not that of the
    architecture, or when a number is not finite or not a number at all. A file of VGG-19 holds every
    name of VGG-16 with the same shapes, so layers too many are refused and not skipped.
    """
    found = set(arrays.kernels) | set(arrays.biases)
    for other in ARCHITECTURES.values():
        if other is not vgg and found == set(other.channels):
            raise Malformed(f"holds the {len(found)} convolutions of {other.title}")
    if unknown := sorted(found - set(vgg.channels)):
        raise Malformed(f"holds {unknown[0]}, which {vgg.title} does not have")
    kernels, biases = {}, {}
    for layer in vgg.channels:
        kernels[layer] = _checked_array(arrays.kernels, layer, "kernel", vgg.kernel_shape(layer))
        biases[layer] = _checked_array(arrays.biases, layer, "bias", vgg.bias_shape(layer))
    return ConvolutionWeights(kernels, biases, source, sha256)


def _checked_array(
    arrays: Mapping[str, np.ndarray], layer: str, kind: str, shape: tuple[int, ...]
) -> np.ndarray:
    if layer not in arrays:
        raise Malformed(f"has no {kind} for {layer}")
    array = arrays[layer]
    if array.shape != shape:
        raise Malformed(f"has a {kind} of shape {array.shape} for {layer}, where {shape} is right")
    if array.dtype.kind != "f":
        raise Malformed(f"has a {kind} of type {array.dtype} for {layer}, where floating point is right")
    with np.errstate(over="ignore"):  # a float64 too large becomes infinite and is refused just below
        array = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(array).all():
        raise Malformed(f"has a {kind} for {layer} with numbers that are not finite in float32")
    array = array.view()  # so that an array the caller still holds keeps its own flag
    array.flags.writeable = False
    return array


def save_weights(path: Path, weights: ConvolutionWeights) -> None:
    """Write ``weights`` to ``path`` as an .npz that ``load_weights`` reads back, in one step.

    Its keys are ``LAYER_kernel`` and ``LAYER_bias``.
    """
    arrays = {f"{layer}_kernel": kernel for layer, kernel in weights.kernels.items()}
    arrays |= {f"{layer}_bias": bias for layer, bias in weights.biases.items()}
    with written_atomically(path) as temporary, temporary.open("wb") as opened:
        np.savez(opened, **arrays)  # pyright: ignore[reportArgumentType]  (its stub mistakes ** for a flag)
