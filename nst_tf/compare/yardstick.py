"""One yardstick for every run: computed from the saved picture, whatever objective and network made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nst_tf.compare.colour_distance import colour_distance, colour_statistics
from nst_tf.compare.input_files import file_sha256
from nst_tf.compare.structural_similarity import luminance, structural_similarity
from nst_tf.errors import InputError
from nst_tf.images.read import Picture, read_picture
from nst_tf.images.resize import resize
from nst_tf.quiet_tensorflow import load_tensorflow
from nst_tf.weights import ConvolutionWeights

if TYPE_CHECKING:  # it imports TensorFlow
    from nst_tf.compare.network_distances import NetworkDistances

VERSION = 1
"""Raised whenever a measure's definition changes, so that cached values are computed again."""

CONTENT_LAYER = "block4_conv2"
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
# layers: Gatys, Ecker, Bethge 2016, section 3 (conv4_2; conv1_1 to conv5_1)

OF_CONTENT = ("content_distance", "ssim")
OF_STYLE = (
    "style_distance",
    "sliced_wasserstein",
    "colour_distance",
    *(f"style_distance/{layer}" for layer in STYLE_LAYERS),
)
MEASURES = (
    "content_distance",
    "style_distance",
    "sliced_wasserstein",
    "colour_distance",
    "ssim",
    "total_variation",
    *(f"style_distance/{layer}" for layer in STYLE_LAYERS),
)
"""The names of all measures, in the order in which they are shown."""

LARGER_IS_BETTER = frozenset({"ssim"})
"""Of the other measures, less is nearer; total variation is neither good nor bad."""

# of conf/objective/relative.yaml, chosen there by looking: at 10 content leads, at 40 style
STYLE_AGAINST_CONTENT = 20.0


def trade_off(yardstick: Mapping[str, float]) -> float:
    """content_distance + 20 style_distance: one number for a search, less is better.

    Both are relative to their targets. The factor is that of ``objective=relative``, where it was chosen by
    looking at pictures; without it the content picture itself would be best. Whoever wants another balance
    searches for both distances and looks at the Pareto front. Raises InputError where one is not known.
    """
    missing = [name for name in ("content_distance", "style_distance") if name not in yardstick]
    if missing:
        raise InputError(f"there is no trade-off without {' and '.join(missing)}: the yardstick has none")
    return yardstick["content_distance"] + STYLE_AGAINST_CONTENT * yardstick["style_distance"]


def measure(
    picture: Path,
    content: Path | None,
    styles: Sequence[Path],
    style_weights: Sequence[float],
    weights: ConvolutionWeights,
) -> dict[str, float]:
    """The yardstick of a saved picture, by name; ``weights`` are VGG-19's, the same for all that is compared.

    With x the picture as saved (8 bits, its own size), c the content picture resized to the size of x,
    s each style picture resized so that its long side is that of x, F_l the activations [M_l, C_l] of
    VGG-19 (max pooling, zero padding, float32) and G_l = F_l^T F_l / M_l:

    - content_distance = sum (F(x) - F(c))^2 / sum F(c)^2 at block4_conv2
    - style_distance/L = sum (G_l(x) - G_l(s))^2 / sum G_l(s)^2, and style_distance, their mean over
      block1_conv1, ..., block5_conv1
    - sliced_wasserstein = mean over these layers of SW^2(F_l(x), F_l(s)) / SW^2(0, F_l(s)), with 64
      directions that are always the same (Heitz et al. 2021; see ``nst_tf.statistics``)
    - colour_distance: Wasserstein-2 of Gaussians in L*a*b*, in Delta E (see ``colour_distance``)
    - ssim: of luminance with c (Wang et al. 2004; see ``structural_similarity``)
    - total_variation = mean |x(i+1, j) - x(i, j)| + mean |x(i, j+1) - x(i, j)| over pixels and channels
      in [0, 1]

    Distances are 0 for the same picture and 1 for activations of 0. Of several styles, each distance is
    the mean weighted by ``style_weights``. Without ``content``, or without ``styles``, their measures are
    left out. Targets are computed once for each file and size. Raises InputError for a picture that can't
    be read, whose style would be too narrow at its size, or for which there is no memory.
    """
    load_tensorflow()
    import tensorflow as tf

    try:
        return _measure(picture, content, styles, style_weights, weights)
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise InputError(f"there is not enough memory to measure {picture} at its size") from None


def _measure(
    path: Path,
    content: Path | None,
    styles: Sequence[Path],
    style_weights: Sequence[float],
    weights: ConvolutionWeights,
) -> dict[str, float]:
    picture = read_picture(path)
    shares = [weight / sum(style_weights) for weight in style_weights]
    references = [_picture(style) for style in styles]
    original = _picture(content) if content else None
    found = _network(weights).distances(picture, original, references, shares)
    if references:
        colours = colour_statistics(picture.pixels)
        found["colour_distance"] = sum(
            share * colour_distance(colours, _colours(style))
            for share, style in zip(shares, styles, strict=True)
        )
    if original:
        resized = resize(original.pixels, picture.height, picture.width)
        found["ssim"] = structural_similarity(luminance(picture.pixels), luminance(resized))
    return {name: found[name] for name in MEASURES if name in found}


_networks: dict[str, NetworkDistances] = {}


def _network(weights: ConvolutionWeights) -> NetworkDistances:
    """The network with these weights, built once; another one takes its place."""
    from nst_tf.compare.network_distances import NetworkDistances

    if weights.sha256 not in _networks:
        _networks.clear()
        _networks[weights.sha256] = NetworkDistances(weights, CONTENT_LAYER, STYLE_LAYERS)
    return _networks[weights.sha256]


def _picture(path: Path) -> Picture:
    return _decoded(path, file_sha256(path))


def _colours(path: Path):
    return _colours_of(path, file_sha256(path))


@lru_cache(maxsize=4)  # a content picture and a few styles; each may have a hundred megabytes
def _decoded(path: Path, sha256: str) -> Picture:
    return read_picture(path)


@lru_cache(maxsize=64)
def _colours_of(path: Path, sha256: str):
    return colour_statistics(_decoded(path, sha256).pixels)
