"""Fixtures of the numeric rooms. TensorFlow is imported by those that need it, not by every test run."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from read_once import configuration_files

# before the first import of TensorFlow: its C++ side logs start-up facts that are nobody's fault
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# as load_tensorflow does, so that tests that import TensorFlow by themselves compute as the commands do
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# a shell without job control makes what it starts in the background deaf to Ctrl-C, and with it what
# tests start to interrupt it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# how long an example takes says how busy the machine is
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

_REAL_PAIR = Path(__file__).parents[2] / "shared" / "images"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Before tests run beside each other: a thread each, where more would wait for those of the others."""
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ):
        os.environ.setdefault(name, "1")


@pytest.fixture(scope="session", autouse=True)
def _whole_float32() -> None:
    """On a GPU, TensorFlow rounds the factors of products to 10 bits unless told not to."""
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.config.experimental.enable_tensor_float_32_execution(False)


@pytest.fixture(scope="session", autouse=True)
def _what_was_imported_is_no_garbage() -> None:
    """The program looks for garbage whenever sizes change, among all objects of TensorFlow each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _configuration_files_read_once() -> Iterator[None]:
    """Hydra would read all of them anew for each of some thousand compositions."""
    with configuration_files():
        yield


@pytest.fixture
def random() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20160627)  # the first day of CVPR 2016


@pytest.fixture(scope="session")
def random_weights():
    """Untrained VGG-19 weights: features that are no picture's, but every formula must hold for them."""
    from nst_tf.vgg.weights import load_weights

    return load_weights("vgg19", "random")


@pytest.fixture(scope="session")
def weights_file(random_weights, tmp_path_factory) -> Path:
    """The same in a file: those of ``model.weights=random`` are others for each seed, drawn anew."""
    from nst_tf.vgg.weight_files import save_weights

    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    save_weights(path, random_weights)
    return path


@pytest.fixture(scope="session")
def numpy_vgg(random_weights):
    """The same network in float64 NumPy: pooling ('max' or 'avg') -> its forward and backward passes."""
    from reference.numpy_vgg import NumpyVgg

    kernels = {name: kernel.astype(np.float64) for name, kernel in random_weights.kernels.items()}
    return lambda pooling: NumpyVgg(kernels, random_weights.biases, pooling)


@pytest.fixture(scope="session")
def small_extractor(random_weights):
    """The first two blocks of an untrained VGG-19: a network that costs milliseconds."""
    from nst_tf.vgg.network import FeatureExtractor

    return FeatureExtractor(random_weights, ["block1_conv1", "block2_conv1", "block2_conv2"])


@pytest.fixture(scope="session")
def pretrained_weights():
    """The pretrained VGG-19, only if it is on this computer: a test downloads nothing."""
    from nst_tf.vgg.weights import KERAS_FILES, cached_copy, load_weights

    keras_home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    places = [cached_copy(), keras_home / "models" / KERAS_FILES["vgg19"].name]
    if not os.environ.get("NST_TF_WEIGHTS") and not any(place.exists() for place in places):
        pytest.skip("the pretrained VGG-19 is not on this computer: run nst once, or set NST_TF_WEIGHTS")
    return load_weights("vgg19")


@pytest.fixture(scope="session")
def real_pair() -> tuple[Path, Path]:
    """Paths of a photograph and of a painting, beside the repository and not in it."""
    content, style = _REAL_PAIR / "tuebingen.jpg", _REAL_PAIR / "starry_night.jpg"
    if not (content.exists() and style.exists()):
        pytest.skip(f"the pictures {content.name} and {style.name} are not in {_REAL_PAIR}")
    return content, style
