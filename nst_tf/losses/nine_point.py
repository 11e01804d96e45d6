"""Squared total variation over all eight neighbours, not only four."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from nst_tf.weighting import check_weight


@dataclass(frozen=True)
class NinePointTotalVariation:
    """weight * 2 (mean dx^2 / 3 + mean dy^2 / 3 + mean dd^2 / 12 + mean de^2 / 12), pixels in [0, 1].

    dx, dy, dd, de are differences to the neighbour at the right, below, and on the two diagonals, of the
    picture with its border pixels repeated once all round; each mean runs over all of its own H W 3 (dx, dy)
    or (H + 1) (W + 1) 3 (dd, de) differences. Its gradient is the nine-point stencil of the Laplace operator.
    crowsonkb/style-transfer-pytorch, TVLoss, reproduced exactly. ``circular``: what is beyond a border is
    what is at the opposite one, and each mean runs over H W 3 differences.
    """

    weight: float = 1.0
    circular: bool = False

    def __post_init__(self) -> None:
        """Refuse a weight that is negative or not finite: InputError."""
        check_weight("smoothness", self.weight)

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """Image [1, H, W, 3] in [0, 1] -> scalar, without the weight."""
        if self.circular:
            right, down, diagonal, other_diagonal = (
                tf.roll(image, shift, (1, 2)) - image for shift in ((0, -1), (-1, 0), (-1, -1), (-1, 1))
            )
            return _of_differences(right, down, diagonal, other_diagonal)
        # with one pixel of border, SYMMETRIC repeats that pixel
        padded = tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
        centre = padded[:, 1:-1, 1:-1]
        right = padded[:, 1:-1, 2:] - centre
        down = padded[:, 2:, 1:-1] - centre
        diagonal = padded[:, 1:, 1:] - padded[:, :-1, :-1]
        other_diagonal = padded[:, 1:, :-1] - padded[:, :-1, 1:]
        return _of_differences(right, down, diagonal, other_diagonal)


def _of_differences(
    right: tf.Tensor, down: tf.Tensor, diagonal: tf.Tensor, other_diagonal: tf.Tensor
) -> tf.Tensor:
    straight = tf.reduce_mean(right**2) / 3 + tf.reduce_mean(down**2) / 3
    oblique = tf.reduce_mean(diagonal**2) / 12 + tf.reduce_mean(other_diagonal**2) / 12
    return 2 * (straight + oblique)
