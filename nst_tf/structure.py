"""Terms that compare the image's own pixels with the content's: they keep outlines, or a photograph's look.

No network is asked. What depends on the content alone is computed once a size (``targets``), on the host; the
value of an image then takes a few filters. What is outside of a picture is part of neither term, also where
``model.padding=circular`` makes the picture a torus: a content need not go on beyond its borders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf

from nst_tf.device import custom_gradient
from nst_tf.errors import InputError, check_weight, check_whole, counted, is_number, require
from nst_tf.statistics.statistic import sizes


class Structure(Protocol):
    """A term of the image and the content, bound to the content at each size."""

    @property
    def weight(self) -> float:
        """What the value is multiplied by in the loss; at 0 the term is left out, and nothing else asked."""
        ...

    def check(self, height: int, width: int) -> None:
        """Raise InputError for a picture that is too small for the term."""
        ...

    def targets(self, content: np.ndarray) -> dict[str, tf.Tensor]:
        """Content [H, W, 3] in [0, 1] -> what images are compared with."""
        ...

    def __call__(self, image: tf.Tensor, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Image [1, H, W, 3] in [0, 1] -> scalar, without the weight."""
        ...


@dataclass(frozen=True)
class NoStructure:
    """No such term."""

    @property
    def weight(self) -> float:
        return 0.0

    def check(self, height: int, width: int) -> None:
        """Any picture will do."""

    def targets(self, content: np.ndarray) -> dict[str, tf.Tensor]:
        return {}

    def __call__(self, image: tf.Tensor, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return tf.zeros(())


# ---- the Laplacian of both pictures: outlines stay where they are -----------

_LAPLACE_SIDE = 3  # pixels, of the filter
_WHITE = 255.0  # of Caffe's pixels; the mean that they are without has no Laplacian


@dataclass(frozen=True)
class LaplacianLoss:
    """weight * sum over pools p of pool_weight_p * mean (K * P_p(x) - K * P_p(c))^2.

    x is the image, c the content, each summed over its three channels, pixels 0 to 255. P_p takes the means
    of p x p pixels with stride p, dropping what is left at the right and lower border; K is the filter
    [0, -1, 0; -1, 4, -1; 0, -1, 0] without padding, and the mean runs over what comes out of it.
    Li, Xu, Nie, Chua, "Laplacian-steered neural style transfer", ACM Multimedia 2017 ("Lapstyle"), as its
    code computes it: the three channels go into one filter, so that colors of equal sum are not told apart.
    The paper has p = 4 with a weight of 100, and the pairs (2, 4) with 50 and 100, (4, 16) with 100 and 1600.
    ``pool_weights`` null is 1 for each of ``pools``.
    """

    weight: float = 100.0
    pools: Sequence[int] = (4,)
    pool_weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        check_weight("structure", self.weight)
        if not isinstance(self.pools, (list, tuple)) or not self.pools:
            raise InputError(
                "objective.structure.pools must be a list of sides in pixels, such as [4] or [4,16], but is"
                f" {self.pools!r}"
            )
        for pool in self.pools:
            check_whole("each of objective.structure.pools", pool, 1)
        if self.pool_weights is None:
            return
        if not isinstance(self.pool_weights, (list, tuple)) or len(self.pool_weights) != len(self.pools):
            raise InputError(
                "objective.structure.pool_weights must be null or a list with a number for each of"
                f" {counted(len(self.pools), 'pool')}, but is {self.pool_weights!r}"
            )
        for weight in self.pool_weights:
            check_weight("each of objective.structure.pools", weight)

    def check(self, height: int, width: int) -> None:
        smallest = _LAPLACE_SIDE * max(self.pools)
        if min(height, width) < smallest:
            raise InputError(
                f"objective.structure.pools={list(self.pools)} needs pictures of at least {smallest} pixels a"
                f" side, but one of the sizes is {height} x {width}: take smaller pools or a larger picture"
            )

    def targets(self, content: np.ndarray) -> dict[str, tf.Tensor]:
        """Content [H, W, 3] -> its pooled brightness for each pool, [1, h, w, 1]."""
        self.check(*content.shape[:2])
        brightness = _brightness(tf.constant(content[np.newaxis], tf.float32))
        return {f"pool_{pool}": _pooled(brightness, pool) for pool in self.pools}

    def __call__(self, image: tf.Tensor, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        brightness = _brightness(image)
        values = [
            # the filter is linear: that of the difference loses fewer digits than the difference of both
            weight * tf.reduce_mean(_laplacian(_pooled(brightness, pool) - targets[f"pool_{pool}"]) ** 2)
            for pool, weight in zip(self.pools, self.pool_weights or [1.0] * len(self.pools), strict=True)
        ]
        return tf.add_n(values)


def _brightness(image: tf.Tensor) -> tf.Tensor:
    return _WHITE * tf.reduce_sum(image, axis=-1, keepdims=True)


def _pooled(image: tf.Tensor, side: int) -> tf.Tensor:
    return image if side == 1 else tf.nn.avg_pool2d(image, side, side, "VALID")


def _laplacian(image: tf.Tensor) -> tf.Tensor:
    """[1, h, w, C] -> [1, h - 2, w - 2, C]."""
    across = image[:, 1:-1, :-2] + image[:, 1:-1, 2:]
    down = image[:, :-2, 1:-1] + image[:, 2:, 1:-1]
    return 4.0 * image[:, 1:-1, 1:-1] - across - down


# ---- the matting Laplacian: colors change as a photograph's could -----------

_REACH = 2  # how far two pixels of one 3 x 3 window can be apart
_SIDE = _REACH + 1
# of every pair of pixels that share a window, how far the second is below and to the right of the first
_OFFSETS = ((0, 1), (0, 2), *((down, right) for down in (1, 2) for right in range(-_REACH, _REACH + 1)))
_SMALLEST_EPSILON = 1e-12  # the rounding of a variance in float64, 1e-16, is a thousandth of its ninth
_WINDOWS_AT_ONCE = 1 << 14  # in float64 they take some 10 MB: no more than a processor has near at hand


@dataclass(frozen=True)
class MattingLoss:
    """weight * sum over channels V of V^T L V, pixels in [0, 1], with L the matting Laplacian of the content.

    For every 3 x 3 window the image's color is fitted by an affine function of the content's color there,

        sum over windows k of min over a, b of sum_{i in k} (V_i - a^T I_i - b)^2 + epsilon |a|^2,

    and what no such function explains is what it costs: new edges and textures cost much, other colors
    nothing. Levin, Lischinski, Weiss, "A closed-form solution to natural image matting", PAMI 2008, equation
    12; as a term of style transfer Luan, Paris, Shechtman, Bala, "Deep photo style transfer", CVPR 2017,
    equation 2, with a weight of 1e4.

    It is computed as sum over pairs of w_ij (V_i - V_j)^2, where w_ij = -L_ij, over the pairs of pixels that
    share a window: at most 2 pixels apart each way, so 12 numbers a pixel hold L. They are computed in
    float64, for the matrices of flat windows are singular but for epsilon, and are then at most of order 1:
    in float32 the value is within 1e-7 of the sum of |w_ij| (V_i - V_j)^2, also over flat and grey contents.
    """

    weight: float = 1e4
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_weight("structure", self.weight)
        require(
            is_number(self.epsilon) and self.epsilon >= _SMALLEST_EPSILON,
            "objective.structure.epsilon",
            self.epsilon,
            f"a finite number of at least {_SMALLEST_EPSILON:g}",
        )

    def check(self, height: int, width: int) -> None:
        if min(height, width) < _SIDE:
            raise InputError(
                f"the matting Laplacian needs pictures of at least {_SIDE} pixels a side, but one is"
                f" {height} x {width}"
            )

    def targets(self, content: np.ndarray) -> dict[str, tf.Tensor]:
        """Content [H, W, 3] -> the weights of pairs: see ``weights_of_pairs``."""
        self.check(*content.shape[:2])
        return {"pairs": tf.constant(weights_of_pairs(content, self.epsilon))}

    def __call__(self, image: tf.Tensor, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return _sum_over_pairs(image, targets["pairs"])


def weights_of_pairs(content: np.ndarray, epsilon: float) -> np.ndarray:
    """Content [H, W, 3] in [0, 1] -> w_ij [12, H + 2, W + 4] float32, by the offset of j from i.

    The first axis is that of ``_OFFSETS``; pixel i = (row, column) stands at [row + 2, column + 2], and
    around the picture, where there are no pairs, are zeros. Over the windows k that hold both pixels,

        w_ij = sum_k (1 + (I_i - mu_k)^T (Sigma_k + (epsilon / 9) 1)^-1 (I_j - mu_k)) / 9

    with mean mu_k and covariance Sigma_k of the window's nine colors, divided by nine.
    """
    height, width = content.shape[:2]
    planes = np.moveaxis(np.asarray(content, np.float64), -1, 0)
    weights = np.zeros((len(_OFFSETS), height + _REACH, width + 2 * _REACH), np.float32)
    band = max(1, _WINDOWS_AT_ONCE // width)
    across = width - _REACH
    for top in range(0, height - _REACH, band):
        rows = min(band, height - _REACH - top)
        centre = planes[:, top + 1 : top + 1 + rows, 1:-1]
        places = [(row, column) for row in range(_SIDE) for column in range(_SIDE)]
        # about the window's own pixel first: where all nine are alike that leaves exact zeros
        colors = np.stack(
            [
                planes[:, top + row : top + row + rows, column : column + across] - centre
                for row, column in places
            ]
        )
        whitened = _whitened(colors - colors.mean(0), epsilon)
        for first, (row, column) in enumerate(places):
            for second in range(first + 1, len(places)):
                offset = _OFFSETS.index((places[second][0] - row, places[second][1] - column))
                above, left = top + _REACH + row, _REACH + column
                weights[offset, above : above + rows, left : left + across] += (
                    1 + (whitened[first] * whitened[second]).sum(0)
                ) / len(places)
    return weights


def _whitened(colors: np.ndarray, epsilon: float) -> np.ndarray:
    """Colors [9, 3, h, w] about the mean of their window -> [9, 3, h, w] whose products are those in w_ij.

    That is R^-1 (I - mu) with R R^T = Sigma + (epsilon / 9) 1, by Cholesky's factors written out. A matrix
    of a grey window has condition 1e7: a quotient of determinants would lose all digits, this loses seven.
    """
    ridge = epsilon / len(colors)
    whitened: list[np.ndarray] = []
    for channel in range(3):
        color = rest = colors[:, channel]
        variance = (color**2).mean(0) + ridge
        for other in whitened:
            shared = (color * other).mean(0)
            rest, variance = rest - shared * other, variance - shared**2
        whitened.append(rest / np.sqrt(variance))
    return np.stack(whitened, 1)


def _sum_over_pairs(image: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Image [1, H, W, 3] -> sum over channels and pairs of w_ij (V_i - V_j)^2, with its gradient 2 L V.

    The gradient is made beside the value, of the same differences: TensorFlow's own would take four times as
    long, and three times as much memory, for it keeps and pads a picture for each end of each of 12 pairs.
    """

    @custom_gradient
    def value_of(image: tf.Tensor):
        _, height, width, _ = sizes(image)
        # channels first, so that weights multiply whole planes; around it zeros, whose pairs weigh nothing
        planes = tf.transpose(image[0], [2, 0, 1])
        planes = tf.pad(planes, [[0, 0], [_REACH, _REACH], [2 * _REACH, 2 * _REACH]])
        rows, columns = height + _REACH, width + 2 * _REACH
        total, product = tf.zeros((), image.dtype), tf.zeros((3, height, width), image.dtype)
        for number, (down, right) in enumerate(_OFFSETS):
            with tf.control_dependencies([total, product]):  # one after another: each takes five pictures
                left = _REACH + right
                difference = (
                    planes[:, :rows, _REACH : _REACH + columns]
                    - planes[:, down : down + rows, left : left + columns]
                )
                pull = weights[number] * difference
                total += tf.reduce_sum(pull * difference)
                left = _REACH - right
                product += pull[:, _REACH:, _REACH:-_REACH]
                product -= pull[:, _REACH - down : rows - down, left : left + width]
        return total, lambda upstream: 2.0 * upstream * tf.transpose(product, [1, 2, 0])[tf.newaxis]

    result: tf.Tensor = value_of(image)  # pyright: ignore[reportAssignmentType]
    return result
