"""STROTSS: a relaxed optimal transport between hypercolumns, and a content loss of their self-similarities.

Kolkin, Salavon, Shakhnarovich 2019, "Style transfer by relaxed optimal transport and self-similarity"
(CVPR). Each of these looks at some positions, at others at every step unless ``resample`` is false; those of
one seed look at the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.errors import check_whole, one_of
from nst_tf.statistics.hypercolumns import columns_at, cosines, drawn_positions
from nst_tf.statistics.statistic import sizes

_GRID = 128  # points a side of the grid that positions are drawn from: STROTSS' code
_AT_REST = -1  # the number of the draw of a picture that stays


@dataclass(frozen=True)
class _Sampled:
    """What looks at ``positions`` of the result, and ``style_positions`` of a style, drawn by ``seed``.

    1024 and 5 times 1000 are those of STROTSS' code, which draws the rows and columns of a grid without
    putting them back; here a position can be drawn twice.
    """

    positions: int = 1024
    style_positions: int = 5000
    resample: bool = True
    seed: int = 0
    joint: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    weighted: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("positions", "style_positions"):
            check_whole(f"{name} of {type(self).__name__}", getattr(self, name), 1)
        check_whole(f"seed of {type(self).__name__}", self.seed, 0)

    def describe(
        self, layers: Sequence[tf.Tensor], weights: tf.Tensor | None = None, draw: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, ...]:
        """Activations [1, h, w, C] of each layer -> hypercolumns: [n, C] of each."""
        height, width = sizes(layers[0])[1:3]
        if draw is None:
            found = drawn_positions(height, width, self.style_positions, self.seed, _AT_REST, weights)
        else:
            number = draw if self.resample else 0
            found = drawn_positions(height, width, self.positions, self.seed, number, weights, _GRID)
        return columns_at(layers, found)


@dataclass(frozen=True)
class RelaxedTransport(_Sampled):
    """max(mean_i min_j C_ij, mean_j min_i C_ij): a lower bound of the earth mover's distance.

    x_i and s_j are hypercolumns of result and style (``columns_at``), with the ``cost`` C_ij between them:
    "cosine", 1 - cos(x_i, s_j); or "palette", of RGB in rotated, decorrelated axes, 1 - cos plus
    sqrt(max(|x_i - s_j|^2, 1e-5) / 3). Kolkin et al. 2019, equations 4 to 6 and 9.
    """

    cost: str = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("cost of the relaxed transport", self.cost, _COSTS)

    @property
    def of_colors(self) -> bool:
        """Whether it compares RGB, and no other layer."""
        return self.cost == "palette"

    def compare(self, generated: Sequence[tf.Tensor], style: Sequence[tf.Tensor]) -> tf.Tensor:
        to_vectors, of_all, of_pairs = _COSTS[self.cost]
        mine, theirs = to_vectors(tf.concat(generated, axis=1)), to_vectors(tf.concat(style, axis=1))
        # which pairs are cheapest has no gradient: only their own costs are computed once more with one
        costs = of_all(tf.stop_gradient(mine), theirs)
        of_mine = of_pairs(mine, tf.gather(theirs, tf.argmin(costs, axis=1)))
        of_theirs = of_pairs(tf.gather(mine, tf.argmin(costs, axis=0)), theirs)
        return tf.maximum(tf.reduce_mean(of_mine), tf.reduce_mean(of_theirs))


def _all_cosine_costs(mine: tf.Tensor, theirs: tf.Tensor) -> tf.Tensor:
    """[n, D] and [m, D] -> [n, m]."""
    units = [tf.math.l2_normalize(one, axis=1) for one in (mine, theirs)]
    return 1 - tf.matmul(*units, transpose_b=True)


def _cosine_costs(mine: tf.Tensor, theirs: tf.Tensor) -> tf.Tensor:
    """[n, D] and [n, D] -> [n]."""
    return 1 - cosines(mine, theirs)


# STROTSS' code: RGB to axes of which the first is the brightness; rows of the matrix
_DECORRELATED = np.array(
    [
        [0.577350, 0.577350, 0.577350],
        [-0.577350, 0.788675, -0.211325],
        [-0.577350, -0.211325, 0.788675],
    ],
    np.float32,
)
_LEAST_SQUARE = 1e-5  # under the root, whose slope at 0 is infinite: STROTSS' code


def _decorrelated(colors: tf.Tensor) -> tf.Tensor:
    return tf.matmul(colors, tf.constant(_DECORRELATED), transpose_b=True)


def _lengths(squares: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.maximum(squares, _LEAST_SQUARE) / 3)


def _all_palette_costs(mine: tf.Tensor, theirs: tf.Tensor) -> tf.Tensor:
    squares = tf.reduce_sum(tf.math.squared_difference(mine[:, tf.newaxis], theirs[tf.newaxis]), axis=2)
    return _all_cosine_costs(mine, theirs) + _lengths(squares)


def _palette_costs(mine: tf.Tensor, theirs: tf.Tensor) -> tf.Tensor:
    squares = tf.reduce_sum(tf.math.squared_difference(mine, theirs), axis=1)
    return _cosine_costs(mine, theirs) + _lengths(squares)


_COSTS = {
    "cosine": (tf.identity, _all_cosine_costs, _cosine_costs),
    "palette": (_decorrelated, _all_palette_costs, _palette_costs),
}


class StyleMoments(NamedTuple):
    """Mean [D] and covariance [D, D] of a style's hypercolumns, each layer in its own ``unit`` [D]."""

    mean: tf.Tensor
    covariance: tf.Tensor
    unit: tf.Tensor


@dataclass(frozen=True)
class HypercolumnMoments(_Sampled):
    """mean |mu_x - mu_s| + mean |Sigma_x - Sigma_s| over the numbers of mean and covariance of hypercolumns.

    Kolkin et al. 2019, equation 7 (there the norms are sums; their code takes means). Departure: unlike
    cosines, these depend on how large activations are, and those of the network here are larger than those of
    the source's. So each layer is divided by the root mean square of the style's activations in it.
    """

    def target(self, columns: Sequence[tf.Tensor]) -> StyleMoments:
        """Hypercolumns of a style -> their moments."""
        units = [tf.fill(one.shape[1:], tf.sqrt(tf.reduce_mean(one**2)) + _LEAST_UNIT) for one in columns]
        unit = tf.concat(units, axis=0)
        return StyleMoments(*_moments(tf.concat(columns, axis=1) / unit), unit)

    def compare(self, generated: Sequence[tf.Tensor], style: StyleMoments) -> tf.Tensor:
        mean, covariance = _moments(tf.concat(generated, axis=1) / style.unit)
        return tf.reduce_mean(tf.abs(mean - style.mean)) + tf.reduce_mean(
            tf.abs(covariance - style.covariance)
        )


_LEAST_UNIT = 1e-8  # of a layer that sees nothing in the style


def _moments(columns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """[n, D] -> mean [D] and covariance [D, D], over n."""
    mean = tf.reduce_mean(columns, axis=0)
    centred = columns - mean
    return mean, tf.matmul(centred, centred, transpose_a=True) / sizes(columns)[0]


@dataclass(frozen=True)
class SelfSimilarity:
    """1/n sum_ij |D_x - D_c|, D_ij = (1 - cos(h_i, h_j)) / sum_i (1 - cos(h_i, h_j)): a distance of contents.

    h_i are hypercolumns of n ``positions``, the same in result (x) and content (c): what is alike in the
    content is to be alike in the result, in whatever colors and strokes. Kolkin et al. 2019, equation 8.
    """

    positions: int = 1024
    resample: bool = True
    seed: int = 0
    joint: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_whole("positions of the self-similarity", self.positions, 2)
        check_whole("seed of the self-similarity", self.seed, 0)

    def __call__(
        self, generated: Sequence[tf.Tensor], content: Sequence[tf.Tensor], draw: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Activations [1, h, w, C] of each layer of both -> scalar."""
        height, width = sizes(generated[0])[1:3]
        number = draw if self.resample and draw is not None else 0
        found = drawn_positions(height, width, self.positions, self.seed, number, most_a_side=_GRID)
        mine, theirs = (_similarities(columns_at(layers, found)) for layers in (generated, content))
        return tf.reduce_sum(tf.abs(mine - theirs)) / self.positions


def _similarities(columns: Sequence[tf.Tensor]) -> tf.Tensor:
    """Hypercolumns [n, C] of each layer -> D [n, n], whose columns sum to 1."""
    vectors = tf.concat(columns, axis=1)
    distances = _all_cosine_costs(vectors, vectors)
    # of a flat picture all distances are 0
    return tf.math.divide_no_nan(distances, tf.reduce_sum(distances, axis=0, keepdims=True))
