"""The parts of a loss that come from a layer: what is taken of its activations, and the distance made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from nst_tf.losses import ContentLoss, StyleLoss
from nst_tf.losses.gradient_normalization import with_normalized_gradient
from nst_tf.statistics.statistic import is_summable
from nst_tf.vgg.reading import Reading, added, joined


@dataclass(frozen=True)
class LayerPart:
    """A reading, and the part of the loss, without its weight, as a function of what was taken."""

    reading: Reading
    value: Callable[[Any], tf.Tensor]


def content_part(term: ContentLoss, layer: str, target: tf.Tensor | None, strength: tf.Tensor) -> LayerPart:
    """The distance to the content's activations; ``strength`` is for gradients that are normalized."""
    distance: Any = term.distance
    if not hasattr(distance, "of_sums") or term.normalize_gradients:
        pull = _pull(term, strength)
        return LayerPart(Reading(layer, lambda mine, theirs: distance(pull(mine), _float(theirs)), None, target), _same)
    return LayerPart(
        Reading(layer, lambda mine, theirs: distance.sums(_float(mine), _float(theirs)), added, target),
        distance.of_sums,
    )


def style_part(
    term: StyleLoss, layer: str, styles: Sequence[Any], shares: tf.Tensor, strength: tf.Tensor
) -> LayerPart:
    """The distances to the styles' descriptions, weighted by their shares."""
    reading, described = description(term.statistic, layer)
    if term.normalize_gradients:
        pull, describe = _pull(term, strength), term.statistic.describe
        reading, described = Reading(layer, lambda mine, _: describe(pull(mine))), _same

    def value(taken: Any) -> tf.Tensor:
        generated = described(taken)
        return tf.tensordot(shares, tf.stack([term.statistic.compare(generated, one) for one in styles]), 1)

    return LayerPart(reading, value)


def description(statistic: Any, layer: str) -> tuple[Reading, Callable[[Any], Any]]:
    """A reading for the statistic of a layer, and the statistic's description of what was taken."""
    if is_summable(statistic):
        return Reading(layer, lambda mine, _: statistic.sums(_float(mine)), added), statistic.described
    return Reading(layer, lambda mine, _: statistic.describe(_float(mine))), _same


def features(layer: str) -> Reading:
    """The activations themselves, in their own precision."""
    return Reading(layer, lambda mine, _: mine, joined)


def needs_whole_pictures(content: ContentLoss | None, style: StyleLoss | None) -> str | None:
    """What in the terms can't be computed piece by piece, in words for a person; None if nothing is."""
    for name, term in (("content", content), ("style", style)):
        if term is not None and term.normalize_gradients:
            return f"objective.{name}.normalize_gradients"
    if style is not None and not is_summable(style.statistic):
        return f"the statistic {type(style.statistic).__name__}"
    if content is not None and not hasattr(content.distance, "of_sums"):
        return f"the distance {type(content.distance).__name__}"
    return None


def _pull(term: ContentLoss | StyleLoss, strength: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
    if term.normalize_gradients:
        return lambda activations: with_normalized_gradient(_float(activations), strength)
    return _float


def _float(activations: Any) -> tf.Tensor:
    return tf.cast(activations, tf.float32)


def _same(taken: Any) -> Any:
    return taken
