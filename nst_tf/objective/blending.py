"""What several styles come to: the sum of their losses, or one loss to the mean of their statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nst_tf.errors import InputError

Blend = tuple[Sequence[Any], Sequence[float]]


class Blending(Protocol):
    """How the styles of a region become the targets of its statistic."""

    def check(self, statistic: Any) -> None:
        """Raise InputError for a statistic with which it is not possible."""
        ...

    def __call__(self, statistic: Any, descriptions: Sequence[Any], shares: Sequence[float]) -> Blend:
        """Descriptions of styles and their shares -> targets, and the share of the distance to each."""
        ...


@dataclass(frozen=True)
class SummedLosses:
    """sum_s share_s compare(F, S_s): every style has a loss of its own.

    With a squared distance of linear statistics the image that is nearest to all is that of the mean of the
    statistics, too, and the rest of the loss is a constant; with relative distances each style counts in its
    own unit.
    """

    def check(self, statistic: Any) -> None:
        """It is possible with every statistic."""

    def __call__(self, statistic: Any, descriptions: Sequence[Any], shares: Sequence[float]) -> Blend:
        return descriptions, shares


@dataclass(frozen=True)
class BlendedStatistics:
    """compare(F, sum_s share_s S_s): the styles are mixed to one, whose loss can reach 0.

    The mean is what each statistic calls so: of numbers for matrices and moments, of quantiles for sorted
    rows, the Wasserstein-2 barycentre for Gaussians.
    """

    def check(self, statistic: Any) -> None:
        """Raise InputError for a statistic that has no mean of several styles."""
        if not hasattr(statistic, "blended"):
            raise InputError(
                f"blending=statistics is not possible with the statistic {type(statistic).__name__}, of which"
                " there is no mean (`blended` in nst_tf/statistics/statistic.py): say blending=losses"
            )

    def __call__(self, statistic: Any, descriptions: Sequence[Any], shares: Sequence[float]) -> Blend:
        """One target, which has all the shares."""
        total = sum(shares)
        if len(descriptions) == 1 or total == 0:
            return descriptions, shares
        return [statistic.blended(descriptions, [share / total for share in shares])], [total]
