"""What a statistic of style is, and what its measurements are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import tensorflow as tf

# ---- what statistics offer -------------------------------------------------


class Statistic(Protocol):
    """A statistic of one layer's activations, and the distance between two of its values.

    It may offer more, which is asked for by name: ``summable`` and ``weighted`` (see ``SumsOverPositions``);
    ``target(description)``, the description of a style as others are compared with it, whose shapes don't
    depend on the picture's size; ``blended(targets, shares)``, the mean of several styles, whose shares
    sum to 1; and, for what compares positions (``hypercolumns.py``, ``matching.py``):

    - ``joint``: it describes all layers of its term together. ``describe`` gets a sequence of activations
      [1, h, w, C], in the order of the layers.
    - ``draws``: it looks at other positions at every step. ``describe`` gets ``draw``, a whole number that
      is that of the step, or None for a picture that stays; the positions must depend on it and on the
      statistic's own seed alone, so that a resumed run makes the same steps.
    - ``turns``: a style is described in that many quarter turns, and ``united(descriptions)`` is its
      description.
    - ``matched(query, description)``: the target of a style, of which the image's start at each size, in the
      picture ``query(content, start)``, says what fits where.
    """

    def describe(self, activations: tf.Tensor) -> Any:
        """Activations [1, H, W, C] float32 -> a tensor or a structure of tensors, float32."""
        ...

    def compare(self, generated: Any, style: Any) -> tf.Tensor:
        """Two descriptions -> scalar float32, zero where they agree."""
        ...


class SumsOverPositions:
    """A statistic that needs no more of the activations than sums over their positions.

    ``sums(activations, weights)`` gives a structure of tensors; those of disjoint pieces of a picture add up.
    And ``described(sums, dtype)`` makes the description of the sums over all of them.
    ``weights`` [1, H, W, 1] say how often each position counts: with ones the description is that without
    weights, with ones and zeros that of the positions with a one alone. Their sum must be above 0; they are
    constants for the gradient.

    A statistic that is a sum, or can be weighted, for some parameters only has properties of these names.

    Unless a statistic says otherwise, several styles are the mean of every number of their descriptions, and
    two descriptions are compared by its ``distance``.
    """

    summable: ClassVar[bool] = True
    weighted: ClassVar[bool] = True

    def describe(self: Any, activations: tf.Tensor, weights: tf.Tensor | None = None) -> Any:
        """Activations [1, H, W, C] -> the description, in the type of the activations."""
        return self.described(self.sums(activations, weights), activations.dtype)

    def blended(self, descriptions: Sequence[Any], shares: Sequence[float]) -> Any:
        return linear_mean(descriptions, shares)

    def compare(self: Any, generated: Any, style: Any) -> tf.Tensor:
        return self.distance(generated, style)


def as_target(statistic: Statistic, description: Any) -> Any:
    """The description of a style as the target of a statistic."""
    target = getattr(statistic, "target", None)
    return description if target is None else target(description)


def is_joint(comparing: Any) -> bool:
    """Whether a statistic or a distance takes all layers together."""
    return bool(getattr(comparing, "joint", False))


def draws(comparing: Any) -> bool:
    """Whether a statistic or a distance looks at other positions at every step."""
    return bool(getattr(comparing, "draws", False))


def is_summable(statistic: Statistic) -> bool:
    """Whether the statistic needs only sums over positions: see ``SumsOverPositions``."""
    return bool(getattr(statistic, "summable", False))


def takes_weights(statistic: Statistic) -> bool:
    """Whether positions can have weights: see ``SumsOverPositions``."""
    return bool(getattr(statistic, "weighted", False))


# ---- what their measurements share -----------------------------------------


def sizes(tensor: tf.Tensor) -> tuple[int, ...]:
    """Every size of a tensor whose shape is static, as those of activations are in a run."""
    known = tuple(size for size in tensor.shape.as_list() if size is not None)
    if len(known) != len(tensor.shape):
        raise ValueError(f"the shape of {tensor} must be known when the function is traced")
    return known


def as_vectors(activations: tf.Tensor) -> tf.Tensor:
    """Activations [1, H, W, C] -> [M, C], a row for each of the M = H W positions."""
    return tf.reshape(activations, [-1, activations.shape[-1]])


def as_column(weights: tf.Tensor | None, dtype: tf.DType) -> tf.Tensor | None:
    """Weights [1, H, W, 1] -> [M, 1] in the type of the vectors that they belong to; None for None."""
    return None if weights is None else tf.cast(tf.reshape(weights, [-1, 1]), dtype)


def weighted_vectors(activations: tf.Tensor, weights: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Activations and weights of their positions, as vectors [M, C] and a column [M, 1], or None."""
    vectors = as_vectors(activations)
    return vectors, as_column(weights, vectors.dtype)


def total_of(vectors: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """Vectors [M, C] and their weights [M, 1], or None -> their sum, [C]."""
    return tf.reduce_sum(vectors if weights is None else weights * vectors, axis=0)


def linear_mean(descriptions: Sequence[Any], shares: Sequence[float]) -> Any:
    """Descriptions of one structure, and their shares -> the mean of every number in them."""

    def mean(*tensors: tf.Tensor) -> tf.Tensor:
        return tf.add_n(
            [tf.constant(share, one.dtype) * one for share, one in zip(shares, tensors, strict=True)]
        )

    return tf.nest.map_structure(mean, *descriptions)


def not_below_zero(distance: tf.Tensor) -> tf.Tensor:
    """A distance whose terms cancel where it is 0; what rounding leaves below 0 is 0, and has no slope.

    NaN stays NaN, and every other number and slope what it is.
    """
    return tf.where(distance < 0, tf.zeros_like(distance), distance)
