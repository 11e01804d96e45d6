"""Names of the layers whose activations can be asked for: those of Keras, after or before ReLU."""

from __future__ import annotations

from collections.abc import Iterable

from nst_tf.errors import InputError
from nst_tf.weights.architecture import ARCHITECTURES

BEFORE_RELU = "_before_relu"
"""Suffix that asks for a convolution's output before ReLU (cysmith/neural-style-tf takes it there)."""


def convolution_layers(architecture: str) -> tuple[str, ...]:
    """Keras' names of the convolutions of 'vgg19' or 'vgg16', shallow to deep."""
    return tuple(ARCHITECTURES[architecture].channels)


def check_layer_names(architecture: str, names: Iterable[str]) -> None:
    """Raise InputError for a name that the network does not have, saying which exist."""
    known = convolution_layers(architecture)
    for name in names:
        if str(name).removesuffix(BEFORE_RELU) not in known:
            raise InputError(
                f"unknown layer {name!r}: {architecture} has {', '.join(known)}"
                f" (add {BEFORE_RELU} for the activations before ReLU)"
            )


def positions_factor(name: str) -> int:
    """By how much the poolings before a layer divide the sides of the picture: 1, 2, 4, 8 or 16."""
    return 2 ** (int(name.removeprefix("block")[0]) - 1)
