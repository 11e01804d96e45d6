"""The terms of the objective: content, style, smoothness, and what keeps an animation steady.

Content and style compare activations of the network. Each says what it needs of a layer (``reading``), and
makes a number of what was taken (``value``), because the network may hand out the activations in pieces.
The other terms look at the image itself. It is the objective that multiplies by the weights of terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from nst_tf.device import custom_gradient
from nst_tf.errors import InputError, check_layers, check_weight
from nst_tf.pyramid import check_by_size
from nst_tf.statistics import Distance, Gram, SquaredError, Statistic
from nst_tf.statistics.distances import check_reduction, reduced
from nst_tf.statistics.statistic import draws, is_joint, is_summable
from nst_tf.vgg.layers import PIXELS
from nst_tf.vgg.network import Reading, added

# ---- content and style -----------------------------------------------------


@dataclass(frozen=True)
class ContentLoss:
    """weight * sum over layers of layer_weight * distance(F, P).

    F and P are the activations [1, H, W, C] of the generated and of the content image; a joint distance
    compares those of all layers together, and layers have no weights of their own.
    Gatys, Ecker, Bethge, CVPR 2016, equation 1 (there: half the sum of squares).
    ``normalize_gradients``: see ``with_normalized_gradient``. ``weight_by_size``: see ``by_size``.
    """

    layers: Mapping[str, float]
    weight: float = 1.0
    distance: Distance = field(default_factory=SquaredError)
    normalize_gradients: bool = False
    weight_by_size: Any = None

    def __post_init__(self) -> None:
        check_weight("content", self.weight)
        check_layers("layers.content", self.layers)
        check_by_size("objective.content.weight_by_size", self.weight_by_size)
        _check_joint("content", self.distance, self.normalize_gradients)

    def groups(self, name: str) -> dict[str, tuple[str, ...]]:
        """The layers of each part of the loss, by the name of the part."""
        return _groups(name, self.layers, is_joint(self.distance))

    @property
    def draws(self) -> bool:
        """Whether it looks at other positions at every step."""
        return draws(self.distance)

    @property
    def in_pieces(self) -> bool:
        """Whether the distance is a function of sums that can be taken piece by piece."""
        return hasattr(self.distance, "of_sums") and not self.normalize_gradients

    def reading(self, layer: str, target: tf.Tensor | None, strength: tf.Tensor | None = None) -> Reading:
        """What is needed of the image's activations, beside the content's, ``target``.

        ``strength`` is that of the layer's gradient, where gradients are normalized.
        """
        if self.in_pieces:
            distance: Any = self.distance
            return Reading(
                layer, lambda mine, theirs: distance.sums(_float(mine), _float(theirs)), added, target
            )
        if is_joint(self.distance):
            return _whole_layer(layer)
        float_ = _float_of(self, strength)
        return Reading(layer, lambda mine, theirs: self.distance(float_(mine), _float(theirs)), None, target)

    def loss_of_layers(
        self, taken: Sequence[Any], targets: Sequence[tf.Tensor], draw: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Of what the readings of a part's layers took, the distance, without weights; scalar.

        ``targets`` are the content's activations; ``draw`` is the number of the step, for a distance that
        ``draws``.
        """
        distance: Any = self.distance
        if is_joint(distance):
            return distance(taken, targets, **({"draw": draw} if self.draws else {}))
        return distance.of_sums(taken[0]) if self.in_pieces else taken[0]


@dataclass(frozen=True)
class StyleLoss:
    """weight * sum over styles and layers of style_weight * layer_weight * compare(F, S) / (3 H W)^p.

    Gatys, Ecker, Bethge, CVPR 2016, equations 3 to 5, with any statistic in the place of the Gram
    matrix. H and W are the generated image's: the Keras example divides by (3 H W)^2 of the whole
    picture (``picture_power`` 2), every other source by nothing (0). ``relative_to_content`` divides each
    layer's distance by that between content and style, so that statistics of any unit begin at 1 and one
    weight suits all: for comparing statistics with each other. A joint statistic describes all layers
    together, and they have no weights of their own.
    ``normalize_gradients``: see ``with_normalized_gradient``. ``weight_by_size``: see ``by_size``.
    """

    layers: Mapping[str, float]
    weight: float = 1.0
    statistic: Statistic = field(default_factory=Gram)
    picture_power: float = 0.0
    relative_to_content: bool = False
    normalize_gradients: bool = False
    weight_by_size: Any = None

    def __post_init__(self) -> None:
        check_weight("style", self.weight)
        check_layers("layers.style", self.layers)
        check_by_size("weight_by_size of a style term", self.weight_by_size)
        _check_joint("style", self.statistic, self.normalize_gradients)
        if getattr(self.statistic, "of_colors", False) and tuple(self.layers) != (PIXELS,):
            raise InputError(
                f"cost=palette compares colors, but the layers are {', '.join(self.layers)}: say"
                f" layers.style=[{PIXELS}], or cost=cosine"
            )

    def groups(self, name: str) -> dict[str, tuple[str, ...]]:
        """The layers of each part of the loss, by the name of the part."""
        return _groups(name, self.layers, is_joint(self.statistic))

    @property
    def draws(self) -> bool:
        """Whether it looks at other positions at every step."""
        return draws(self.statistic)

    @property
    def in_pieces(self) -> bool:
        """Whether the statistic is a function of sums that can be taken piece by piece."""
        return is_summable(self.statistic) and not self.normalize_gradients

    def scale(self, height: int, width: int) -> float:
        """The factor 1 / (3 H W)^p for a generated image of this size."""
        return float(3 * height * width) ** -self.picture_power

    def reading(
        self,
        layer: str,
        weights: tf.Tensor | None = None,
        strength: tf.Tensor | None = None,
        draw: tf.Tensor | None = None,
    ) -> Reading:
        """What is needed of a picture's activations, once for each region.

        ``weights`` [1, h, w, R] are those of the layer's positions in each region; None is one region, the
        whole. ``strength`` is that of the layer's gradient, where gradients are normalized; ``draw`` the
        number of the step, for a statistic that ``draws``.
        """
        statistic: Any = self.statistic
        if is_joint(statistic):
            return _whole_layer(layer)
        take = statistic.sums if self.in_pieces else statistic.describe
        if self.draws:
            take = partial(take, draw=draw)
        float_ = _float_of(self, strength)

        def of_regions(activations: tf.Tensor, weights: tf.Tensor | None) -> list[Any]:
            activations = float_(activations)
            if weights is None:
                return [take(activations)]
            regions: Any = weights.shape[-1]
            return [take(activations, one) for one in tf.split(weights, regions, axis=3)]

        return Reading(layer, of_regions, added if self.in_pieces else None, weights)

    def described(
        self, taken: Sequence[Any], weights: tf.Tensor | None = None, draw: tf.Tensor | None = None
    ) -> list[Any]:
        """Of what the readings of a part's layers took, the statistic of each region.

        ``weights`` [1, h, w, R] are those of the first layer's positions, for a joint statistic.
        """
        statistic: Any = self.statistic
        if is_joint(statistic):
            drawn = {"draw": draw} if self.draws else {}
            if weights is None:
                return [statistic.describe(taken, **drawn)]
            regions: Any = weights.shape[-1]
            return [statistic.describe(taken, one, **drawn) for one in tf.split(weights, regions, axis=3)]
        return [statistic.described(one) for one in taken[0]] if self.in_pieces else taken[0]

    def loss_of_layers(
        self,
        taken: Sequence[Any],
        styles: Sequence[Sequence[Any]],
        shares: Sequence[tf.Tensor],
        weights: tf.Tensor | None = None,
        draw: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Of what the readings of a part's layers took, the style loss, without weights; scalar.

        ``styles`` are the styles' statistics, ``shares`` what the distance to each counts; both by region.
        ``weights`` and ``draw``: see ``described``.
        """
        distances = [
            tf.tensordot(share, tf.stack([self.statistic.compare(mine, one) for one in theirs]), 1)
            for mine, theirs, share in zip(self.described(taken, weights, draw), styles, shares, strict=True)
        ]
        return distances[0] if len(distances) == 1 else tf.add_n(distances)


def _groups(name: str, layers: Mapping[str, float], joint: bool) -> dict[str, tuple[str, ...]]:
    return {name: tuple(layers)} if joint else {f"{name}/{layer}": (layer,) for layer in layers}


def _whole_layer(layer: str) -> Reading:
    """A layer's activations as they are, for what compares all layers together."""
    return Reading(layer, lambda activations, _: _float(activations))


def _check_joint(term: str, comparing: Any, normalize_gradients: bool) -> None:
    if normalize_gradients and is_joint(comparing):
        raise InputError(
            f"normalize_gradients=true of the {term} term is for single layers, but"
            f" {type(comparing).__name__} compares all of them together: say false"
        )


_SMALLEST_NORM = 1e-8  # jcjohnson/neural-style, ContentLoss:updateGradInput: "+ 1e-8"


def with_normalized_gradient(activations: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
    """The activations themselves, with dL/dF replaced by strength * dL/dF / (norm1(dL/dF) + 1e-8).

    neural-style's option ``-normalize_gradients``: each layer's gradient has the norm of its weight. It no
    longer is the gradient of the loss that is reported: methods with a line search (LBFGS, SciPy's) can't
    use it.
    """

    @custom_gradient
    def unchanged(values: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            norm = tf.reduce_sum(tf.abs(upstream)) + _SMALLEST_NORM
            return tf.cast(strength, upstream.dtype) * upstream / norm

        return tf.identity(values), gradient

    result: tf.Tensor = unchanged(activations)  # pyright: ignore[reportAssignmentType]
    return result


def _float(activations: Any) -> tf.Tensor:
    return tf.cast(activations, tf.float32)


def _float_of(term: ContentLoss | StyleLoss, strength: tf.Tensor | None) -> Callable[[Any], tf.Tensor]:
    if not term.normalize_gradients:
        return _float
    assert strength is not None, "a normalized gradient needs the strength of its layer"  # noqa: S101
    return lambda activations: with_normalized_gradient(_float(activations), strength)


# ---- smoothness: neighbouring pixels should be alike -----------------------


class Smoothness(Protocol):
    """A term of the image alone."""

    @property
    def weight(self) -> float:
        """gamma: what the value is multiplied by in the loss."""
        ...

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """Image [1, H, W, 3] in [0, 1] -> scalar, without the weight."""
        ...


# under the root of (dx^2 + dy^2)^(p/2), whose slope at 0 is infinite for p < 2; far below the square of
# one 8-bit step, (1/255)^2 = 1.5e-5, so no visible difference changes
_SMALLEST_SQUARE = 1e-12


@dataclass(frozen=True)
class TotalVariation:
    """weight * reduction of the differences between neighbouring pixels, on pixels times ``pixel_scale``.

    ``coupled`` False: |dx|^power + |dy|^power over all horizontal and all vertical pairs (power 1:
    the TensorFlow guide and Johnson et al. 2016; power 2: squared).
    ``coupled`` True: (dx^2 + dy^2)^(power / 2) over the pixels that have both neighbours (Mahendran
    and Vedaldi 2015, equation 6; the Keras example takes power 2.5).
    ``reduction`` "mean" takes the mean of horizontal and of vertical pairs apart and adds the two.
    ``pixel_scale`` 255 counts in 8-bit steps, 1 in [0, 1]; three numbers are those of R, G and B.
    ``circular``: the pixels at the right and lower border have those at the opposite one as neighbours.
    """

    weight: float = 1.0
    power: float = 2.0
    coupled: bool = False
    reduction: str = "sum"
    pixel_scale: float | Sequence[float] = 1.0
    circular: bool = False

    def __post_init__(self) -> None:
        check_weight("smoothness", self.weight)
        check_reduction(self.reduction)
        if not self.power >= 1:
            raise InputError(f"the power of total variation must be at least 1, but is {self.power}")
        scales = [self.pixel_scale] if isinstance(self.pixel_scale, (int, float)) else list(self.pixel_scale)
        if len(scales) not in (1, 3) or not all(scale > 0 for scale in scales):
            raise InputError(
                f"pixel_scale must be positive, one number or three for R, G and B, but is {self.pixel_scale}"
            )

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        pixels = image * self.pixel_scale
        if self.circular:
            down, right = (tf.roll(pixels, -1, axis) - pixels for axis in (1, 2))
        elif self.coupled:
            down = pixels[:, 1:, :-1] - pixels[:, :-1, :-1]
            right = pixels[:, :-1, 1:] - pixels[:, :-1, :-1]
        else:
            down = pixels[:, 1:] - pixels[:, :-1]
            right = pixels[:, :, 1:] - pixels[:, :, :-1]
        if self.coupled:
            return reduced((down**2 + right**2 + _SMALLEST_SQUARE) ** (self.power / 2), self.reduction)

        def raised(difference: tf.Tensor) -> tf.Tensor:
            return difference**2 if self.power == 2 else tf.abs(difference) ** self.power

        return reduced(raised(down), self.reduction) + reduced(raised(right), self.reduction)


@dataclass(frozen=True)
class NinePointTotalVariation:
    """weight * 2 (mean dx^2 / 3 + mean dy^2 / 3 + mean dd^2 / 12 + mean de^2 / 12), pixels in [0, 1].

    dx, dy, dd, de are differences to the neighbour at the right, below, and on the two diagonals, of the
    picture with its border pixels repeated once all round; each mean runs over all of its own H W 3 (dx, dy)
    or (H + 1) (W + 1) 3 (dd, de) differences. Its gradient is the nine-point stencil of the Laplace operator.
    crowsonkb/style-transfer-pytorch, TVLoss, reproduced exactly. ``circular``: what is beyond a border is
    what is at the opposite one, and each mean runs over H W 3 differences.
    """

    weight: float = 1.0
    circular: bool = False

    def __post_init__(self) -> None:
        check_weight("smoothness", self.weight)

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        if self.circular:
            right, down, diagonal, other_diagonal = (
                tf.roll(image, shift, (1, 2)) - image for shift in ((0, -1), (-1, 0), (-1, -1), (-1, 1))
            )
        else:
            # with one pixel of border, SYMMETRIC repeats that pixel
            padded = tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
            centre = padded[:, 1:-1, 1:-1]
            right = padded[:, 1:-1, 2:] - centre
            down = padded[:, 2:, 1:-1] - centre
            diagonal = padded[:, 1:, 1:] - padded[:, :-1, :-1]
            other_diagonal = padded[:, 1:, :-1] - padded[:, :-1, 1:]
        straight = tf.reduce_mean(right**2) / 3 + tf.reduce_mean(down**2) / 3
        oblique = tf.reduce_mean(diagonal**2) / 12 + tf.reduce_mean(other_diagonal**2) / 12
        return 2 * (straight + oblique)


# ---- animations: an image should be where the one before it says -----------


@dataclass(frozen=True)
class TemporalTarget:
    """``pixels`` [H, W, 3] in [0, 1] to stay near, where ``believed`` [H, W] is 1."""

    pixels: np.ndarray
    believed: np.ndarray


@dataclass(frozen=True)
class TemporalLoss:
    """weight * 1 / D * sum_k c_k (x_k - w_k)^2, with D = 3 H W, pixels in [0, 1].

    x is the image, w the previous result as this frame sees it, c in [0, 1] where that is believed.
    Ruder, Dosovitskiy, Brox, "Artistic style transfer for videos", GCPR 2016, equation 5 (L_temporal);
    their gamma = 200 goes with other units of the other terms.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check_weight("video", self.weight)

    def targets(self, target: TemporalTarget | None, height: int, width: int) -> dict[str, tf.Tensor]:
        """Tensors for a frame; None, of the first one, believes nothing: all share a compiled step."""
        if target is None:
            return {"pixels": tf.zeros((1, height, width, 3)), "believed": tf.zeros((1, height, width, 1))}
        return {
            "pixels": tf.constant(target.pixels[np.newaxis], tf.float32),
            "believed": tf.constant(target.believed[np.newaxis, ..., np.newaxis], tf.float32),
        }

    def __call__(self, image: tf.Tensor, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return tf.reduce_mean(targets["believed"] * (image - targets["pixels"]) ** 2)
