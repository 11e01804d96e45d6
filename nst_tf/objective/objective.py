"""Terms over one extractor: bound to content and styles once, evaluated at every step."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.guidance import Regions
from nst_tf.losses import ContentLoss, Smoothness, StyleLoss, TemporalLoss, TemporalTarget
from nst_tf.objective.blending import Blending, SummedLosses
from nst_tf.objective.evaluation import (
    VIEW,
    Evaluation,
    KnownPictures,
    WholePicture,
    gradient_of_image,
    over_pictures,
    seeing_all,
    seen,
    view_target,
)
from nst_tf.objective.readings import content_reading, content_value, style_reading, style_value
from nst_tf.objective.style_targets import (
    REGIONS,
    STYLE,
    Look,
    StyleImage,
    structure_of_targets,
    structure_of_term,
    style_targets,
    weights_of,
)
from nst_tf.vgg.network import FeatureExtractor, Reading

CONTENT, SMOOTHNESS, TEMPORAL, KEPT = "content", "smoothness", "temporal", "kept"


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
        blending: Blending | None = None,
        temporal: TemporalLoss | None = None,
    ) -> None:
        """Compose the terms; at least one must have a weight above 0, else InputError.

        ``known`` keeps what was computed of pictures for other objectives over the same extractor;
        ``evaluation`` is how pictures go through the network, by default whole, keeping everything;
        ``blending`` what several styles come to, by default the sum of their losses.
        """
        self.extractor = extractor
        self.evaluation: Evaluation = WholePicture() if evaluation is None else evaluation
        self.blending: Blending = SummedLosses() if blending is None else blending
        self._known = KnownPictures() if known is None else known
        self.content = content if content is not None and content.weight > 0 else None
        self.style = style if style is not None and style.weight > 0 else None
        self.smoothness = smoothness if smoothness is not None and smoothness.weight > 0 else None
        self._style_layers = tuple(self.style.layers) if self.style else ()
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
        regions: Regions | None = None,
        before: TemporalTarget | None = None,
    ) -> BoundObjective:
        """Compute every target once, for a content image [H, W, 3] and style images of any sizes.

        ``before`` is what the frame before says of this one, of the content's size; None of the first frame.

        Weights of styles are divided by their sum (neural-style's ``-style_blend_weights``). Weights
        are tensors, so that a new value compiles nothing. ``view``, base and span [H, W, 1], is what is seen
        of the images to come (see ``nst_tf.objective.evaluation``); content and styles are seen as they are.
        ``regions`` are those of these very pictures.
        Raises InputError where the style term has no style, or no style a usable weight.
        """
        height, width = content.shape[:2]
        targets: dict[str, Any] = {}
        relative = self.style is not None and self.style.relative_to_content
        look = Look(self.extractor, self.evaluation, self._known)
        weights = (
            weights_of(regions.content, regions, self._style_layers, self.extractor) if regions else None
        )
        of_content = look.at(
            content,
            tuple(self.content.layers) if self.content else (),
            self.style if relative else None,
            weights,
        )
        if self.content:
            targets[CONTENT] = {layer: of_content.features[layer] for layer in self.content.layers}
        if self.style:
            look_at_styles = replace(look, extractor=self.extractor.bordered if self.extractor else None)
            targets |= style_targets(
                self.style, self.blending, styles, regions, weights, of_content.description, look_at_styles
            )
        if regions is not None and (kept := regions.kept_pixels) is not None:
            targets[KEPT] = {
                "where": tf.constant(kept[np.newaxis, ..., np.newaxis]),
                "pixels": tf.constant(content[np.newaxis], tf.float32),
            }
        if self.temporal:
            targets[TEMPORAL] = self.temporal.targets(before, height, width)
        if view is not None:
            targets[VIEW] = view_target(*view)
        return BoundObjective(self, targets, tf.constant(self._part_weights(height, width), tf.float32))

    def readings(self, targets: Mapping[str, Any], weights: tf.Tensor | None) -> list[Reading]:
        """What content and style terms take of an image, in the order of ``parts``.

        Of the targets, the content's activations and the regions' weights; ``weights`` of the parts are for
        normalized gradients only.
        """
        strengths: list[Any] = [None] * len(self.parts) if weights is None else tf.unstack(weights)
        found: list[Reading] = []
        if self.content:
            for layer, target in targets[CONTENT].items():
                found.append(content_reading(self.content, layer, target, strengths[len(found)]))
        if self.style:
            for layer in self.style.layers:
                region_weights = targets.get(REGIONS, {}).get(layer)
                found.append(style_reading(self.style, layer, strengths[len(found)], region_weights))
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
        return self.evaluation.weighted_parts(self, *_seen_with_kept(image, targets), weights)

    def value_and_gradient(
        self, image: tf.Tensor, targets: dict[str, Any], weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32.

        Where pixels are kept the content is in the place of the image, and the gradient is 0.
        """
        loss, parts, gradient = self.evaluation.value_and_gradient(
            self, *_seen_with_kept(image, targets), weights
        )
        return loss, parts, _by_image(gradient, targets)

    @property
    def takes_several(self) -> bool:
        """Whether ``values_and_gradients`` may be asked for."""
        return getattr(self.evaluation, "takes_several", False)

    def values_and_gradients(
        self, images: tf.Tensor, targets: dict[str, Any], weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Several pictures at once, each with targets and weights of its own, as ``value_and_gradient``.

        Images [N, 1, H, W, 3] -> losses [N], parts [N, P], gradients [N, 1, H, W, 3]; ``targets`` are stacked
        along a new first axis, ``weights`` are [N, P].
        """
        several: Any = self.evaluation
        if VIEW not in targets and KEPT not in targets:
            return several.values_and_gradients(self, images, targets, weights)
        shown = over_pictures(lambda one: _seen_with_kept(*one)[0], (images, targets))
        of_shown = {name: one for name, one in targets.items() if name != VIEW}
        losses, parts, gradients = several.values_and_gradients(self, shown, of_shown, weights)
        return losses, parts, over_pictures(lambda one: _by_image(*one), (gradients, targets))

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


def _seen_with_kept(image: tf.Tensor, targets: Mapping[str, Any]) -> tuple[tf.Tensor, Mapping[str, Any]]:
    """What is seen of the image, with the content's pixels where those are kept, and the targets of that."""
    shown, targets = seen(image, targets)
    kept = targets.get(KEPT)
    return (shown if kept is None else tf.where(kept["where"], kept["pixels"], shown)), targets


def _by_image(gradient: tf.Tensor, targets: Mapping[str, Any]) -> tf.Tensor:
    """The gradient by the image [1, H, W, 3], from that by what the objective was given to see."""
    if KEPT in targets:
        gradient = tf.where(targets[KEPT]["where"], tf.zeros_like(gradient), gradient)
    return gradient_of_image(gradient, targets)
