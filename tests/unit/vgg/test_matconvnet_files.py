"""VGG networks as MatConvNet has them, written by SciPy, and MAT-files by hand that mean harm."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from unit.vgg.hand_made_weights import LAYERS, PLACES, sha256

from nst_tf.errors import InputError
from nst_tf.vgg.matlab_files import read_matlab
from nst_tf.vgg.weights import load_weights

MEAN = (123.68, 116.779, 103.939)  # red, green, blue


def weights_of(architecture: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Kernel (3, 3, in, out) and bias of each convolution, in the order of Keras; few bytes when packed."""
    pattern = (np.arange(251, dtype=np.float32) - 125) / 2500
    return [
        (
            np.resize(pattern, (outgoing, incoming, 3, 3)).transpose(2, 3, 1, 0),
            np.arange(outgoing, dtype=np.float32) / 1000 + number,
        )
        for number, (_, incoming, outgoing) in enumerate(LAYERS[architecture])
    ]


def cell(*values: object) -> np.ndarray:
    found = np.empty((1, len(values)), object)
    found[0, :] = values
    return found


def network(architecture: str) -> list[dict]:
    """The layers, as utils/import-caffe.py of vlfeat/matconvnet makes them of Caffe's."""
    places = PLACES[architecture]
    layers: list[dict] = [
        {"type": "relu" if place - 1 in places else "pool", "name": "", "pad": np.zeros((1, 4))}
        for place in range(places[-1] + 3)
    ]
    for index, (place, (kernel, bias)) in enumerate(zip(places, weights_of(architecture), strict=True)):
        if index == 0:
            kernel = kernel[:, :, ::-1]  # to RGB
        layers[place] = {"name": f"conv{index}", "type": "conv", "weights": cell(kernel, bias[np.newaxis])}
    for shape in ((7, 7, 512, 100), (1, 1, 100, 1000)):
        dense = cell(np.ones(shape, np.float32), np.ones((1, shape[-1]), np.float32))
        layers += [{"type": "conv", "name": "fc", "weights": dense}, {"type": "relu", "name": ""}]
    return layers


def write(
    path: Path, layers: list[dict], *, mean: object = None, packed: bool = False, tidy: bool = False
) -> None:
    """``tidy`` is what vl_simplenn_tidy has made of the files of 2015: the normalization lies in ``meta``."""
    normalization: dict = {
        "imageSize": np.array([[224.0, 224, 3]]),
        "averageImage": np.broadcast_to(MEAN, (4, 4, 3)) if mean is None else mean,
        "interpolation": "bilinear",
    }
    rest: dict = {"normalization": normalization, "classes": {"name": cell(*[f"n{i}" for i in range(300)])}}
    if tidy:
        rest["normalization"]["averageImage"] = np.reshape(np.float32(MEAN), (1, 1, 3))
        rest = {"meta": rest}
        layers = [{**layer, "precious": False, "opts": np.empty((1, 0), object)} for layer in layers]
    savemat(path, {"layers": cell(*layers), **rest}, do_compression=packed, oned_as="row")


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("matconvnet") / "imagenet-vgg-verydeep-16.mat"
    write(path, network("vgg16"))
    return path


@pytest.mark.parametrize(("architecture", "form"), [("vgg16", {}), ("vgg19", {"packed": True, "tidy": True})])
def test_every_convolution_is_at_its_place(architecture: str, form: dict, tmp_path: Path) -> None:
    path = tmp_path / "any.name"
    write(path, network(architecture), **form)
    read = load_weights(architecture, path)
    assert (read.pixels, read.sha256) == ("caffe", sha256(path.read_bytes()))
    for (layer, *_), (kernel, bias) in zip(LAYERS[architecture], weights_of(architecture), strict=True):
        np.testing.assert_array_equal(read.kernels[layer], kernel)
        np.testing.assert_array_equal(read.biases[layer], bias)


# ---- files that are damaged, of something else, or mean harm ----


@pytest.mark.parametrize("turned", [False, True])
def test_rows_stay_rows_whichever_way_the_file_has_them(turned: bool, tmp_path: Path) -> None:
    """Told by a kernel of the network itself, of whose rows and columns programs disagree."""
    layers = network("vgg19")
    known = np.zeros((3, 3, 3, 64), np.float32)
    known[:, :, 1, 0] = [[0.464, 0.418, -0.049], [0.305, 0.105, -0.374], [-0.076, -0.312, -0.463]]
    pairs = weights_of("vgg19")
    for place, (kernel, bias) in zip(PLACES["vgg19"], [(known, pairs[0][1]), *pairs[1:]], strict=True):
        kernel = kernel[:, :, ::-1] if place == 0 else kernel
        layers[place]["weights"] = cell(kernel.swapaxes(0, 1) if turned else kernel, bias[np.newaxis])
    write(tmp_path / "vgg19.mat", layers)
    found = load_weights("vgg19", tmp_path / "vgg19.mat")
    np.testing.assert_array_equal(found.kernels["block1_conv1"], known)
    np.testing.assert_array_equal(found.kernels["block3_conv2"], pairs[5][0])


def refusal(path: Path, architecture: str = "vgg16") -> str:
    with pytest.raises(InputError) as refused:
        load_weights(architecture, str(path))
    message = str(refused.value)
    assert f"'{path}' given by model.weights" in message
    assert f"as MatConvNet's imagenet-vgg-verydeep-{architecture.removeprefix('vgg')}.mat" in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("kept", [0.000005, 0.3, 0.97])
def test_a_file_cut_short(vgg16: Path, kept: float, tmp_path: Path) -> None:
    content = vgg16.read_bytes()
    path = tmp_path / "a.mat"
    path.write_bytes(content[: int(kept * len(content))])
    assert "is damaged or cut short (it ends too early)" in refusal(path)


@pytest.mark.parametrize("place", [1000, -1])  # among the numbers, and in their checksum
def test_a_changed_byte_in_what_is_packed(place: int, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"layers": np.random.default_rng(0).random((100, 100))}, do_compression=True)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert "is damaged or cut short (Error -3 while decompressing" in refusal(path)


def test_other_networks_and_other_files(vgg16: Path, tmp_path: Path) -> None:
    assert "holds the 13 convolutions of VGG-16" in refusal(vgg16, "vgg19")
    path = tmp_path / "a.mat"
    for content in (
        {"x": np.eye(3)},
        {"layers": np.eye(3)},
        {"layers": cell("a", "b"), "normalization": "none"},
    ):
        savemat(path, content)
        assert "is a file of MATLAB, but no network of MatConvNet" in refusal(path)
    layers = network("vgg16")
    write(path, layers[:5])
    assert "is of another network, with weights of the layers number 0, 2;" in refusal(path)
    # imagenet-matconvnet-vgg-verydeep-16.mat has these shapes, and was trained on a mean of its own
    write(path, layers, mean=np.reshape((122.7, 115.3, 101.2), (1, 1, 3)))
    assert "was trained on pixels with a mean of [122.7, 115.3, 101.2]" in refusal(path)


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def begun(kind: int, shape: tuple[int, ...], name: bytes = b"") -> bytes:
    """Flags, shape and name of a matrix: "MAT-File Format", chapter 1."""
    flags, sides = struct.pack("<II", kind, 0), struct.pack(f"<{len(shape)}i", *shape)
    return element(6, flags) + element(5, sides) + element(1, name)


CELL, DOUBLE, MATRIX, PACKED = 1, 6, 14, 15


def write_variable(path: Path, content: bytes, order: bytes = b"IM") -> None:
    packed = zlib.compress(content, 1)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + order
    path.write_bytes(head + struct.pack("<II", PACKED, len(packed)) + packed)


def test_the_files_by_hand_are_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    numbers = element(MATRIX, begun(DOUBLE, (2, 3)) + element(9, np.arange(6.0).tobytes()))
    whole = element(MATRIX, begun(DOUBLE, (1, 2)) + struct.pack("<HHBBxx", 2, 2, 7, 8))  # small, of bytes
    write_variable(path, element(MATRIX, begun(CELL, (1, 2), b"x") + numbers + whole))
    first, second = read_matlab(path, 100)["x"]
    np.testing.assert_array_equal(first, [[0, 2, 4], [1, 3, 5]])
    np.testing.assert_array_equal(second, [[7, 8]])
    assert read_matlab(path, 5)["x"][0] is None
    write_variable(path, element(MATRIX, begun(CELL, (1, 201), b"x") + element(MATRIX, b"") * 201))
    assert read_matlab(path, 100) == {"x": None}  # more than any network has: not kept


def cells_within_cells(depth: int) -> bytes:
    inner, pieces = b"", []
    head, size = begun(CELL, (1, 1)), 0
    for _ in range(depth):
        size += len(head)
        pieces.append(struct.pack("<II", MATRIX, size) + head)
        size += 8
    inner = b"".join(reversed(pieces))
    return element(MATRIX, begun(CELL, (1, 1), b"layers") + inner + element(MATRIX, b""))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (cells_within_cells(100_000), "it is nested too deeply"),
        (element(MATRIX, begun(DOUBLE, (-1, -1), b"layers") + element(9, bytes(8))), "one unknown dimension"),
        (element(MATRIX, begun(CELL, (-1, 1), b"layers")), "of a negative size"),
        (element(MATRIX, begun(CELL, (100, 1), b"layers")), "it ends too early"),
        (element(MATRIX, begun(DOUBLE, (1, 1), b"layers") + struct.pack("<II", 9, 1 << 31)), "more than"),
        (element(MATRIX, begun(DOUBLE, (1, 1), b"layers") + element(99, bytes(8))), "of type 99"),
        (element(MATRIX, begun(DOUBLE, (1, 2), b"layers") + element(9, bytes(8))), "cannot reshape"),
        (element(MATRIX, begun(DOUBLE, (1, 1), b"layers") + element(9, bytes(7))), "buffer size"),
        (element(MATRIX, element(6, b"") + element(5, bytes(8)) + element(1, b"layers")), "no network"),
        (
            struct.pack("<II", MATRIX, 60) + begun(DOUBLE, (1, 1), b"layers") + element(9, bytes(8)),
            "longer than",
        ),
        (element(7, bytes(8)), "it has an element of type 7 where a matrix is right"),
        (b"", "it ends too early"),
        (
            element(MATRIX, begun(DOUBLE, (1, 1), b"x") + element(9, bytes(8))) + bytes(8),
            "does not end where",
        ),
    ],
)
def test_files_that_lie(content: bytes, complaint: str, tmp_path: Path) -> None:
    write_variable(tmp_path / "a.mat", content)
    assert complaint in refusal(tmp_path / "a.mat")


def test_numbers_in_plenty_are_not_kept(tmp_path: Path) -> None:
    """336 MB of zeros in arrays of a permitted size, less than 2 MB in the file."""
    numbers = element(MATRIX, begun(DOUBLE, (1, 1 << 20)) + element(9, bytes(1 << 23)))
    write_variable(tmp_path / "a.mat", element(MATRIX, begun(CELL, (1, 40), b"layers") + numbers * 40))
    assert (tmp_path / "a.mat").stat().st_size < 1 << 21
    assert "it holds more than 268435456 bytes of numbers" in refusal(tmp_path / "a.mat")


def test_other_formats_of_matlab(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    write_variable(path, b"", order=b"MI")
    assert "it is not of a little-endian machine" in refusal(path)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n")
    assert "is in none of the formats that can be read" in refusal(path)
