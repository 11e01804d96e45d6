"""The objective: terms bound to content and styles once, then value and gradient at every step.

From a step to the numbers: ``Objective.value_and_gradient`` takes the gradient of ``_weighted_parts``, for
which the network hands its activations to the ``reading`` of each term, and each term makes its ``value`` of
what was taken (``nst_tf.losses``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.guidance import Regions
from nst_tf.losses import ContentLoss, Smoothness, StyleLoss, TemporalLoss, TemporalTarget
from nst_tf.objective.blending import Blending, SummedLosses
from nst_tf.objective.evaluation import Evaluation, KnownPictures, Targets, WholePicture
from nst_tf.objective.style_targets import (
    REGIONS,
    SHARES,
    STYLE,
    PictureReader,
    Seen,
    StyleImage,
    structure_of_targets,
    structure_of_term,
    style_targets,
    weights_of,
)
from nst_tf.objective.tiles import Tiles
from nst_tf.pyramid import Scale, by_size
from nst_tf.structure import Structure
from nst_tf.vgg.network import FeatureExtractor, Reading, read_whole

CONTENT, STRUCTURE, SMOOTHNESS, TEMPORAL = "content", "structure", "smoothness", "temporal"
KEPT, VIEW = "kept", "view"
"""Further keys of the targets: what the objective is shown of the image, see ``shown``."""
DRAW = "draw"
"""And the number of the step, where a term draws positions; that of the targets is for pictures at rest."""
_AT_REST = -1


class Objective:
    """loss(x) = content term + style terms + smoothness term, over the features of one extractor.

    There may be a ``structure`` term of the content's pixels besides, and in an animation a ``temporal`` one.

    A term whose weight is exactly 0 is left out, and so are the layers that only it would use. Each
    part of the loss has a name: ``content/LAYER``, ``style/LAYER``, ``smoothness``, ``temporal`` and
    ``structure``, and ``NAME/LAYER`` of a further term of style; just ``content``, ``style`` or ``NAME``
    where all layers are compared together.
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
        structure: Structure | None = None,
        terms: Mapping[str, StyleLoss] = MappingProxyType({}),
    ) -> None:
        """Compose the terms; at least one must have a weight above 0, else InputError.

        ``terms`` are further terms of style, by name.
        ``known`` keeps what was computed of pictures for other objectives over the same extractor;
        ``evaluation`` is how pictures go through the network, by default whole, keeping everything;
        ``blending`` what several styles come to, by default the sum of their losses.
        """
        self.extractor = extractor
        self.evaluation: Evaluation = WholePicture() if evaluation is None else evaluation
        self.blending: Blending = SummedLosses() if blending is None else blending
        self._known = KnownPictures() if known is None else known
        self.content = content if content is not None and content.weight > 0 else None
        of_style = {**({STYLE: style} if style is not None else {}), **terms}
        self.styles = {name: term for name, term in of_style.items() if term.weight > 0}
        """The terms of style by name; the first one is called style."""
        self.smoothness = smoothness if smoothness is not None and smoothness.weight > 0 else None
        self.temporal = temporal if temporal is not None and temporal.weight > 0 else None
        self.structure = structure if structure is not None and structure.weight > 0 else None
        self.parts = (
            *(self.content.groups(CONTENT) if self.content else ()),
            *(part for name, term in self.styles.items() for part in term.groups(name)),
            *((SMOOTHNESS,) if self.smoothness else ()),
            *((TEMPORAL,) if self.temporal else ()),
            *((STRUCTURE,) if self.structure else ()),
        )
        if not self.parts:
            raise InputError(
                "every term of the objective has weight 0: give content or style a weight above 0"
            )

    @property
    def compile_key(self) -> Hashable:
        """The extractor and the terms without their weights."""
        terms = (self.content, *self.styles.values(), self.smoothness, self.temporal, self.structure)
        return (
            *(self.extractor, self.evaluation, tuple(self.styles)),
            *(structure_of_term(term) for term in terms),
        )

    @property
    def draws(self) -> bool:
        """Whether a term looks at other positions at every step."""
        return any(term.draws for term in (self.content, *self.styles.values()) if term)

    @property
    def asks_for_start(self) -> bool:
        """Whether the targets of a size depend on the image that it begins with."""
        return any(hasattr(term.statistic, "matched") for term in self.styles.values())

    def at(self, scale: Scale) -> Objective:
        """The objective of one size: with the weights there, and without terms whose weight is 0 there."""

        def there(term: Any) -> Any:
            if term is None or (factor := by_size(term.weight_by_size, scale)) == 1:
                return term
            return replace(term, weight=factor * term.weight)

        terms = {name: there(term) for name, term in self.styles.items()}
        return Objective(
            self.extractor,
            there(self.content),
            terms.pop(STYLE, None),
            self.smoothness,
            self._known,
            self.evaluation,
            self.blending,
            self.temporal,
            self.structure,
            terms,
        )

    # ---- bound once --------------------------------------------------------

    def bind(
        self,
        content: np.ndarray,
        styles: Sequence[StyleImage],
        view: tuple[np.ndarray, np.ndarray] | None = None,
        regions: Regions | None = None,
        before: TemporalTarget | None = None,
        start: np.ndarray | None = None,
    ) -> BoundObjective:
        """Compute every target once, for a content image [H, W, 3] and style images of any sizes.

        ``start`` [H, W, 3] is the image that the steps begin with, for an objective that ``asks_for_start``;
        None is the content.

        ``before`` is what the frame before says of this one, of the content's size; None of the first frame.

        Weights of styles are divided by their sum (neural-style's ``-style_blend_weights``). Weights
        are tensors, so that a new value compiles nothing. ``view``, base and span [H, W, 1] or base
        [1, 1, 3] and matrix [3, 3], is what is ``shown`` of the images to come; content and styles are seen
        as they are.
        ``regions`` are those of these very pictures.
        Raises InputError where the style term has no style, or no style a usable weight.
        """
        height, width = content.shape[:2]
        targets: dict[str, Any] = {}
        reader = PictureReader(self.extractor, self.evaluation, self._known)
        style_layers = tuple(dict.fromkeys(layer for term in self.styles.values() for layer in term.layers))
        weights = weights_of(regions.content, regions, style_layers, self.extractor) if regions else None
        seen = reader.read(
            content,
            tuple(self.content.layers) if self.content else (),
            {name: term for name, term in self.styles.items() if term.relative_to_content},
            weights,
        )
        if self.content:
            targets[CONTENT] = {layer: seen.features[layer] for layer in self.content.layers}
        if self.styles:
            of_styles = replace(reader, extractor=self.extractor.bordered if self.extractor else None)
            of_content = Seen(content, seen.statistics, weights, start)
            targets |= style_targets(self.styles, self.blending, styles, regions, of_content, of_styles)
        if self.draws:
            targets[DRAW] = tf.constant(_AT_REST)
        if regions is not None and (kept := regions.kept_pixels) is not None:
            targets[KEPT] = {
                "where": tf.constant(kept[np.newaxis, ..., np.newaxis]),
                "pixels": tf.constant(content[np.newaxis], tf.float32),
            }
        if self.temporal:
            targets[TEMPORAL] = self.temporal.targets(before, height, width)
        if self.structure:
            targets[STRUCTURE] = self.structure.targets(content)
        if view is not None:
            targets[VIEW] = tuple(tf.constant(one[np.newaxis], tf.float32) for one in view)
        weights = tf.constant(self._part_weights(height, width), tf.float32)
        return BoundObjective(self, targets, weights, start if self.asks_for_start else None)

    def _part_weights(self, height: int, width: int) -> list[float]:
        weights: list[float] = []
        if self.content:
            layers = self.content.layers
            shares = [sum(layers[one] for one in group) for group in self.content.groups(CONTENT).values()]
            weights += [self.content.weight * share for share in shares]
        for name, term in self.styles.items():
            scale = term.weight * term.scale(height, width)
            shares = [sum(term.layers[one] for one in group) for group in term.groups(name).values()]
            weights += [scale * share for share in shares]
        return weights + [term.weight for term in (self.smoothness, self.temporal, self.structure) if term]

    # ---- value and gradient, at every step ---------------------------------

    def value_and_gradient(
        self, image: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32."""
        seen = shown(image, targets)
        if isinstance(self.evaluation, Tiles):
            loss, parts, gradient = self.evaluation.value_and_gradient(self, seen, targets, weights)
        else:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(seen)
                parts = self._weighted_parts(seen, targets, weights)
                loss = tf.reduce_sum(parts)
            gradient: Any = tape.gradient(loss, seen)
        return loss, parts, gradient_of_image(gradient, targets)

    def weighted_parts(self, image: tf.Tensor, targets: Targets, weights: tf.Tensor) -> tf.Tensor:
        """Image [1, H, W, 3] -> [P] float32: the parts in the order of ``parts``, which sum to the loss."""
        seen = shown(image, targets)
        if isinstance(self.evaluation, Tiles):
            return self.evaluation.weighted_parts(self, seen, targets, weights)
        return self._weighted_parts(seen, targets, weights)

    def _weighted_parts(
        self, seen: tf.Tensor, targets: Targets, weights: tf.Tensor, read: Callable | None = None
    ) -> tf.Tensor:
        """Parts [P] of what is seen of an image; ``read`` stands in for the network's."""
        read = read or self.evaluation.read  # pyright: ignore[reportAttributeAccessIssue]  (tiles have none)
        taken = [] if self.extractor is None else read(self.extractor, seen, self.readings(targets, weights))
        return weights * tf.stack(self.parts_of_layers(taken, targets) + self.parts_of_pixels(seen, targets))

    def readings(self, targets: Targets, weights: tf.Tensor | None = None) -> list[Reading]:
        """What content and style terms take of an image, in the order of ``parts``.

        Of the targets, the content's activations and the regions' weights; ``weights`` of the parts are for
        normalized gradients only.
        """
        strengths = iter([None] * len(self.parts) if weights is None else tf.unstack(weights))
        of_regions, draw = targets.get(REGIONS, {}), targets.get(DRAW)
        found: list[Reading] = []
        if self.content:
            for layers in self.content.groups(CONTENT).values():
                strength = next(strengths)
                found += [self.content.reading(one, targets[CONTENT][one], strength) for one in layers]
        for name, term in self.styles.items():
            for layers in term.groups(name).values():
                strength = next(strengths)
                found += [term.reading(one, of_regions.get(one), strength, draw) for one in layers]
        return found

    def parts_of_layers(self, taken: Sequence[Any], targets: Targets) -> list[tf.Tensor]:
        """Of what the readings took, the parts of content and style without their weights; scalars."""
        left, of_regions, draw = iter(taken), targets.get(REGIONS, {}), targets.get(DRAW)
        parts: list[tf.Tensor] = []
        if self.content:
            for layers in self.content.groups(CONTENT).values():
                of_content = [targets[CONTENT][layer] for layer in layers]
                parts.append(self.content.loss_of_layers([next(left) for _ in layers], of_content, draw))
        for name, term in self.styles.items():
            for part, layers in term.groups(name).items():
                of_layers = [next(left) for _ in layers]
                styles, shares = targets[STYLE][part], targets[SHARES][part]
                weights = of_regions.get(layers[0])
                parts.append(term.loss_of_layers(of_layers, styles, shares, weights, draw))
        return parts

    @property
    def has_parts_of_pixels(self) -> bool:
        return bool(self.smoothness or self.temporal or self.structure)

    def parts_of_pixels(self, image: tf.Tensor, targets: Targets) -> list[tf.Tensor]:
        """Image [1, H, W, 3] -> the parts that need no network, without their weights; scalars."""
        parts = [self.smoothness(image)] if self.smoothness else []
        parts += [self.temporal(image, targets[TEMPORAL])] if self.temporal else []
        return parts + ([self.structure(image, targets[STRUCTURE])] if self.structure else [])

    # ---- several pictures at once ------------------------------------------

    @property
    def takes_several(self) -> bool:
        """Whether ``value_and_gradient_of_several`` is possible: nothing must be computed again in bands."""
        return isinstance(self.evaluation, WholePicture) and self.evaluation.read is read_whole

    def value_and_gradient_of_several(
        self, images: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Several pictures at once, each with targets and weights of its own, as ``value_and_gradient``.

        Images [N, 1, H, W, 3] -> losses [N], parts [N, P], gradients [N, 1, H, W, 3]; ``targets`` are stacked
        along a new first axis, ``weights`` are [N, P]. The network sees one batch, as it is made to; each
        picture's terms, and the gradients by its activations, are computed ``over_pictures``, so that
        statistics and losses need not know of batches.
        """
        is_seen_whole = VIEW not in targets and KEPT not in targets
        seen = images if is_seen_whole else over_pictures(lambda one: shown(*one), (images, targets))
        names = tuple(self.extractor.layers) if self.extractor is not None else ()
        flat = seen[:, 0]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(flat)
            features = self.extractor(flat) if self.extractor is not None else {}

        def of_one(given: Any) -> Any:
            image, activations, its_targets, its_weights = given

            def read(extractor: Any, image: tf.Tensor, readings: Sequence[Reading]) -> list[Any]:
                return [reading.take(activations[reading.layer], reading.target) for reading in readings]

            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch((image, activations))
                parts = self._weighted_parts(image, its_targets, its_weights, read)
                loss = tf.reduce_sum(parts)
            by_image, by_activations = tape.gradient(
                loss, (image, activations), unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return loss, parts, by_image, by_activations

        losses, parts, gradients, by_features = over_pictures(
            of_one, (seen, {name: features[name][:, tf.newaxis] for name in names}, targets, weights)
        )
        if names:
            upstream = [by_features[name][:, 0] for name in names]
            through: Any = tape.gradient([features[name] for name in names], flat, output_gradients=upstream)
            gradients += through[:, tf.newaxis]
        if not is_seen_whole:
            gradients = over_pictures(lambda one: gradient_of_image(*one), (gradients, targets))
        return losses, parts, gradients


def over_pictures(function: Callable[[Any], Any], given: Any) -> Any:
    """``function`` of each picture's share of ``given``, whose tensors have an axis of pictures first.

    All at once by ``tf.vectorized_map``, or one after another where TensorFlow has no vectorized form of an
    operation: in 2.21 it has none of the gradient of sorting (ScatterNd).
    """
    try:
        return tf.vectorized_map(function, given, fallback_to_while_loop=False)
    except ValueError:
        count = tf.nest.flatten(given)[0].shape[0]
        each = [function(tf.nest.map_structure(lambda one, at=at: one[at], given)) for at in range(count)]
        return tf.nest.map_structure(lambda *ones: tf.stack(ones), *each)


@dataclass(frozen=True)
class BoundObjective:
    """An objective with the targets of one content image and its styles, at one size.

    ``start`` [H, W, 3] is the image that the targets depend on, where they do: a resumed run needs it again.
    """

    objective: Objective
    targets: dict[str, Any]
    weights: tf.Tensor
    start: np.ndarray | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts of the loss, in order."""
        return self.objective.parts

    @property
    def compile_key(self) -> Hashable:
        """Equal for two whose step is compiled to the same: weights and the numbers of targets may differ."""
        return (self.objective.compile_key, structure_of_targets(self.targets))

    @property
    def seeing_all(self) -> BoundObjective:
        """The same for a picture that is what the objective sees; nothing is compiled anew."""
        if VIEW not in self.targets:
            return self
        base, span = self.targets[VIEW]
        everything = tf.eye(3)[tf.newaxis] if _is_matrix(span) else tf.ones_like(span)
        view = (tf.zeros_like(base), everything)
        return replace(self, targets={**self.targets, VIEW: view})

    def value_and_gradient(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32."""
        return self.objective.value_and_gradient(image, self.targets, self.weights)


# ---- what the objective is shown of the image ------------------------------


def shown(image: tf.Tensor, targets: Targets) -> tf.Tensor:
    """Image [1, H, W, 3] -> what the objective sees of it, [1, H, W, 3].

    With a view, base + span * m in every channel, with m the mean of the image's channels: a grey of each
    pixel's own range; or, with a matrix for a span, base + image @ matrix: other colors. Where pixels of the
    content are kept they are in the place of the image's.
    """
    if VIEW in targets and _is_matrix(targets[VIEW][1]):
        base, matrix = targets[VIEW]
        image = base + tf.tensordot(image, matrix[0], 1)
    elif VIEW in targets:
        base, span = targets[VIEW]
        grey = base + span * tf.reduce_mean(image, axis=-1, keepdims=True)
        image = tf.repeat(grey, 3, axis=-1)
    if KEPT in targets:
        image = tf.where(targets[KEPT]["where"], targets[KEPT]["pixels"], image)
    return image


def gradient_of_image(gradient: tf.Tensor, targets: Targets) -> tf.Tensor:
    """The gradient by the image [1, H, W, 3], from that by what is ``shown`` of it."""
    if KEPT in targets:
        gradient = tf.where(targets[KEPT]["where"], tf.zeros_like(gradient), gradient)
    if VIEW in targets and _is_matrix(targets[VIEW][1]):
        _, matrix = targets[VIEW]
        gradient = tf.tensordot(gradient, tf.transpose(matrix[0]), 1)
    elif VIEW in targets:
        _, span = targets[VIEW]
        gradient = tf.repeat(span * tf.reduce_mean(gradient, axis=-1, keepdims=True), 3, axis=-1)
    return gradient


def _is_matrix(span: tf.Tensor) -> bool:
    return span.shape.rank == 3  # [1, 3, 3]; that of each pixel is [1, H, W, 1]
