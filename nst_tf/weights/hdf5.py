"""Convolutions in the HDF5 files that Keras has written over the years."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np

from nst_tf.weights.architecture import LARGEST_KERNEL
from nst_tf.weights.convolutions import Arrays
from nst_tf.weights.failure import Malformed

SIGNATURE = b"\x89HDF\r\n\x1a\n"  # the first eight bytes: HDF5 file format specification, section II.A

# Keras' own names for VGG's convolutions; dense layers of a file "with top" do not match and are skipped.
_CONVOLUTION = re.compile(r"block\d+_conv\d+")


def read_hdf5(opened: Path | BinaryIO) -> Arrays:
    """Kernels and biases of a Keras file, by layer name.

    Read are ``.h5`` files of weights or of a whole model (groups named by layer; Keras 1 calls the
    datasets "block1_conv1_W_1:0", Keras 2 "kernel:0", Keras 3 "kernel") and the ``.weights.h5`` files
    of Keras 3 ("layers/conv2d/vars/0", the layer's name in an attribute of "vars"). Names of datasets
    having changed so often, an array is told by its rank: a kernel has four axes, a bias one.
    Raises Malformed for a file that is damaged, or has two arrays of one rank in one layer.
    """
    kernels: dict[str, np.ndarray] = {}
    biases: dict[str, np.ndarray] = {}

    def visit(path: str, node: object) -> None:
        # The moments of an optimizer have the names and shapes of the weights they belong to.
        if not isinstance(node, h5py.Dataset) or path.startswith("optimizer"):
            return
        layer = _layer_of(path, node)
        taken = {4: kernels, 1: biases}.get(node.ndim)
        if layer is None or taken is None:
            return
        if layer in taken:
            raise Malformed(f"has more than one array of {node.ndim} axes for {layer}")
        if math.prod(node.shape) > LARGEST_KERNEL:  # refused before it is read into memory
            raise Malformed(f"has an array of shape {node.shape} for {layer}, larger than any of VGG's")
        taken[layer] = np.asarray(node[()])

    try:
        with h5py.File(opened, "r") as file:
            file.visititems(visit)
    except Malformed:
        raise
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:  # what h5py raises on damage
        raise Malformed(f"is damaged or cut short ({' '.join(str(error).split())})") from error
    return Arrays(kernels, biases)


def _layer_of(path: str, dataset: h5py.Dataset) -> str | None:
    candidates: list[object] = [*path.split("/")[:-1], dataset.parent.attrs.get("name")]
    for name in reversed(candidates):
        if isinstance(name, str) and _CONVOLUTION.fullmatch(name):
            return name
    return None
