"""Which style pulls at which region of which layer, and how strongly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nst_tf.errors import InputError
from nst_tf.regions import Regions
from nst_tf.weighting import check_weight


@dataclass(frozen=True)
class StyleImage:
    """A style image [H, W, 3], RGB in [0, 1], its share of the style loss, and its layers; None is all."""

    pixels: np.ndarray
    weight: float = 1.0
    layers: frozenset[str] | None = None

    def serves(self, layer: str) -> bool:
        """Whether the style is that of this layer."""
        return self.layers is None or layer in self.layers


@dataclass(frozen=True)
class RegionPull:
    """The numbers of the styles that pull at a region of a layer, and the share of each in the style loss."""

    region: int
    styles: tuple[int, ...]
    shares: tuple[float, ...]


def assignments(
    layers: Iterable[str], styles: Sequence[StyleImage], regions: Regions | None
) -> dict[str, tuple[RegionPull, ...]]:
    """Of each layer, the pulls at its regions, of which there is one, the whole, where regions are None.

    A region's share is divided among its styles of that layer by their weights. Raises InputError without a
    style, for weights that can't be used, and for a layer that no style has.
    """
    if not styles:
        raise InputError("an objective with a style term needs at least one style image, but none is given")
    for style in styles:
        check_weight("a style image", style.weight)
    if sum(style.weight for style in styles) == 0:
        raise InputError("the weights of the style images are all 0: give at least one a weight above 0")
    styles_of = regions.styles_of if regions else (tuple(range(len(styles))),)
    shares = regions.shares if regions else (1.0,)
    return {layer: _pulls(layer, styles, styles_of, shares) for layer in layers}


def _pulls(
    layer: str, styles: Sequence[StyleImage], styles_of: Sequence[Sequence[int]], shares: Sequence[float]
) -> tuple[RegionPull, ...]:
    pulls = []
    for region, (numbers, share) in enumerate(zip(styles_of, shares, strict=True)):
        here = tuple(number for number in numbers if styles[number].serves(layer))
        total = sum(styles[number].weight for number in here)
        if total > 0:
            parts = tuple(share * (styles[number].weight / total) for number in here)
            pulls.append(RegionPull(region, here, parts))
    if not pulls:
        raise InputError(f"no style with a weight above 0 has the layer {layer}: see style_layers")
    return tuple(pulls)
