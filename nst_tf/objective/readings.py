"""What the terms take of the activations of a layer, and the distances they make of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from nst_tf.losses import ContentLoss, StyleLoss, with_normalized_gradient
from nst_tf.statistics.statistic import is_summable
from nst_tf.vgg.network import Reading, added, joined


def features(layer: str) -> Reading:
    """The activations themselves, in their own precision."""
    return Reading(layer, lambda mine, _: mine, joined)


def description(
    statistic: Any, layer: str, weights: tf.Tensor | None = None
) -> tuple[Reading, Callable[[Any], list[Any]]]:
    """A reading for the statistic of a layer, and the statistic's descriptions of what was taken.

    ``weights`` [1, h, w, R] are those of the layer's positions in each region; the descriptions are as many.
    None is one region, the whole.
    """
    if is_summable(statistic):
        return (
            Reading(
                layer, lambda mine, theirs: _of_regions(statistic.sums, _float(mine), theirs), added, weights
            ),
            lambda taken: [statistic.described(one) for one in taken],
        )
    return (
        Reading(
            layer, lambda mine, theirs: _of_regions(statistic.describe, _float(mine), theirs), None, weights
        ),
        lambda taken: taken,
    )


def content_reading(
    term: ContentLoss, layer: str, target: tf.Tensor | None, strength: tf.Tensor | None
) -> Reading:
    """Of the generated image, beside the content's activations ``target``.

    ``strength`` is that of the layer's gradient where the term normalizes gradients.
    """
    distance: Any = term.distance
    if _in_pieces(term):
        return Reading(layer, lambda mine, theirs: distance.sums(_float(mine), _float(theirs)), added, target)
    pull = _pull(term, strength)
    return Reading(layer, lambda mine, theirs: distance(pull(mine), _float(theirs)), None, target)


def content_value(term: ContentLoss, taken: Any) -> tf.Tensor:
    """The distance to the content, scalar."""
    distance: Any = term.distance
    return distance.of_sums(taken) if _in_pieces(term) else taken


def style_reading(
    term: StyleLoss, layer: str, strength: tf.Tensor | None, weights: tf.Tensor | None = None
) -> Reading:
    """Of the generated image; ``weights`` [1, h, w, R] are those of its regions."""
    if term.normalize_gradients:
        pull, describe = _pull(term, strength), term.statistic.describe
        return Reading(layer, lambda mine, theirs: _of_regions(describe, pull(mine), theirs), None, weights)
    return description(term.statistic, layer, weights)[0]


def style_value(
    term: StyleLoss, layer: str, taken: Any, styles: Sequence[Sequence[Any]], shares: Sequence[tf.Tensor]
) -> tf.Tensor:
    """The distances to the styles' descriptions, weighted by their shares, both by region; scalar."""
    generated = taken if term.normalize_gradients else description(term.statistic, layer)[1](taken)
    values = [
        tf.tensordot(share, tf.stack([term.statistic.compare(mine, one) for one in theirs]), 1)
        for mine, theirs, share in zip(generated, styles, shares, strict=True)
    ]
    return values[0] if len(values) == 1 else tf.add_n(values)


def needs_whole_pictures(content: ContentLoss | None, style: StyleLoss | None) -> str | None:
    """What in the terms can't be computed piece by piece, in words for a person; None if nothing is."""
    for name, term in (("content", content), ("style", style)):
        if term is not None and term.normalize_gradients:
            return f"objective.{name}.normalize_gradients"
    if style is not None and not is_summable(style.statistic):
        return f"the statistic {type(style.statistic).__name__}"
    if content is not None and not _in_pieces(content):
        return f"the distance {type(content.distance).__name__}"
    return None


def _of_regions(take: Callable[..., Any], activations: tf.Tensor, weights: tf.Tensor | None) -> list[Any]:
    """What is taken of the activations for each region, of which None is one, the whole."""
    if weights is None:
        return [take(activations)]
    regions: Any = weights.shape[-1]
    return [take(activations, one) for one in tf.split(weights, regions, axis=3)]


def _in_pieces(term: ContentLoss) -> bool:
    return hasattr(term.distance, "of_sums") and not term.normalize_gradients


def _pull(term: ContentLoss | StyleLoss, strength: tf.Tensor | None) -> Callable[[tf.Tensor], tf.Tensor]:
    if not term.normalize_gradients:
        return _float
    assert strength is not None, "a normalized gradient needs the strength of its layer"  # noqa: S101
    return lambda activations: with_normalized_gradient(_float(activations), strength)


def _float(activations: Any) -> tf.Tensor:
    return tf.cast(activations, tf.float32)
