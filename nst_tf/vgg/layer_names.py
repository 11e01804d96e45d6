"""Names of the layers whose activations can be asked for: those of Keras, after or before ReLU."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

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


class Reach(NamedTuple):
    """How far a network reaches: ``stride`` is by how much its poolings divide a side, ``halo`` how many
    pixels beside its own a position of the deepest layer sees on each side, at most.
    """

    stride: int
    halo: int

    @property
    def receptive_field(self) -> int:
        """How many pixels a side a position of the deepest layer sees."""
        return self.stride + 2 * self.halo


def reach_of(architecture: str, names: Iterable[str]) -> Reach:
    """The reach of a network that is cut after the deepest of these layers."""
    known = convolution_layers(architecture)
    deepest = max(known.index(name.removesuffix(BEFORE_RELU)) for name in names)
    stride = positions_factor(known[deepest])
    # a convolution of 3 x 3 sees one position more, of as many pixels as the poolings before it make
    return Reach(stride, sum(positions_factor(name) for name in known[: deepest + 1]))
