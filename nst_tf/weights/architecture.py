"""The convolutions of VGG-16 and VGG-19: their Keras names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

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
    for block, (count, outgoing) in enumerate(
        zip(convolutions_of_block, _BLOCK_CHANNELS, strict=True), start=1
    ):
        for place in range(1, count + 1):
            table[f"block{block}_conv{place}"] = (incoming, outgoing)
            incoming = outgoing
    return MappingProxyType(table)


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "vgg16": Architecture("vgg16", "VGG-16", _channels(_COLUMN_D)),
        "vgg19": Architecture("vgg19", "VGG-19", _channels(_COLUMN_E)),
    }
)

# The widest convolution of either network: no array of a weights file has reason to be larger.
LARGEST_KERNEL = KERNEL_SIZE * KERNEL_SIZE * _BLOCK_CHANNELS[-1] * _BLOCK_CHANNELS[-1]


def architecture_named(name: str) -> Architecture:
    """The architecture called ``name``; raises InputError unless it is "vgg16" or "vgg19"."""
    if name not in ARCHITECTURES:
        raise InputError(f"The architecture {name!r} is not known; say 'vgg19' or 'vgg16'.")
    return ARCHITECTURES[name]
