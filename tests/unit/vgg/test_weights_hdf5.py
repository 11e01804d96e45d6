from __future__ import annotations

import io
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nst_tf.vgg.weight_files import HDF5_SIGNATURE as SIGNATURE
from nst_tf.vgg.weight_files import Malformed, read_hdf5

KERNEL = np.arange(9 * 3 * 4, dtype=np.float32).reshape(3, 3, 3, 4)
BIAS = np.arange(4, dtype=np.float32)

# Where each generation of Keras puts the kernel and the bias of a layer.
PLACES = {
    "keras 1, weights": ("block1_conv1/block1_conv1_W_1:0", "block1_conv1/block1_conv1_b_1:0"),
    "keras 2, weights": ("block1_conv1/block1_conv1/kernel:0", "block1_conv1/block1_conv1/bias:0"),
    "keras 3, weights": ("block1_conv1/block1_conv1/kernel", "block1_conv1/block1_conv1/bias"),
    "whole model": (
        "model_weights/block1_conv1/block1_conv1/kernel:0",
        "model_weights/block1_conv1/block1_conv1/bias:0",
    ),
    "part of a model": ("vgg19/block1_conv1/kernel:0", "vgg19/block1_conv1/bias:0"),
}


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES.keys())
def test_arrays_are_found_by_layer_and_rank(tmp_path: Path, places: tuple[str, str]) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file[places[0]], file[places[1]] = KERNEL, BIAS
        file["fc1/fc1/kernel:0"], file["fc1/fc1/bias:0"] = np.ones((5, 6)), np.ones(6)
    for opened in (path, io.BytesIO(path.read_bytes())):
        arrays = read_hdf5(opened)
        assert list(arrays.kernels) == list(arrays.biases) == ["block1_conv1"]
        np.testing.assert_array_equal(arrays.kernels["block1_conv1"], KERNEL)
        np.testing.assert_array_equal(arrays.biases["block1_conv1"], BIAS)


def test_moments_of_an_optimizer_are_not_weights(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file["model_weights/block1_conv1/block1_conv1/kernel"] = KERNEL
        file["optimizer_weights/adam/block1_conv1/kernel/m"] = np.zeros_like(KERNEL)
    np.testing.assert_array_equal(read_hdf5(path).kernels["block1_conv1"], KERNEL)


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_what_this_keras_writes(tmp_path: Path, suffix: str) -> None:
    keras = pytest.importorskip("keras")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, name="block1_conv1", bias_initializer="random_normal"),
            keras.layers.Conv2D(5, 3, name="block1_conv2", bias_initializer="random_normal"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, name="predictions"),
        ]
    )
    path = tmp_path / f"model{suffix}"
    if suffix == ".weights.h5":
        model.save_weights(path)
    else:
        model.save(path)
    arrays = read_hdf5(path)
    assert sorted(arrays.kernels) == sorted(arrays.biases) == ["block1_conv1", "block1_conv2"]
    for layer in arrays.kernels:
        kernel, bias = model.get_layer(layer).get_weights()
        np.testing.assert_array_equal(arrays.kernels[layer], kernel)
        np.testing.assert_array_equal(arrays.biases[layer], bias)


def test_two_kernels_for_one_layer_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["a/block1_conv1/kernel"] = file["b/block1_conv1/kernel"] = KERNEL
    with pytest.raises(Malformed, match="more than one array of 4 axes for block1_conv1"):
        read_hdf5(path)


def test_an_array_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:  # 4 TB, none of which is stored
        file.create_dataset("block1_conv1/kernel", shape=(1 << 10,) * 4, dtype="f4", chunks=(64,) * 4)
    with pytest.raises(Malformed, match="larger than any of VGG's"):
        read_hdf5(path)


def _small_file() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["block1_conv1/kernel:0"], file["block1_conv1/bias:0"] = KERNEL, BIAS
    return stream.getvalue()


SMALL_FILE = _small_file()


@settings(deadline=None)
@given(st.integers(len(SIGNATURE), len(SMALL_FILE) - 1))
def test_a_file_cut_short_is_malformed(length: int) -> None:
    with pytest.raises(Malformed, match="damaged or cut short"):
        read_hdf5(io.BytesIO(SMALL_FILE[:length]))
