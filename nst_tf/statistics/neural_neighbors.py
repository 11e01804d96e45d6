"""Neural neighbors: every position of the result takes after the position of the style that is most like it.

Kolkin, Kucera, Paris, Sykora, Shechtman, Shlizerman 2022, "Neural neighbor style transfer".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from nst_tf.errors import check_whole, require
from nst_tf.statistics.hypercolumns import at_quarter_size, cosines
from nst_tf.statistics.maximum_mean_discrepancy import sampled_rows
from nst_tf.statistics.nearest_patches import nearest
from nst_tf.statistics.statistic import sizes

_QUARTER_TURNS = 4


@dataclass(frozen=True)
class MatchedHypercolumns:
    """mean_p (1 - cos(T_p, phi_p)): each position has one feature of the style as its target.

    phi_p are the numbers of all layers at a position of a quarter of the picture's sides
    (``at_quarter_size``). T_p is that feature of the style, turned by quarter turns, with the largest cosine
    to the query's at p, once both sets are centred by their own means. The query is
    alpha * content + (1 - alpha) * start, the image that the size begins with, so that with ``alpha`` 1 the
    content alone decides what goes where. Kolkin et al. 2022, sections 3.1 and 3.2, whose alpha is 0.75.
    Departure: of a style with more than ``style_positions`` features in all turns, as many are drawn by
    ``seed``; a picture of 512 x 512 has just these.
    """

    alpha: float = 0.75
    style_positions: int = 65536
    seed: int = 0
    joint: ClassVar[bool] = True
    turns: ClassVar[int] = _QUARTER_TURNS

    def __post_init__(self) -> None:
        require(0 <= self.alpha <= 1, "alpha of the matched hypercolumns", self.alpha, "between 0 and 1")
        check_whole("style_positions of the matched hypercolumns", self.style_positions, self.turns)
        check_whole("seed of the matched hypercolumns", self.seed, 0)

    def describe(self, layers: Sequence[tf.Tensor]) -> tf.Tensor:
        """Activations [1, h, w, C] of each layer -> features [P, D]."""
        return at_quarter_size(layers)

    def target(self, features: tf.Tensor) -> tf.Tensor:
        return sampled_rows(features, self.style_positions // self.turns, self.seed)

    def united(self, turned: Sequence[tf.Tensor]) -> tf.Tensor:
        return tf.concat(list(turned), axis=0)

    def query(self, content: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Content and start of a size [H, W, 3] -> the picture whose features say what fits where."""
        return (self.alpha * content + (1 - self.alpha) * start).astype(np.float32)

    def matched(self, query: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Features [P, D] of the query and [N, D] of the style -> the target of each position, [P, D]."""
        centred = style - tf.reduce_mean(style, axis=0)
        return tf.gather(style, nearest(query - tf.reduce_mean(query, axis=0), centred))

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        return 1 - tf.reduce_mean(cosines(generated, style))


@dataclass(frozen=True)
class NearestFeatures:
    """mean_i min_j (1 - cos(x_i - mean x, s_j - mean s)): each feature of a layer near one of the style's.

    x_i are the activations at one position each, s_j those of the style turned by quarter turns. Of a layer
    with a long side above ``most_a_side`` every n-th position is taken, n = floor(long side / most_a_side),
    from a beginning that ``seed`` and the step draw (``resample`` false: the seed alone, for optimizers with
    a history). The choice of the neighbor has no gradient. Kolkin et al. 2022, section 3.3, the final pass;
    64 is that of their code.
    Departures: the positions of the style are drawn once a size, not at every step; and in their code, a
    layer with a side of exactly 64 is compared in the sample of the layer before, by an oversight.
    """

    most_a_side: int = 64
    resample: bool = True
    seed: int = 0
    draws: ClassVar[bool] = True
    turns: ClassVar[int] = _QUARTER_TURNS

    def __post_init__(self) -> None:
        check_whole("most_a_side of the nearest features", self.most_a_side, 1)
        check_whole("seed of the nearest features", self.seed, 0)

    def describe(self, activations: tf.Tensor, draw: tf.Tensor | None = None) -> tf.Tensor:
        """Activations [1, H, W, C] -> those of some positions, [n, C]."""
        _, height, width, channels = sizes(activations)
        stride = max(1, max(height, width) // self.most_a_side)
        key = tf.stack([tf.constant(self.seed), _number(draw if self.resample else None)])
        begin = tf.random.stateless_uniform([2], key, maxval=stride, dtype=tf.int32)
        down = tf.minimum(begin[0] + stride * tf.range(max(1, height // stride)), height - 1)
        right = tf.minimum(begin[1] + stride * tf.range(max(1, width // stride)), width - 1)
        found = tf.reshape(down[:, tf.newaxis] * width + right, [-1])
        return tf.gather(tf.reshape(activations, [height * width, channels]), found)

    def united(self, turned: Sequence[tf.Tensor]) -> tf.Tensor:
        return tf.concat(list(turned), axis=0)

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        mine, theirs = (one - tf.reduce_mean(one, axis=0) for one in (generated, style))
        chosen = tf.gather(theirs, nearest(tf.stop_gradient(mine), theirs))
        return 1 - tf.reduce_mean(cosines(mine, chosen))


def _number(draw: tf.Tensor | None) -> tf.Tensor:
    return tf.constant(0) if draw is None else tf.cast(draw, tf.int32)
