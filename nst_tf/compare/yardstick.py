"""One yardstick for every run: computed from the saved picture, whatever objective and network made it."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import correlate1d

from nst_tf.color.matching import Moments, lab, square_root
from nst_tf.compare.reading import ComparedRun, file_sha256
from nst_tf.config.foreign import read_foreign_json
from nst_tf.errors import InputError, is_number
from nst_tf.files import write_text_atomically
from nst_tf.images.pixels import LUMA
from nst_tf.images.read import Picture, read_picture
from nst_tf.images.resize import resize
from nst_tf.runs.folder import YARDSTICK
from nst_tf.tensorflow_setup import load_tensorflow
from nst_tf.vgg.weights import ConvolutionWeights, load_weights

if TYPE_CHECKING:
    from nst_tf.compare.network_distances import NetworkDistances

VERSION = 1
"""Raised whenever a measure's definition changes, so that cached values are computed again."""

CONTENT_LAYER = "block4_conv2"
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
# Gatys, Ecker, Bethge 2016, section 3 (conv4_2; conv1_1 to conv5_1)

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

_OF_CONTENT, _OF_NEITHER = ("content_distance", "ssim"), ("total_variation",)
"""What the measures are measured against; the others are of the style."""

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
    import tensorflow as tf  # which a yardstick read from its cache does not need

    try:
        result = read_picture(picture)
        shares = [weight / sum(style_weights) for weight in style_weights]
        references = [_picture(style, file_sha256(style)) for style in styles]
        original = _picture(content, file_sha256(content)) if content else None
        found = _network(weights).distances(result, original, references, shares)
        if references:
            colors = color_statistics(result.pixels)
            found["colour_distance"] = sum(
                share * colour_distance(colors, _colors(style, file_sha256(style)))
                for share, style in zip(shares, styles, strict=True)
            )
        if original:
            resized = resize(original.pixels, result.height, result.width)
            found["ssim"] = structural_similarity(luminance(result.pixels), luminance(resized))
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise InputError(f"there is not enough memory to measure {picture} at its size") from None
    return {name: found[name] for name in MEASURES if name in found}


_networks: dict[str, NetworkDistances] = {}


def _network(weights: ConvolutionWeights) -> NetworkDistances:
    """The network with these weights, built once; another one takes its place."""
    from nst_tf.compare.network_distances import NetworkDistances  # with TensorFlow

    if weights.sha256 not in _networks:
        _networks.clear()
        _networks[weights.sha256] = NetworkDistances(weights, CONTENT_LAYER, STYLE_LAYERS)
    return _networks[weights.sha256]


@lru_cache(maxsize=4)  # a content picture and a few styles; each may have a hundred megabytes
def _picture(path: Path, sha256: str) -> Picture:
    return read_picture(path)


@lru_cache(maxsize=64)
def _colors(path: Path, sha256: str) -> Moments:
    return color_statistics(_picture(path, sha256).pixels)


# ---- how far two pictures are from each other, without a network ----

# Wang, Bovik, Sheikh, Simoncelli 2004, section III-C: an 11 x 11 Gaussian window of 1.5 samples, K1 and K2
_WINDOW, _SIGMA, _K1, _K2 = 11, 1.5, 0.01, 0.03


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(1 / mean((a - b)^2)), of pixels [H, W, 3] in [0, 1].

    The mean is over all pixels and channels; infinite for equal arrays.
    """
    error = float(np.mean(np.square(first.astype(np.float64) - second.astype(np.float64))))
    return math.inf if error == 0 else -10 * math.log10(error)


def luminance(pixels: np.ndarray) -> np.ndarray:
    """RGB [H, W, 3] in [0, 1] -> luma [H, W], float64, as the authors' ssim_index.m gets it from rgb2gray."""
    return pixels.astype(np.float64) @ np.array(LUMA)


def structural_similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Mean SSIM of two pictures [H, W] in [0, 1], sides of 11 and more: 1 where they are equal, at least -1.

    SSIM = (2 m1 m2 + C1) (2 s12 + C2) / ((m1^2 + m2^2 + C1) (s1^2 + s2^2 + C2)) with means m, variances s^2
    and covariance s12 under a Gaussian window around each pixel, C1 = 0.01^2 and C2 = 0.03^2; the mean is
    over the pixels whose window lies inside of the picture. Wang, Bovik, Sheikh, Simoncelli 2004, "Image
    quality assessment: from error visibility to structural similarity", equation 13. The pictures are not
    made smaller first, as a later version of the authors' code does.
    """
    half = _WINDOW // 2
    window = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * _SIGMA**2))
    window /= window.sum()

    def windowed(values: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(values, window, axis=0), window, axis=1)[half:-half, half:-half]

    first, second = first.astype(np.float64), second.astype(np.float64)
    mean_1, mean_2 = windowed(first), windowed(second)
    variance_1 = windowed(first * first) - mean_1**2
    variance_2 = windowed(second * second) - mean_2**2
    covariance = windowed(first * second) - mean_1 * mean_2
    c1, c2 = _K1**2, _K2**2
    ssim = ((2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)) / (
        (mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2)
    )
    return float(ssim.mean())


def color_statistics(pixels: np.ndarray) -> Moments:
    """RGB [H, W, 3] in [0, 1] -> mean and covariance of its colors in L*a*b*."""
    colors = lab(pixels).reshape(-1, 3)
    mean = colors.mean(axis=0)
    centred = colors - mean
    # in one product, not in parts as `moments_of`: the last digits of kept yardsticks depend on it
    return Moments(mean, centred.T @ centred / len(colors))


def colour_distance(first: Moments, second: Moments) -> float:
    """Two results of ``color_statistics`` -> d >= 0, in the unit of CIE 1976's color difference Delta E.

    How far the colors of one picture are from those of another, wherever in the picture they are:
    d^2 = |m1 - m2|^2 + tr(S1 + S2 - 2 (S2^1/2 S1 S2^1/2)^1/2): the Wasserstein-2 distance of the Gaussians
    with these means m and covariances S (Olkin and Pukelsheim 1982), which is the least root mean square
    Delta E by which pixels must change to bring one Gaussian to the other; for the colors themselves it
    is a lower bound (Gelbrich 1990). In L*a*b*, where equal distances look about equal, and on Gaussians,
    because that is what transfers of color move (Pitie and Kokaram 2007): a histogram's bins would add
    noise that depends on their size.
    """
    root = square_root(second.covariance)
    overlap = np.sqrt(np.clip(np.linalg.eigvalsh(root @ first.covariance @ root), 0, None)).sum()
    of_means = ((first.mean - second.mean) ** 2).sum()
    squared = of_means + np.trace(first.covariance) + np.trace(second.covariance) - 2 * overlap
    return float(np.sqrt(max(squared, 0.0)))


# ---- yardsticks kept in the runs' folders, so that each picture is measured once ----

_log = logging.getLogger(__name__)


def measured_runs(
    runs: Sequence[ComparedRun],
    weights: str | Path | ConvolutionWeights = "auto",
    on_run: Callable[[int, int], None] = lambda done, of: None,
) -> list[ComparedRun]:
    """The runs with their yardsticks: from their folders where these hold it, else computed and kept there.

    ``weights`` of VGG-19 are as in ``load_weights``, or loaded already. Runs without a picture stay as they
    are; one whose picture can't be measured says why in ``error``. ``on_run`` is told how many runs are done,
    of how many.
    """
    if not isinstance(weights, ConvolutionWeights):
        weights = load_weights("vgg19", weights)

    def targets(place: int) -> tuple[str, ...]:  # neighbours share pictures and size, thus targets
        run = runs[place]
        return (*map(str, run.styles), str(run.content), str(run.summary.get("size")))

    measured: dict[int, ComparedRun] = {}
    for place in sorted(range(len(runs)), key=targets):
        measured[place] = _measured(runs[place], weights)
        on_run(len(measured), len(runs))
    return [measured[place] for place in range(len(runs))]


def _measured(run: ComparedRun, weights: ConvolutionWeights) -> ComparedRun:
    if run.picture is None:
        return run
    # half a mixture of styles is another style
    styles = run.styles if run.style_weights else ()
    names = [
        name for name in MEASURES if name in _OF_NEITHER or (run.content if name in _OF_CONTENT else styles)
    ]
    try:
        key = {
            "version": VERSION,
            "picture": file_sha256(run.picture),
            "content": file_sha256(run.content) if run.content else None,
            "styles": [
                {"sha256": file_sha256(style), "weight": weight}
                for style, weight in zip(styles, run.style_weights, strict=True)
            ],
            "weights": weights.sha256,
        }
        measures = _cached(run.folder / YARDSTICK, key, names)
        if measures is None:
            measures = measure(run.picture, run.content, styles, run.style_weights, weights)
            _keep(run.folder / YARDSTICK, key, measures)
    except (InputError, OSError) as error:
        return replace(run, error=run.error or f"its picture can't be measured: {error}")
    return replace(run, yardstick={**measures, **run.yardstick})


def _cached(path: Path, key: dict[str, Any], names: list[str]) -> dict[str, float] | None:
    """The measures of the cache, if it is whole and of these very pictures and weights."""
    try:
        kept = read_foreign_json(path)
    except InputError:
        return None
    measures = kept.pop("measures", None)
    if kept != key or not isinstance(measures, dict) or set(measures) != set(names):
        return None
    if not all(map(is_number, measures.values())):
        return None
    return {name: float(measures[name]) for name in names}


def _keep(path: Path, key: dict[str, Any], measures: dict[str, float]) -> None:
    if not all(map(is_number, measures.values())):
        return
    try:
        write_text_atomically(path, json.dumps({**key, "measures": measures}, indent=2) + "\n")
    except OSError as error:  # somebody else's folder, a read-only disk: it is measured again next time
        _log.debug("%s can't be kept: %s", path, error)
