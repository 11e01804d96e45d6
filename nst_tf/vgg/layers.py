"""The layers of VGG-16 and VGG-19: names, order, shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nst_tf.errors import InputError

KERNEL_SIZE = 3  # every convolution is 3 x 3: Simonyan & Zisserman 2015, section 2.1

# Simonyan & Zisserman 2015 (arXiv 1409.1556), table 1: output channels of the five blocks (the same in
# columns D and E), and the number of convolutions in each block (column D has 13 in all, column E 16).
_INPUT_CHANNELS = 3
_BLOCK_CHANNELS = (64, 128, 256, 512, 512)
_COLUMN_D = (2, 2, 3, 3, 3)
_COLUMN_E = (2, 2, 4, 4, 4)


@dataclass(frozen=True)
class Architecture:
    """One VGG network, cut before its dense layers.

    ``name`` is the word used in configurations ("vgg19"), ``title`` the one used in sentences
    ("VGG-19"), and ``channels`` gives (input, output) channels of each convolution by its Keras layer
    name, in the order in which an image passes through them.
    """

    name: str
    title: str
    channels: Mapping[str, tuple[int, int]]

    def kernel_shape(self, layer: str) -> tuple[int, int, int, int]:
        """Shape (height, width, in, out) of the kernel of ``layer``."""
        return (KERNEL_SIZE, KERNEL_SIZE, *self.channels[layer])

    def bias_shape(self, layer: str) -> tuple[int]:
        """Shape (out,) of the bias of ``layer``."""
        return (self.channels[layer][1],)


def _channels(convolutions_of_block: tuple[int, ...]) -> Mapping[str, tuple[int, int]]:
    table = {}
    incoming = _INPUT_CHANNELS
    blocks = zip(convolutions_of_block, _BLOCK_CHANNELS, strict=True)
    for block, (count, outgoing) in enumerate(blocks, start=1):
        for place in range(1, count + 1):
            table[f"block{block}_conv{place}"] = (incoming, outgoing)
            incoming = outgoing
    return table


ARCHITECTURES: Mapping[str, Architecture] = {
    "vgg19": Architecture("vgg19", "VGG-19", _channels(_COLUMN_E)),
    "vgg16": Architecture("vgg16", "VGG-16", _channels(_COLUMN_D)),
}

# The widest convolution of either network: no array of a weights file has reason to be larger.
LARGEST_KERNEL = KERNEL_SIZE * KERNEL_SIZE * _BLOCK_CHANNELS[-1] * _BLOCK_CHANNELS[-1]


def architecture_named(name: str) -> Architecture:
    """The architecture called ``name``; raises InputError unless it is "vgg16" or "vgg19"."""
    if name not in ARCHITECTURES:
        raise InputError(f"The architecture {name!r} is not known; say 'vgg19' or 'vgg16'.")
    return ARCHITECTURES[name]


# ---- the layers whose activations can be asked for: names of Keras, after or before ReLU ----

BEFORE_RELU = "_before_relu"
"""Suffix that asks for a convolution's output before ReLU (cysmith/neural-style-tf takes it there)."""

PIXELS = "pixels"
"""The layer before the network: the picture itself, RGB in [0, 1]."""


def convolution_layers(architecture: str) -> tuple[str, ...]:
    """Keras' names of the convolutions of 'vgg19' or 'vgg16', shallow to deep."""
    return tuple(ARCHITECTURES[architecture].channels)


def layers_down_to(architecture: str, names: Iterable[str]) -> tuple[str, ...]:
    """The convolutions from the first to the deepest that is named; none above the pixels."""
    known = convolution_layers(architecture)
    return known[: max((_depth(known, name) for name in names), default=0)]


def _depth(known: tuple[str, ...], name: str) -> int:
    return 0 if name == PIXELS else 1 + known.index(name.removesuffix(BEFORE_RELU))


def channels_of(architecture: str, name: str) -> int:
    """How many channels a layer has, on both sides of its ReLU."""
    if name == PIXELS:
        return _INPUT_CHANNELS
    return ARCHITECTURES[architecture].channels[name.removesuffix(BEFORE_RELU)][1]


def check_layer_names(architecture: str, names: Iterable[str]) -> None:
    """Raise InputError for a name that the network does not have, saying which exist."""
    known = convolution_layers(architecture)
    for name in names:
        if name != PIXELS and str(name).removesuffix(BEFORE_RELU) not in known:
            raise InputError(
                f"unknown layer {name!r}: {architecture} has {', '.join(known)}"
                f" (add {BEFORE_RELU} for the activations before ReLU), and {PIXELS} is the picture itself"
            )


def positions_factor(name: str) -> int:
    """By how much the poolings before a layer divide the sides of the picture: 1, 2, 4, 8 or 16."""
    return 1 if name == PIXELS else 2 ** (int(name.removeprefix("block")[0]) - 1)


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
    # a convolution of 3 x 3 sees one position more, of as many pixels as the poolings before it make
    factors = [positions_factor(name) for name in layers_down_to(architecture, names)]
    return Reach(factors[-1], sum(factors)) if factors else Reach(1, 0)


# ---- a side of a picture or of a layer in pieces, each with what its convolutions see around it ----


class Piece(NamedTuple):
    """Positions ``start`` to ``stop`` belong to the piece, ``window_start`` to ``window_stop`` are computed.

    Activations of the window between start and stop equal those of the whole: its inner borders are
    ``halo`` away, and its outer ones are those of the whole, where the network's own padding is right.
    """

    window_start: int
    window_stop: int
    start: int
    stop: int


def pieces_of(length: int, size: int, halo: int, multiple: int) -> list[Piece]:
    """Pieces of about ``size`` that cover 0 to ``length``; inner borders stand at multiples of ``multiple``.

    Pieces are as equal as the multiples allow, and no longer than ``size`` rounded up to a multiple.
    """
    count = max(1, -(-length // max(size, 1)))
    size = _rounded_up(-(-length // count), multiple)
    halo = _rounded_up(halo, multiple)
    return [
        Piece(max(0, start - halo), min(length, start + size + halo), start, min(length, start + size))
        for start in range(0, length, size)
    ]


def _rounded_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
