"""Terms over one extractor: bound to content and styles once, evaluated at every step."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, Smoothness, StyleLoss, TemporalLoss, TemporalTarget
from nst_tf.objective.evaluation import Evaluation, WholePicture
from nst_tf.objective.known_pictures import KnownPictures, SeenPicture, digest_of
from nst_tf.objective.readings import (
    content_reading,
    content_value,
    description,
    features,
    style_reading,
    style_value,
)
from nst_tf.objective.structure import structure_of_targets, structure_of_term
from nst_tf.objective.view import VIEW, gradient_of_image, seeing_all, seen, view_target
from nst_tf.vgg.extractor import FeatureExtractor
from nst_tf.vgg.reading import Reading
from nst_tf.weighting import check_weight

# a content image that is its own style has distance 0: its loss stays 0 over this
_SMALLEST_UNIT = 1e-30
CONTENT, STYLE, SMOOTHNESS, TEMPORAL = "content", "style", "smoothness", "temporal"


@dataclass(frozen=True)
class StyleImage:
    """A style image [H, W, 3], RGB in [0, 1], and its share of the style loss."""

    pixels: np.ndarray
    weight: float = 1.0


class Objective:
    """loss(x) = content term + style term + smoothness term, over the features of one extractor.

    In an animation there is a ``temporal`` term besides.

    A term whose weight is exactly 0 is left out, and so are the layers that only it would use. Each
    part of the loss has a name: ``content/LAYER``, ``style/LAYER``, ``smoothness`` and ``temporal``.
    """

    def __init__(
        self,
        extractor: FeatureExtractor | None,
        content: ContentLoss | None = None,
        style: StyleLoss | None = None,
        smoothness: Smoothness | None = None,
        known: KnownPictures | None = None,
        evaluation: Evaluation | None = None,
        temporal: TemporalLoss | None = None,
    ) -> None:
        """Compose the terms; at least one must have a weight above 0, else InputError.

        ``known`` keeps what was computed of pictures for other objectives over the same extractor;
        ``evaluation`` is how pictures go through the network, by default whole, keeping everything.
        """
        self.extractor = extractor
        self.evaluation: Evaluation = WholePicture() if evaluation is None else evaluation
        self._known = KnownPictures() if known is None else known
        self.content = content if content is not None and content.weight > 0 else None
        self.style = style if style is not None and style.weight > 0 else None
        self.smoothness = smoothness if smoothness is not None and smoothness.weight > 0 else None
        self.temporal = temporal if temporal is not None and temporal.weight > 0 else None
        self.parts = (
            *(f"{CONTENT}/{layer}" for layer in (self.content.layers if self.content else ())),
            *(f"{STYLE}/{layer}" for layer in (self.style.layers if self.style else ())),
            *((SMOOTHNESS,) if self.smoothness else ()),
            *((TEMPORAL,) if self.temporal else ()),
        )
        if not self.parts:
            raise InputError(
                "every term of the objective has weight 0: give content or style a weight above 0"
            )
        self.evaluation.check(self)

    @property
    def structure(self) -> Hashable:
        """The extractor and the terms without their weights."""
        terms = (self.content, self.style, self.smoothness, self.temporal)
        return (self.extractor, self.evaluation, *(structure_of_term(term) for term in terms))

    def bind(
        self,
        content: np.ndarray,
        styles: Sequence[StyleImage],
        view: tuple[np.ndarray, np.ndarray] | None = None,
        before: TemporalTarget | None = None,
    ) -> BoundObjective:
        """Compute every target once, for a content image [H, W, 3] and style images of any sizes.

        ``before`` is what the frame before says of this one, of the content's size; None of the first frame.

        Weights of styles are divided by their sum (neural-style's ``-style_blend_weights``). Weights
        are tensors, so that a new value compiles nothing. ``view``, base and span [H, W, 1], is what is seen
        of the images to come (see ``nst_tf.objective.view``); content and styles are seen as they are.
        Raises InputError where the style term has no style, or no style a usable weight.
        """
        height, width = content.shape[:2]
        targets: dict[str, Any] = {}
        relative = self.style is not None and self.style.relative_to_content
        of_content = self._seen(content, features=self.content is not None, described=relative)
        if self.content:
            targets[CONTENT] = {layer: of_content.features[layer] for layer in self.content.layers}
        if self.style:
            shares = _shares(styles)
            described = [
                self._seen(style.pixels, features=False, described=True).description for style in styles
            ]
            targets[STYLE] = {layer: [one[layer] for one in described] for layer in self.style.layers}
            units = self._style_units(of_content.description, described)
            targets["style_shares"] = {
                layer: tf.constant([share / unit for share, unit in zip(shares, units[layer], strict=True)])
                for layer in self.style.layers
            }
        if self.temporal:
            targets[TEMPORAL] = self.temporal.targets(before, height, width)
        if view is not None:
            targets[VIEW] = view_target(*view)
        return BoundObjective(self, targets, tf.constant(self._part_weights(height, width), tf.float32))

    def readings(self, content: Mapping[str, tf.Tensor], weights: tf.Tensor | None) -> list[Reading]:
        """What content and style terms take of an image, in the order of ``parts``.

        ``content`` has the content's activations by layer; ``weights`` are for normalized gradients only.
        """
        strengths: list[Any] = [None] * len(self.parts) if weights is None else tf.unstack(weights)
        found: list[Reading] = []
        if self.content:
            for layer, target in content.items():
                found.append(content_reading(self.content, layer, target, strengths[len(found)]))
        if self.style:
            for layer in self.style.layers:
                found.append(style_reading(self.style, layer, strengths[len(found)]))
        return found

    def values(self, taken: Sequence[Any], targets: Mapping[str, Any]) -> list[tf.Tensor]:
        """Of what the readings took, the parts of content and style without their weights; scalars."""
        layers = len(self.content.layers) if self.content else 0
        of_content, of_style = taken[:layers], taken[layers:]
        values: list[tf.Tensor] = []
        if self.content:
            values += [content_value(self.content, one) for one in of_content]
        if self.style:
            for (layer, styles), one in zip(targets[STYLE].items(), of_style, strict=True):
                values.append(style_value(self.style, layer, one, styles, targets["style_shares"][layer]))
        return values

    @property
    def has_terms_of_pixels(self) -> bool:
        """Whether any term looks at the image itself, without the network."""
        return bool(self.smoothness or self.temporal)

    def of_pixels(self, image: tf.Tensor, targets: Mapping[str, Any]) -> list[tf.Tensor]:
        """Image [1, H, W, 3] -> the parts that need no network, without their weights; scalars."""
        values = [self.smoothness(image)] if self.smoothness else []
        return values + ([self.temporal(image, targets[TEMPORAL])] if self.temporal else [])

    def weighted_parts(self, image: tf.Tensor, targets: Mapping[str, Any], weights: tf.Tensor) -> tf.Tensor:
        """Image [1, H, W, 3] -> [P] float32: the parts in the order of ``parts``, which sum to the loss."""
        return self.evaluation.weighted_parts(self, *seen(image, targets), weights)

    def value_and_gradient(
        self, image: tf.Tensor, targets: dict[str, Any], weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32."""
        loss, parts, gradient = self.evaluation.value_and_gradient(self, *seen(image, targets), weights)
        return loss, parts, gradient_of_image(gradient, targets)

    def _part_weights(self, height: int, width: int) -> list[float]:
        weights: list[float] = []
        if self.content:
            weights += [self.content.weight * share for share in self.content.layers.values()]
        if self.style:
            scale = self.style.weight * self.style.scale(height, width)
            weights += [scale * share for share in self.style.layers.values()]
        if self.smoothness:
            weights.append(self.smoothness.weight)
        if self.temporal:
            weights.append(self.temporal.weight)
        return weights

    def _style_units(self, start: dict[str, Any], described: list[dict[str, Any]]) -> dict[str, list[float]]:
        """By what each layer's distance to each style is divided."""
        if self.style is None or not self.style.relative_to_content:
            return {layer: [1.0] * len(described) for layer in (self.style.layers if self.style else ())}
        compare = self.style.statistic.compare
        return {
            layer: [max(float(compare(start[layer], one[layer])), _SMALLEST_UNIT) for one in described]
            for layer in self.style.layers
        }

    def _seen(self, pixels: np.ndarray, *, features: bool, described: bool) -> SeenPicture:
        """What a target needs of a picture [H, W, 3], by one pass through the network, if it is not known."""
        if not (features or described):
            return SeenPicture({}, {})
        if self.extractor is None:
            raise InputError("an objective with a content or style term needs an extractor")
        content_layers = tuple(self.content.layers) if features and self.content else ()
        style_layers = tuple(self.style.layers) if described and self.style else ()
        statistic = structure_of_term(self.style.statistic) if described and self.style else None
        key = (self.extractor, self.evaluation, content_layers, style_layers, statistic, digest_of(pixels))
        known = self._known.get(key)
        if known is None:
            known = self._look(pixels, content_layers, style_layers)
            self._known.put(key, known)
        return known

    def _look(
        self, pixels: np.ndarray, content_layers: tuple[str, ...], style_layers: tuple[str, ...]
    ) -> SeenPicture:
        described = [description(self.style.statistic, layer) for layer in style_layers if self.style]
        readings = [*(features(layer) for layer in content_layers), *(reading for reading, _ in described)]
        found = self.evaluation.see(self.extractor, pixels, readings)
        of_style = zip(style_layers, described, found[len(content_layers) :], strict=True)
        return SeenPicture(
            dict(zip(content_layers, found, strict=False)),
            {layer: finish(taken) for layer, (_, finish), taken in of_style},
        )


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

    @property
    def structure(self) -> Hashable:
        """Equal for two whose step is compiled to the same: weights and the numbers of targets may differ."""
        return (self.objective.structure, structure_of_targets(self.targets))

    @property
    def seeing_all(self) -> BoundObjective:
        """The same for a picture that is what the objective sees; nothing is compiled anew."""
        return replace(self, targets=seeing_all(self.targets))

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
