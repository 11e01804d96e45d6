"""How much memory a run takes at its peak, by arithmetic, before any of it is taken."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

from nst_tf.vgg.layer_names import BEFORE_RELU, convolution_layers, positions_factor, reach_of
from nst_tf.vgg.pieces import pieces_of
from nst_tf.weights.architecture import ARCHITECTURES

# Fitted to what scripts/benchmarks/memory.py measures (peak resident memory of a process a size), TensorFlow
# 2.21 on a CPU, 0.25 to 64 megapixels, at most a few percent below it: docs/memory.md has the table.
_PROCESS = 1.0e9  # bytes: Python, TensorFlow, the weights twice, scratch memory of the threads
_BANDS = 0.3e9  # two bands of a block while they are computed again
_PASSES = 0.2e9  # of tiles: both compiled passes and what they leave to the allocator
# images [H, W, 3] in float32: the variable, the best one, the gradient, and a start or a candidate
_HELD = 4
_SMOOTHNESS = 10  # and those that total variation and its gradient take in the middle of a step
_ADDED = 4  # and those that the tiles' shares of the gradient are added to, and carried away in
_WIDEST = 3.0  # copies of the widest layer that a pass takes beside what is kept
_JOINED = 3.0  # copies of what stands between the blocks: itself, its gradient, and what either is made of
# and of what a region's statistic reads, in float32: weighted, and its gradient; the first region has room in
# what is counted anyway. Measured with 1 and 3 regions at 0.7 megapixels: 1.4. The copy in float64 that a
# statistic takes costs as much; measured there: 1.45
_OF_REGION = 1.5
_FLOAT = 4  # bytes
_IMAGE = 3 * _FLOAT  # bytes a pixel

TILE_SIZES = (1536, 1024, 768, 512, 384, 256, 192, 160)
"""Sides of tiles from which ``auto`` takes the largest that fits: what a tile computes twice, its halo of
2 x 80 pixels at block5_conv1, is 22 % at 1536 and 36 % at 1024."""


class Mode(enum.Enum):
    """The ways to hold a picture's activations; their names are the words of the command line."""

    plain = "plain"
    recompute = "recompute"
    tiles = "tiles"


@dataclass(frozen=True)
class Demand:
    """What the memory of a run depends on.

    ``shape`` is the last size's [H, W], ``styles`` are those of the styles there; ``number`` is the bytes
    of a number of the convolutions' precision, ``state`` how many images [H, W, 3] in float32 the
    optimizer and what follows it hold, ``files`` the pixels of all pictures as they were read.
    ``regions``: how many have a statistic of their own; ``in_double``: it is computed in float64.
    ``in_pieces``: statistics and distances can be computed piece by piece. ``coarser``: there are coarser
    sizes before the last one.
    """

    shape: tuple[int, int]
    styles: Sequence[tuple[int, int]]
    architecture: str
    content_layers: Sequence[str]
    style_layers: Sequence[str]
    number: int
    state: float
    files: int = 0
    in_pieces: bool = True
    coarser: bool = False
    regions: int = 1
    in_double: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """Content and style layers."""
        return (*self.content_layers, *self.style_layers)

    @property
    def pixels(self) -> int:
        """Of the result."""
        return self.shape[0] * self.shape[1]


def peak_bytes(demand: Demand, mode: Mode, tile_size: int | None = None) -> int:
    """Peak resident memory of the process, in bytes."""
    pixels = demand.pixels
    largest_style = max((height * width for height, width in demand.styles), default=0)
    held = _PROCESS + _IMAGE * demand.files + _IMAGE * sum(h * w for h, w in demand.styles)
    held += _of_coarser_sizes(demand)
    state = _IMAGE * (demand.state + _HELD) * pixels
    smoothness = _IMAGE * _SMOOTHNESS * pixels
    target = demand.number * pixels * sum(_numbers(demand, name) for name in demand.content_layers)
    if not demand.layers:
        return round(held + state + smoothness)
    if mode is Mode.plain:
        # targets are described without a backward pass: a style counts only where it is much larger
        network = max(_plain(demand) * pixels, _forward(demand) * largest_style) + smoothness
        target *= _FLOAT / demand.number
    elif mode is Mode.recompute:
        network = max(_recompute(demand) * pixels, _recompute(demand) * largest_style / 2) + _BANDS
        network += smoothness
    else:  # smoothness is done when the first tile begins
        window = _plain(demand) * _largest_window(demand, tile_size or TILE_SIZES[0])
        network = max(smoothness, window + _IMAGE * _ADDED * pixels) + _PASSES
    return round(held + state + target + network)


def pictures_within(demand: Demand, available: int) -> int:
    """How many pictures with this demand can be optimized at once in so many bytes, nothing computed twice.

    The process and the weights are there once; everything else as often as there are pictures.
    """
    each = peak_bytes(demand, Mode.plain) - _PROCESS
    return max(1, int((available - _PROCESS) // each))


def _numbers(demand: Demand, layer: str) -> float:
    """Activations of a layer for each pixel of the picture."""
    name = layer.removesuffix(BEFORE_RELU)
    return ARCHITECTURES[demand.architecture].channels[name][1] / positions_factor(name) ** 2


def _convolutions(demand: Demand) -> list[str]:
    known = convolution_layers(demand.architecture)
    return list(known[: 1 + max(known.index(name.removesuffix(BEFORE_RELU)) for name in demand.layers)])


def _plain(demand: Demand) -> float:
    """Bytes a pixel: every activation, those that are read once more in float32, and the widest gradients."""
    convolutions = _convolutions(demand)
    kept = sum(_numbers(demand, name) for name in convolutions)
    copied = 0 if demand.number == _FLOAT else sum(_numbers(demand, name) for name in demand.layers)
    widest = max(_numbers(demand, name) for name in convolutions)
    style = sum(_numbers(demand, name) for name in demand.style_layers)
    read = (demand.regions - 1 + demand.in_double) * style
    return demand.number * (kept + _WIDEST * widest) + _FLOAT * (copied + _OF_REGION * read)


def _forward(demand: Demand) -> float:
    """Bytes a pixel of a picture that is only described."""
    widest = max(_numbers(demand, name) for name in _convolutions(demand))
    return (
        _FLOAT * sum(_numbers(demand, name) for name in demand.style_layers)
        + _WIDEST * demand.number * widest
    )


def _recompute(demand: Demand) -> float:
    """Bytes a pixel: what stands between the blocks, and a whole block where bands are not possible."""
    convolutions = _convolutions(demand)
    last_of_block = {name.partition("_")[0]: name for name in convolutions}
    pooled = sum(_numbers(demand, name) / 4 for name in list(last_of_block.values())[:-1])
    bytes_a_pixel = _JOINED * demand.number * pooled
    if not demand.in_pieces:
        blocks = [
            [name for name in convolutions if name.startswith(block)]
            for block in {name.partition("_")[0] for name in demand.style_layers}
        ]
        whole = max(sum(_numbers(demand, name) for name in block) for block in blocks)
        read = max(_numbers(demand, name) for name in demand.style_layers)
        # sorted or cut into patches, what is read stands there in float32 a few times
        bytes_a_pixel += demand.number * 2 * whole + 4 * _FLOAT * read
    return bytes_a_pixel


def _largest_window(demand: Demand, tile_size: int) -> int:
    reach = reach_of(demand.architecture, demand.layers)
    sides = [
        max(
            piece.window_stop - piece.window_start
            for piece in pieces_of(side, tile_size, reach.halo, reach.stride)
        )
        for side in demand.shape
    ]
    return math.prod(sides)


def _of_coarser_sizes(demand: Demand) -> float:
    """Compiled steps that wait for another run, and pictures that were seen: both are bounded."""
    if not demand.coarser:
        return 0
    third = demand.pixels / 3  # of all coarser sizes, each a quarter of the next
    return min(2**30, _IMAGE * (demand.state + 2) * third) + min(2**29, 2 * _IMAGE * third)
