"""Terms over one extractor: bound to content and styles once, evaluated at every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, Smoothness, StyleLoss
from nst_tf.objective.layer_parts import LayerPart, content_part, description, features, style_part
from nst_tf.vgg.extractor import FeatureExtractor
from nst_tf.vgg.reading import Reading, read_whole
from nst_tf.weighting import check_weight

# a content image that is its own style has distance 0: its loss stays 0 over this
_SMALLEST_UNIT = 1e-30
CONTENT, STYLE, SMOOTHNESS = "content", "style", "smoothness"

Read = Callable[[FeatureExtractor, tf.Tensor, Sequence[Reading]], list[Any]]
Taken = Callable[[np.ndarray, Sequence[Reading]], list[Any]]


@dataclass(frozen=True)
class StyleImage:
    """A style image [H, W, 3], RGB in [0, 1], and its share of the style loss."""

    pixels: np.ndarray
    weight: float = 1.0


class Objective:
    """loss(x) = content term + style term + smoothness term, over the features of one extractor.

    A term whose weight is exactly 0 is left out, and so are the layers that only it would use. Each
    part of the loss has a name: ``content/LAYER``, ``style/LAYER`` and ``smoothness``.
    """

    def __init__(
        self,
        extractor: FeatureExtractor | None,
        content: ContentLoss | None = None,
        style: StyleLoss | None = None,
        smoothness: Smoothness | None = None,
        read: Read = read_whole,
    ) -> None:
        """Compose the terms; at least one must have a weight above 0, else InputError.

        ``read`` takes from the network what the terms need: ``read_whole`` or ``read_recomputing``.
        """
        self.extractor = extractor
        self._read = read
        self.content = content if content is not None and content.weight > 0 else None
        self.style = style if style is not None and style.weight > 0 else None
        self.smoothness = smoothness if smoothness is not None and smoothness.weight > 0 else None
        self.parts = (
            *(f"{CONTENT}/{layer}" for layer in (self.content.layers if self.content else ())),
            *(f"{STYLE}/{layer}" for layer in (self.style.layers if self.style else ())),
            *((SMOOTHNESS,) if self.smoothness else ()),
        )
        if not self.parts:
            raise InputError(
                "every term of the objective has weight 0: give content or style a weight above 0"
            )

    def bind(self, content: np.ndarray, styles: Sequence[StyleImage]) -> BoundObjective:
        """Compute every target once, for a content image [H, W, 3] and style images of any sizes.

        Weights of styles are divided by their sum (neural-style's ``-style_blend_weights``). Weights
        are tensors, so that a new value compiles nothing.
        Raises InputError where the style term has no style, or no style a usable weight.
        """
        targets, weights = self.targets(content, styles, self._taken)
        return BoundObjective(self, targets, weights)

    def targets(
        self, content: np.ndarray, styles: Sequence[StyleImage], taken: Taken
    ) -> tuple[dict[str, Any], tf.Tensor]:
        """Targets, and the weights of the parts, with ``taken(pixels, readings)`` to look at a picture."""
        height, width = content.shape[:2]
        targets: dict[str, Any] = {}
        if self.content:
            layers = tuple(self.content.layers)
            found = taken(content, [features(layer) for layer in layers])
            targets[CONTENT] = dict(zip(layers, found, strict=True))
        if self.style:
            shares = _shares(styles)
            described = [self._described(style.pixels, taken) for style in styles]
            targets[STYLE] = {layer: [one[layer] for one in described] for layer in self.style.layers}
            start = self._described(content, taken) if self.style.relative_to_content else None
            units = self._style_units(start, described)
            targets["style_shares"] = {
                layer: tf.constant([share / unit for share, unit in zip(shares, units[layer], strict=True)])
                for layer in self.style.layers
            }
        return targets, tf.constant(self._part_weights(height, width), tf.float32)

    def layer_parts(self, targets: dict[str, Any], weights: tf.Tensor) -> list[LayerPart]:
        """The parts of content and style, in the order of ``parts``."""
        found: list[LayerPart] = []
        if self.content:
            for layer, target in targets[CONTENT].items():
                found.append(content_part(self.content, layer, target, weights[len(found)]))
        if self.style:
            for layer, styles in targets[STYLE].items():
                shares = targets["style_shares"][layer]
                found.append(style_part(self.style, layer, styles, shares, weights[len(found)]))
        return found

    def weighted_parts(self, image: tf.Tensor, targets: dict[str, Any], weights: tf.Tensor) -> tf.Tensor:
        """Image [1, H, W, 3] -> [P] float32: the parts in the order of ``parts``, which sum to the loss."""
        parts = self.layer_parts(targets, weights)
        readings = [part.reading for part in parts]
        taken = self._read(self.extractor, image, readings) if self.extractor else []
        values = [part.value(one) for part, one in zip(parts, taken, strict=True)]
        if self.smoothness:
            values.append(self.smoothness(image))
        return weights * tf.stack(values)

    def value_and_gradient(
        self, image: tf.Tensor, targets: dict[str, Any], weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            parts = self.weighted_parts(image, targets, weights)
            loss = tf.reduce_sum(parts)
        gradient: Any = tape.gradient(loss, image)
        return loss, parts, gradient

    def _part_weights(self, height: int, width: int) -> list[float]:
        weights: list[float] = []
        if self.content:
            weights += [self.content.weight * share for share in self.content.layers.values()]
        if self.style:
            scale = self.style.weight * self.style.scale(height, width)
            weights += [scale * share for share in self.style.layers.values()]
        if self.smoothness:
            weights.append(self.smoothness.weight)
        return weights

    def _style_units(
        self, start: dict[str, Any] | None, described: list[dict[str, Any]]
    ) -> dict[str, list[float]]:
        """By what each layer's distance to each style is divided: that of the content, described as ``start``."""
        if self.style is None or start is None:
            return {layer: [1.0] * len(described) for layer in (self.style.layers if self.style else ())}
        compare = self.style.statistic.compare
        return {
            layer: [max(float(compare(start[layer], one[layer])), _SMALLEST_UNIT) for one in described]
            for layer in self.style.layers
        }

    def _taken(self, pixels: np.ndarray, readings: Sequence[Reading]) -> list[Any]:
        if self.extractor is None:
            raise InputError("an objective with a content or style term needs an extractor")
        return self._read(self.extractor, tf.constant(pixels[np.newaxis], tf.float32), readings)

    def _described(self, pixels: np.ndarray, taken: Taken) -> dict[str, Any]:
        assert self.style is not None, "only a style term asks for descriptions"  # noqa: S101
        descriptions = {layer: description(self.style.statistic, layer) for layer in self.style.layers}
        found = taken(pixels, [reading for reading, _ in descriptions.values()])
        return {
            layer: described(one) for (layer, (_, described)), one in zip(descriptions.items(), found, strict=True)
        }


@dataclass(frozen=True)
class BoundObjective:
    """An objective with the targets of one content image and its styles, at one size."""

    objective: Objective
    targets: dict[str, Any]
    weights: tf.Tensor

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts of the loss, in order."""
        return self.objective.parts

    def value_and_gradient(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32."""
        return self.objective.value_and_gradient(image, self.targets, self.weights)


def _shares(styles: Sequence[StyleImage]) -> list[float]:
    """The weights of the styles divided by their sum."""
    if not styles:
        raise InputError("an objective with a style term needs at least one style image, but none is given")
    for style in styles:
        check_weight("a style image", style.weight)
    total = sum(style.weight for style in styles)
    if total == 0:
        raise InputError("the weights of the style images are all 0: give at least one a weight above 0")
    return [style.weight / total for style in styles]
