"""What is taken of the activations of a layer, so that the activations themselves need not be kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from nst_tf.vgg.extractor import FeatureExtractor


@dataclass(frozen=True)
class Reading:
    """``take(activations, target)`` of the activations [1, h, w, C] of ``layer``, in their own precision.

    ``target`` is None or has the shape of the activations; a piece of them meets the same piece of it.
    ``combine`` makes what was taken of disjoint bands of rows, from the top, that of the whole; None if
    that is not possible, because the whole must be seen at once.
    """

    layer: str
    take: Callable[[tf.Tensor, tf.Tensor | None], Any]
    combine: Callable[[Sequence[Any]], Any] | None = None
    target: tf.Tensor | None = None


def added(taken: Sequence[Any]) -> Any:
    """The sum, element by element, of equal structures of tensors."""
    return tf.nest.map_structure(lambda *some: tf.add_n(list(some)), *taken)


def joined(taken: Sequence[tf.Tensor]) -> tf.Tensor:
    """Bands of rows [1, h_i, w, C] -> [1, sum h_i, w, C]."""
    return tf.concat(list(taken), axis=1)


def read_whole(extractor: FeatureExtractor, image: tf.Tensor, readings: Sequence[Reading]) -> list[Any]:
    """Image [1, H, W, 3] -> what each reading takes; every activation is kept for the backward pass."""
    features = extractor(image)
    return [reading.take(features[reading.layer], reading.target) for reading in readings]
