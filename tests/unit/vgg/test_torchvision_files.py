"""State dicts of torchvision's VGG networks, in both formats of torch, written by hand."""

from __future__ import annotations

import io
import os
import resource
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate2d
from unit.vgg.hand_made_weights import (
    LAYERS,
    PLACES,
    legacy_torch_bytes,
    sha256,
    state_dict,
    torch_zip_bytes,
)

from nst_tf.errors import InputError
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.weight_files import ConvolutionWeights, Malformed, read_tensors, save_weights
from nst_tf.vgg.weights import load_weights

WRITERS = {
    "zip": torch_zip_bytes,
    "before 2020": legacy_torch_bytes,
    "as in 2017": lambda tensors: legacy_torch_bytes(tensors, as_in_2017=True),
}
SMALL = {
    "a": np.arange(24, dtype=np.float32).reshape(4, 3, 2),
    "b": np.linspace(-1, 1, 7, dtype=np.float32),
    "c": np.arange(3),
}


@pytest.fixture(scope="module")
def vgg16() -> dict[str, np.ndarray]:
    return state_dict("vgg16")


@pytest.fixture(scope="module")
def weights(vgg16: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> ConvolutionWeights:
    path = tmp_path_factory.mktemp("torch") / "vgg16-397923af.pth"
    path.write_bytes(legacy_torch_bytes(vgg16, as_in_2017=True))
    return load_weights("vgg16", path)


@pytest.mark.parametrize(
    ("architecture", "written"), [("vgg16", "zip"), ("vgg16", "before 2020"), ("vgg19", "as in 2017")]
)
def test_every_convolution_is_at_its_place(architecture: str, written: str, tmp_path: Path) -> None:
    tensors, path = state_dict(architecture), tmp_path / "any.name"
    path.write_bytes(WRITERS[written](tensors))
    read = load_weights(architecture, path)
    assert (read.pixels, read.sha256) == ("imagenet", sha256(path.read_bytes()))
    for place, (layer, *_) in zip(PLACES[architecture], LAYERS[architecture], strict=True):
        right = np.einsum("oihw->hwio", tensors[f"features.{place}.weight"])
        np.testing.assert_array_equal(read.kernels[layer], right)
        np.testing.assert_array_equal(read.biases[layer], tensors[f"features.{place}.bias"])


def test_activations_are_those_of_normalized_pixels_with_zeros_around_them(
    vgg16: dict[str, np.ndarray], weights: ConvolutionWeights
) -> None:
    """In torch's order of axes and by SciPy, which shows at the border what is around the picture."""
    image = np.random.default_rng(4).uniform(0, 1, (9, 12, 3)).astype(np.float32)
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    present = ((image.astype(np.float64) - mean) / deviation).transpose(2, 0, 1)
    for place in (0, 2):
        kernel, bias = vgg16[f"features.{place}.weight"], vgg16[f"features.{place}.bias"]
        present = np.stack(
            [
                sum(correlate2d(plane, part, "same") for plane, part in zip(present, one, strict=True))
                + one_bias
                for one, one_bias in zip(kernel.astype(np.float64), bias, strict=True)
            ]
        ).clip(0)
    names = ["block1_conv1", "block1_conv2"]
    found = FeatureExtractor(weights, names, architecture="vgg16", pixels="imagenet")(
        tf.constant(image[np.newaxis])
    )
    error = found["block1_conv2"][0] - present.transpose(1, 2, 0)
    assert np.abs(error).max() < 1e-5 * np.abs(present).max()


@pytest.mark.parametrize("pixels", ["caffe", "caffe_256"])
def test_other_pixels_are_refused_with_the_right_ones(weights: ConvolutionWeights, pixels: str) -> None:
    with pytest.raises(
        InputError, match=rf"397923af\.pth were .* than model\.pixels={pixels}: say model\.pixels=imag"
    ):
        FeatureExtractor(weights, ["block1_conv1"], architecture="vgg16", pixels=pixels)
    FeatureExtractor(weights, ["block1_conv1"], architecture="vgg16", pixels="unit")


def test_these_pixels_are_refused_for_weights_of_caffe_and_not_for_random_ones(
    random_weights: ConvolutionWeights, vgg16_file: Path
) -> None:
    with pytest.raises(InputError, match=r"than model\.pixels=imagenet: say model\.pixels=caffe$"):
        FeatureExtractor(
            load_weights("vgg16", vgg16_file), ["block1_conv1"], architecture="vgg16", pixels="imagenet"
        )
    FeatureExtractor(load_weights("vgg19", "random"), ["block1_conv1"], pixels="imagenet")


@pytest.mark.parametrize(
    ("architecture", "biases"),
    [
        ("vgg19", [0.7301776, 0.06493629, 0.03428847, 0.8260386]),
        ("vgg16", [0.73429835, 0.093403675, 0.06775674, 0.8862966]),
    ],
)
def test_caffes_networks_in_a_file_of_torch_keep_their_pixels(
    architecture: str, biases: list[float], tmp_path: Path
) -> None:
    """The biases are those of Keras' files, as public tests of other readers have them."""
    tensors, path = state_dict(architecture), tmp_path / "vgg.pth"
    tensors["features.0.bias"][:4] = biases
    path.write_bytes(torch_zip_bytes(tensors))
    assert load_weights(architecture, path).pixels == "caffe"


def test_an_npz_keeps_the_pixels(weights: ConvolutionWeights, tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    save_weights(path, weights)
    assert load_weights("vgg16", path).pixels == "imagenet"
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **(arrays | {"pixels": np.array("bgr")}))
    with pytest.raises(InputError, match="was trained on pixels called 'bgr'"):
        load_weights("vgg16", path)


# ---- tensors ----


def read(content: bytes) -> dict[str, np.ndarray]:
    return read_tensors(io.BytesIO(content))


@pytest.mark.parametrize("written", WRITERS)
def test_tensors_come_back_by_name(written: str) -> None:
    found = read(WRITERS[written](SMALL))
    assert list(found) == list(SMALL)
    for name, right in SMALL.items():
        np.testing.assert_array_equal(found[name], right)


@pytest.mark.parametrize("write", [torch_zip_bytes, legacy_torch_bytes])
def test_axes_in_another_order_of_memory(write) -> None:
    """As ``to(memory_format=torch.channels_last)`` leaves them: the last axis is not the fastest."""
    last = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)
    content = write({"a": last})
    stored, logical = last.transpose(1, 2, 0).tobytes(), last.tobytes()
    assert content.count(logical) == 1
    if write is torch_zip_bytes:
        content = write({"a": last}, members={"data/7000": stored})
    np.testing.assert_array_equal(read(content.replace(logical, stored))["a"], last)


# ---- files that are damaged or mean harm ----


def refusal(path: Path, content: bytes, architecture: str = "vgg16") -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        load_weights(architecture, str(path))
    message = str(refused.value)
    assert f"'{path}' given by model.weights" in message
    assert "as torchvision's .pth, as MatConvNet's imagenet-vgg-verydeep-1" in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("kept", [0.00001, 0.3, 0.999])
@pytest.mark.parametrize("write", [torch_zip_bytes, legacy_torch_bytes])
def test_a_file_cut_short(vgg16: dict[str, np.ndarray], write, kept: float, tmp_path: Path) -> None:
    tensors = {name: array for name, array in vgg16.items() if name.startswith("features")}
    content = write(tensors)
    assert "is damaged or cut short" in refusal(tmp_path / "a.pth", content[: int(len(content) * kept)])


def test_a_changed_byte_in_a_zip(vgg16: dict[str, np.ndarray], tmp_path: Path) -> None:
    content = bytearray(torch_zip_bytes(vgg16))
    content[len(content) // 2] ^= 1
    assert "Bad CRC-32" in refusal(tmp_path / "a.pth", bytes(content))


def test_other_networks(vgg16: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    assert "holds the 13 convolutions of VGG-16" in refusal(path, torch_zip_bytes(vgg16), "vgg19")
    assert "has no tensor called features.0.weight" in refusal(path, torch_zip_bytes(SMALL))
    normalized = {f"features.{place}.weight": np.ones((2, 2, 3, 3), np.float32) for place in (0, 3)}
    normalized |= {f"features.{place}.bias": np.ones(2, np.float32) for place in (1, 4)}
    counts = {"features.1.num_batches_tracked": np.array([3])}
    assert "weights of the layers number 0, 1, 3, 4" in refusal(path, torch_zip_bytes(normalized | counts))
    small = dict(vgg16) | {"features.28.weight": np.ones((512, 512, 1, 1), np.float32)}
    assert "has a kernel of shape (1, 1, 512, 512) for block5_conv3" in refusal(path, torch_zip_bytes(small))
    del small["features.28.weight"]
    assert "has no kernel for block5_conv3" in refusal(path, torch_zip_bytes(small))
    big_endian = torch_zip_bytes(vgg16, members={"byteorder": b"big"})
    assert "orders bytes the other way round" in refusal(path, big_endian)


class _Hostile:
    def __init__(self, function: object, *arguments: object, state: object = None) -> None:
        self.reduced = (function, arguments, state)

    def __reduce__(self) -> tuple:
        return self.reduced


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    content = torch_zip_bytes(SMALL, extra=_Hostile(os.system, f"touch '{trace}'"))
    assert "names posix.system, which a file of tensors has no reason to do" in refusal(
        tmp_path / "a.pth", content
    )
    assert not trace.exists()


def with_pickle(pickled: bytes) -> bytes:
    return torch_zip_bytes(SMALL, members={"data.pkl": pickled})


def test_a_state_is_set_on_nothing() -> None:
    """A pickle may set attributes of any object; these defaults of a function of ours would be an error."""
    function = b"ctorch._utils\n_rebuild_tensor_v2\n"
    state = b"N}X\x0c\x00\x00\x00__defaults__K\x05s\x86"
    assert read(with_pickle(b"\x80\x02" + function + state + b"b0}.")) == {}


# what a tensor of the storage data/7000, of 24 floats, may say of itself: storage, offset, shape, strides
def _tensor_of(storage: bytes, offset: bytes, shape: bytes, strides: bytes) -> bytes:
    name = b"X\x01\x00\x00\x00a"
    rebuild = b"ctorch._utils\n_rebuild_tensor\n("
    return b"\x80\x02}" + name + rebuild + storage + offset + shape + strides + b"tRs."


def _storage(kind: bytes = b"ctorch\nFloatStorage\n", count: bytes = b"K\x18", key: bytes = b"7000") -> bytes:
    return (
        b"(X\x07\x00\x00\x00storage"
        + kind
        + b"X"
        + struct.pack("<I", len(key))
        + key
        + b"X\x03\x00\x00\x00cpu"
        + count
        + b"tQ"
    )


SIX = b"K\x06\x85"
BILLIONS = b"\x8a\x05\x00\x00\x00\x00\x01\x85"
MINUS = b"J\xff\xff\xff\xff"


def test_the_tensors_by_hand_are_sound() -> None:
    found = read(with_pickle(_tensor_of(_storage(), b"K\x02", SIX, b"K\x01\x85")))["a"]
    np.testing.assert_array_equal(found, np.arange(2, 8))


@pytest.mark.parametrize(
    "pickled",
    [
        _tensor_of(_storage(), b"K\x13", SIX, b"K\x01\x85"),  # ends beyond the storage
        _tensor_of(_storage(), b"K\x00", SIX, b"K\x05\x85"),
        _tensor_of(_storage(), MINUS, SIX, b"K\x01\x85"),  # begins before it
        _tensor_of(_storage(), b"K\x00", SIX, MINUS + b"\x85"),
        _tensor_of(_storage(), b"K\x00", BILLIONS, b"K\x01\x85"),
        _tensor_of(_storage(), b"K\x00", SIX, SIX + b"\x85"),  # strides that are no numbers
        _tensor_of(_storage(), b"K\x00", SIX, b"N"),
        _tensor_of(_storage(count=b"K\x17"), b"K\x00", SIX, b"K\x01\x85"),  # another count than in the file
        _tensor_of(_storage(count=MINUS), b"K\x00", SIX, b"K\x01\x85"),
        _tensor_of(_storage(count=BILLIONS[:-1]), b"K\x00", SIX, b"K\x01\x85"),
        _tensor_of(_storage(key=b"7001/../7000"), b"K\x00", SIX, b"K\x01\x85"),  # no such member
        _tensor_of(
            _storage(kind=b"X\x01\x00\x00\x00O"), b"K\x00", SIX, b"K\x01\x85"
        ),  # objects, by their type
        _tensor_of(b"N", b"K\x00", SIX, b"K\x01\x85"),
        _tensor_of(b"(K\x01K\x02tQ", b"K\x00", SIX, b"K\x01\x85"),
        b"\x80\x02K\x05.",  # no dict
        b"\x80\x02",
        b"",
        b"\xff",
    ],
)
def test_tensors_that_lie_are_refused(pickled: bytes) -> None:
    with pytest.raises(Malformed):
        read(with_pickle(pickled))


def test_a_storage_of_another_length_or_within_another_one_is_refused() -> None:
    content = legacy_torch_bytes({"b": SMALL["b"]})
    with pytest.raises(Malformed, match="a storage has another length"):
        read(content.replace(struct.pack("<q", 7), struct.pack("<q", 6)))
    view = _storage().replace(b"K\x18tQ", b"K\x18K\x01tQ")
    with pytest.raises(Malformed, match="without a storage of its own"):
        read(with_pickle(_tensor_of(view, b"K\x00", SIX, b"K\x01\x85")))


@pytest.mark.parametrize("member", ["data.pkl", "data/7000"])
def test_a_zip_bomb_is_not_unpacked(member: str, tmp_path: Path) -> None:
    stream = io.BytesIO(torch_zip_bytes(SMALL))
    with zipfile.ZipFile(stream) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    content[f"vgg/{member}"] = bytes(1 << 28)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, one in content.items():
            archive.writestr(name, one)
    assert len(packed.getvalue()) < 1 << 20
    with pytest.raises(Malformed, match=f"has a member vgg/{member} that is too large"):
        read(packed.getvalue())


def test_a_number_of_an_object_reserves_no_memory(tmp_path: Path) -> None:
    """Remember this as object number four billion: the unpickler in C reserves memory for all of them."""
    path = tmp_path / "a.pth"
    path.write_bytes(with_pickle(b"\x80\x02]r\xff\xff\xff\xef."))
    code = (
        "import sys, io; from nst_tf.vgg.weight_files import read_tensors;"
        "print(read_tensors(open(sys.argv[1], 'rb')))"
    )

    def four_gigabytes() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32))

    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], preexec_fn=four_gigabytes, capture_output=True, text=True
    )
    assert done.stdout == "{}\n", done.stderr
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(
            [sys.executable, "-c", "import pickle; pickle.loads(b'\\x80\\x02]r\\xff\\xff\\xff\\xef.')"],
            preexec_fn=four_gigabytes,
            check=True,
            capture_output=True,
        )
