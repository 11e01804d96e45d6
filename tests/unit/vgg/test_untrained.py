from __future__ import annotations

import hashlib

import numpy as np
import pytest

from nst_tf.errors import InputError
from nst_tf.vgg.weights import ConvolutionWeights, load_weights


@pytest.fixture(scope="module")
def drawn() -> ConvolutionWeights:
    return load_weights("vgg16", "random", seed=5)


def test_kernels_have_he_variance_and_biases_are_zero(drawn: ConvolutionWeights) -> None:
    for layer, kernel in drawn.kernels.items():
        count, right = kernel.size, 2 / (9 * kernel.shape[2])
        # Of n normal numbers the mean has deviation sqrt(v/n), the variance v sqrt(2/n); six of them.
        assert abs(kernel.mean(dtype=np.float64)) < 6 * np.sqrt(right / count)
        assert abs(kernel.var(dtype=np.float64) - right) < 6 * right * np.sqrt(2 / count)
        assert kernel.dtype == np.float32
        assert not drawn.biases[layer].any()


def test_same_seed_gives_the_same_and_another_does_not(drawn: ConvolutionWeights) -> None:
    again = load_weights("vgg16", "random", seed=5)
    for layer, kernel in drawn.kernels.items():
        np.testing.assert_array_equal(again.kernels[layer], kernel)
    assert again.sha256 == drawn.sha256
    assert load_weights("vgg16", "random", seed=6).sha256 != drawn.sha256


def test_sha256_is_of_the_arrays_in_the_order_of_the_network(drawn: ConvolutionWeights) -> None:
    content = b"".join(
        drawn.kernels[layer].astype("<f4").tobytes() + drawn.biases[layer].astype("<f4").tobytes()
        for layer in sorted(drawn.kernels)
    )
    assert drawn.sha256 == hashlib.sha256(content).hexdigest()
    assert "seed 5" in drawn.source


@pytest.mark.parametrize("seed", [-1, 1.5, True, "7"])
def test_seed_must_be_a_whole_number(seed: object) -> None:
    with pytest.raises(InputError, match=r"seed of random weights is .*; say a whole number"):
        load_weights("vgg16", "random", seed=seed)  # type: ignore[arg-type]


def test_arrays_are_read_only(drawn: ConvolutionWeights) -> None:
    with pytest.raises(ValueError, match="read-only"):
        drawn.kernels["block1_conv1"][0] = 0
