"""Smoothness terms: neighbouring pixels should be alike."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.statistics.distances import REDUCTIONS, check_reduction
from nst_tf.weighting import check_weight

# under the root of (dx^2 + dy^2)^(p/2), whose slope at 0 is infinite for p < 2; far below the square of
# one 8-bit step, (1/255)^2 = 1.5e-5, so no visible difference changes
_SMALLEST_SQUARE = 1e-12


@dataclass(frozen=True)
class TotalVariation:
    """weight * reduction of the differences between neighbouring pixels, on pixels times ``pixel_scale``.

    ``coupled`` False: |dx|^power + |dy|^power over all horizontal and all vertical pairs (power 1:
    the TensorFlow guide and Johnson et al. 2016; power 2: squared).
    ``coupled`` True: (dx^2 + dy^2)^(power / 2) over the pixels that have both neighbours (Mahendran
    and Vedaldi 2015, equation 6; the Keras example takes power 2.5).
    ``reduction`` "mean" takes the mean of horizontal and of vertical pairs apart and adds the two.
    ``pixel_scale`` 255 counts in 8-bit steps, 1 in [0, 1].
    ``circular``: the pixels at the right and lower border have those at the opposite one as neighbours.
    """

    weight: float = 1.0
    power: float = 2.0
    coupled: bool = False
    reduction: str = "sum"
    pixel_scale: float = 1.0
    circular: bool = False

    def __post_init__(self) -> None:
        """Refuse a negative weight, a power below 1 and an unknown reduction: InputError."""
        check_weight("smoothness", self.weight)
        check_reduction(self.reduction)
        if not self.power >= 1:
            raise InputError(f"the power of total variation must be at least 1, but is {self.power}")
        if not self.pixel_scale > 0:
            raise InputError(f"pixel_scale must be positive, but is {self.pixel_scale}")

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """Image [1, H, W, 3] in [0, 1] -> scalar, without the weight."""
        pixels = image * self.pixel_scale
        reduce = REDUCTIONS[self.reduction]
        if self.circular:
            down, right = (tf.roll(pixels, -1, axis) - pixels for axis in (1, 2))
        elif self.coupled:
            down = pixels[:, 1:, :-1] - pixels[:, :-1, :-1]
            right = pixels[:, :-1, 1:] - pixels[:, :-1, :-1]
        else:
            down = pixels[:, 1:] - pixels[:, :-1]
            right = pixels[:, :, 1:] - pixels[:, :, :-1]
        if self.coupled:
            return reduce((down**2 + right**2 + _SMALLEST_SQUARE) ** (self.power / 2))
        return reduce(self._raised(down)) + reduce(self._raised(right))

    def _raised(self, difference: tf.Tensor) -> tf.Tensor:
        if self.power == 2:
            return difference**2
        return tf.abs(difference) ** self.power
