"""Regions of pictures: memberships of pixels, and the weights of positions in each layer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nst_tf.images.pixels import levels_of
from nst_tf.vgg.layers import Reach

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
    return -everything(-pixels, reach)


def everything(pixels: np.ndarray, reach: Reach) -> np.ndarray:
    """The largest membership among the pixels that a position sees: whatever sees anything of the region."""
    from scipy import ndimage  # a quarter of a second, which no other run needs to spend

    side = 2 * reach.halo + 1
    seen = ndimage.maximum_filter(pixels, (side, side, 1), mode="nearest")
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


# ---- the regions of a content picture and of its styles, and who takes what from whom ----

Resize = Callable[[np.ndarray, int, int], np.ndarray]

# a resized mask has sums of float32 numbers where it had ones
_WHOLLY = 1 - 1e-3


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions that have styles, R of them, in pictures of any sizes.

    Attributes:
        names: of the regions, for sentences.
        content: memberships [H, W, R] of the content's pixels.
        styles: of each style the memberships [h, w, R] of its pixels, or None where all of it serves.
        styles_of: of each region the numbers of its styles.
        shares: of each region, by what its distance counts in the style loss.
        kept: [H, W], how much of each pixel must stay the content's; None if nothing must.
        propagation: from pixels to layers.
        notes: what a person should know of the masks.
    """

    names: tuple[str, ...]
    content: np.ndarray
    styles: tuple[np.ndarray | None, ...]
    styles_of: tuple[tuple[int, ...], ...]
    shares: tuple[float, ...]
    kept: np.ndarray | None = None
    propagation: Propagation = simple
    notes: tuple[str, ...] = ()

    def at(self, shape: tuple[int, int], style_shapes: Sequence[tuple[int, int]], resize: Resize) -> Regions:
        """The regions of the same pictures at other heights and widths."""
        return replace(
            self,
            content=resize(self.content, *shape),
            styles=tuple(
                None if style is None else resize(style, *style_shape)
                for style, style_shape in zip(self.styles, style_shapes, strict=True)
            ),
            kept=None if self.kept is None else resize(self.kept, *shape),
        )

    @property
    def kept_pixels(self) -> np.ndarray | None:
        """[H, W] bool: those that wholly belong to what must stay; None if there are none."""
        if self.kept is None or not (self.kept >= _WHOLLY).any():
            return None
        return self.kept >= _WHOLLY

    def with_kept(self, image: np.ndarray, content: np.ndarray) -> np.ndarray:
        """The image [H, W, 3] with the pixels of the content [H, W, 3] where those are kept."""
        kept = self.kept_pixels
        return image if kept is None else np.where(kept[..., np.newaxis], content, image)


# ---- from a mask, a picture with one color a region, to how much of each pixel belongs to each region ----

MOST_REGIONS = 16
"""Every region is a statistic of its own at every layer; and pairs of colors are tried one by one."""


def memberships(pixels: np.ndarray, palette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels [H, W, 3] and the regions' colors [R, 3], both in [0, 1] -> memberships and what is left over.

    Memberships [H, W, R] float32 are at least 0 and sum to 1. A pixel between two regions of a mask with
    smooth edges has a mixture t a + (1 - t) b of their colors: it belongs to a with t, to b with 1 - t. Of
    all pairs the one with the nearest mixture is taken. Left over [H, W] float32 is how far the pixel's
    color is from that mixture, as a part of the distance between black and white.
    """
    colors, places = _distinct(pixels)
    best = np.full(len(colors), np.inf)
    found = np.zeros((len(colors), len(palette)), np.float32)
    if len(palette) == 1:
        found[:], best = 1, np.linalg.norm(colors - palette[0], axis=1)
    for first, second in itertools.combinations(range(len(palette)), 2):
        across = palette[first] - palette[second]
        share = np.clip((colors - palette[second]) @ across / (across @ across), 0, 1)
        away = np.linalg.norm(colors - palette[second] - share[:, np.newaxis] * across, axis=1)
        # pairs share their ends: only a mixture that is clearly nearer replaces one that was found
        nearer = away < best - 1e-9
        best[nearer] = away[nearer]
        found[nearer] = 0
        found[nearer, first], found[nearer, second] = share[nearer], 1 - share[nearer]
    shape = pixels.shape[:2]
    left_over = (best / np.sqrt(3)).astype(np.float32)
    return found[places].reshape(*shape, -1), left_over[places].reshape(shape)


def flat_colors(pixels: np.ndarray, least: float) -> list[tuple[tuple[int, int, int], float]]:
    """Pixels [H, W, 3] in [0, 1] -> the 8-bit colors that cover a part of at least ``least``, largest first.

    Each with its part. The colors of smooth edges are many, and each covers little.
    """
    colors, places = _distinct(pixels)
    parts = np.bincount(places, minlength=len(colors)) / len(places)
    found = []
    for index in np.argsort(-parts, kind="stable"):
        if parts[index] >= least:
            red, green, blue = levels_of(colors[index]).tolist()
            found.append(((red, green, blue), float(parts[index])))
    return found


def _distinct(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different colors [K, 3] in [0, 1], rounded to 8 bits, and which of them each pixel has [H W]."""
    levels = levels_of(pixels.reshape(-1, 3)).astype(np.uint32)
    packed = levels[:, 0] << 16 | levels[:, 1] << 8 | levels[:, 2]
    distinct, places = np.unique(packed, return_inverse=True)
    colors = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], axis=1)
    return colors / 255, places.ravel()
