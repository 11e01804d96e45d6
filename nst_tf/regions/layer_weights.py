"""Regions at a layer of the network: how often each of its positions counts in each region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nst_tf.vgg.layer_names import Reach

Propagation = Callable[[np.ndarray, Reach], np.ndarray]
"""Memberships [H, W, R] of pixels and the reach of a layer -> memberships [h, w, R] of its positions."""

# a region of less than one whole position has no statistic to speak of
_LEAST = 1.0


@dataclass(frozen=True)
class LayerWeights:
    """Weights [h, w, R] float32 of the positions of a layer; those of each region sum to h w.

    ``empty`` [R] bool: regions without any position, which have weights of 1 instead, so that their
    statistics are finite, and should have no say. ``notes`` tell of regions that another propagation serves.
    """

    values: np.ndarray
    empty: np.ndarray
    notes: tuple[str, ...]


def simple(pixels: np.ndarray, reach: Reach) -> np.ndarray:
    """The mean over the stride x stride pixels of a position: the mask, made smaller."""
    return _blocks(pixels, reach.stride).mean(axis=(1, 3))


def inside(pixels: np.ndarray, reach: Reach) -> np.ndarray:
    """The least membership among the pixels that a position sees: only what sees nothing but the region."""
    from scipy import ndimage  # a quarter of a second, which no other run needs to spend

    seen = ndimage.minimum_filter(pixels, _window(reach), mode="nearest")
    return _blocks(seen, reach.stride).min(axis=(1, 3))


def everything(pixels: np.ndarray, reach: Reach) -> np.ndarray:
    """The largest membership among the pixels that a position sees: whatever sees anything of the region."""
    from scipy import ndimage  # a quarter of a second, which no other run needs to spend

    seen = ndimage.maximum_filter(pixels, _window(reach), mode="nearest")
    return _blocks(seen, reach.stride).max(axis=(1, 3))


PROPAGATIONS: Mapping[str, Propagation] = {"simple": simple, "inside": inside, "all": everything}
"""Ways from the pixels to a layer.

Gatys, Ecker, Bethge, Hertzmann, Shechtman 2017, "Controlling Perceptual Factors in Neural Style Transfer",
section 4 (there the simple one, and eroded guidance); the names are those of the authors' code,
leongatys/NeuralImageSynthesis, get_fm_guides. There, what a position sees is found by probing the network
with noise, and memberships are rounded to 0 or 1 first; here it follows from strides and kernels, and soft
edges stay soft. Beyond its border a picture goes on as at the border.
"""


def layer_weights(
    pixels: np.ndarray, reach: Reach, propagation: Propagation, names: Sequence[str], layer: str
) -> LayerWeights:
    """Memberships [H, W, R] of pixels, and a layer's reach -> its weights, area-normalised.

    They sum to the number of positions for every region, as the squares of the guidance channels of Gatys et
    al. 2017 do in the authors' code, so that no statistic depends on the size of the region. (A guidance
    channel multiplies activations there, so that its square is what a position counts in a Gram matrix; here
    the membership itself is. Where masks are hard it is the same.) A region too small for ``propagation``
    takes the simple one. ``names`` of the regions and the ``layer`` are for the notes.
    """
    found = propagation(pixels, reach).astype(np.float64)
    fallback = simple(pixels, reach).astype(np.float64)
    height, width, count = found.shape
    empty, notes = np.zeros(count, bool), []
    for region in range(count):
        if found[..., region].sum() < _LEAST:
            if propagation is not simple and fallback[..., region].sum() > 0:
                notes.append(
                    f"of the region {names[region]} there is too little in {layer}: there"
                    " guidance.propagation=simple serves"
                )
            found[..., region] = fallback[..., region]
        total = found[..., region].sum()
        if total > 0:
            found[..., region] *= height * width / total
        else:
            found[..., region], empty[region] = 1, True
            notes.append(f"the region {names[region]} has no position of {layer}: it has no say there")
    return LayerWeights(found.astype(np.float32), empty, tuple(notes))


def _blocks(pixels: np.ndarray, stride: int) -> np.ndarray:
    """[H, W, R] -> [h, stride, w, stride, R]; what the poolings leave out at the end is left out."""
    height, width = pixels.shape[0] // stride, pixels.shape[1] // stride
    cropped = pixels[: height * stride, : width * stride]
    return cropped.reshape(height, stride, width, stride, -1)


def _window(reach: Reach) -> tuple[int, int, int]:
    side = 2 * reach.halo + 1
    return side, side, 1
