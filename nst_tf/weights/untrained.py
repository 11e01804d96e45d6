"""Random convolutions: for tests without a network, and to ask what training contributes.

He, Wang & Hopcroft 2016 ("A Powerful Generative Model Using Random Weights for the Deep Image
Representation", arXiv 1606.04801) transfer style with untrained VGG features.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np

from nst_tf.errors import InputError
from nst_tf.weights.architecture import Architecture
from nst_tf.weights.convolutions import Arrays, ConvolutionWeights, checked


def untrained(vgg: Architecture, seed: int) -> ConvolutionWeights:
    """Weights of ``vgg`` drawn so that the variance of activations stays the same through ReLU layers.

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
