"""Coarse to fine: which sizes, how many steps at each, and how an image goes from one to the next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from nst_tf.errors import InputError, counted

# ---- The sizes of a run, from the smallest to the one wanted ----


@dataclass(frozen=True)
class Scale:
    """One size of the run: long sides in pixels of result and styles, and the number of steps."""

    size: int
    style_size: int
    steps: int


class Pyramid(Protocol):
    """A plan of sizes.

    ``carry_state``: the optimizer's moments are resampled from one size to the next. ``detail``: the share of
    the content's finer detail that an enlarged picture is given (``with_detail``).
    """

    @property
    def carry_state(self) -> bool:
        """Whether the optimizer goes on where it was, rather than start anew at each size."""
        ...

    @property
    def detail(self) -> float:
        """0 to enlarge the picture as it is, 1 to add all of the content's detail."""
        ...

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """Long sides of result and styles in pixels, steps at the last size -> sizes, coarse to fine."""
        ...


# the factor between two sizes of crowsonkb/style-transfer-pytorch: nearer ones would repeat each other
_NEAREST_SIZES = 2**0.5 - 1e-9

_STYLE_SIZES: Mapping[str, Callable[[int, float], int]] = {
    # long side of the styles where the result is smaller by a factor
    "follows": lambda style_size, shrink: max(1, round(style_size / shrink)),
    "stays": lambda style_size, shrink: style_size,
}


@dataclass(frozen=True)
class SingleScale:
    """The wanted size and no other, as in Gatys et al. 2016."""

    carry_state: bool = False
    detail: float = 0.0

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        return [Scale(size, style_size, steps)]


@dataclass(frozen=True)
class CoarseToFine:
    """Sizes that grow by ``factor``, from the smallest that is at least ``smallest``, to the wanted one.

    ``even``: they begin at ``smallest`` itself, and grow by one and the same factor of at most ``factor``;
    a wanted size of less than 1.41 times ``smallest`` is made alone.
    Large strokes are found at a small size, where a step is cheap and a receptive field covers more of
    the picture (Gatys et al. 2017, "Controlling perceptual factors in neural style transfer", section
    6). Every coarser size takes ``steps_factor`` times the steps of the next finer one, rounded up, and the
    smallest ``first_factor`` times that; but no size takes fewer than ``fewest_steps``, or than the wanted
    one. ``steps``, if given, has the number for each size, coarse to fine, in the place of all these.
    ``style`` "follows": the styles shrink with the result, so strokes keep their part of the picture from
    size to size; "stays": they have their own size at every one (both are in
    crowsonkb/style-transfer-pytorch: ``style_scale_fac`` and ``style_size``). ``detail``: see
    ``with_detail``.
    """

    smallest: int = 128
    factor: float = 2.0
    steps_factor: float = 1.5
    first_factor: float = 1.0
    carry_state: bool = True
    style: str = "follows"
    steps: Sequence[int] | None = None
    detail: float = 0.0
    fewest_steps: int = 1
    even: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes that do not grow, and factors that are not positive: InputError."""
        if not self.factor > 1:
            raise InputError(f"pyramid.factor must be above 1, but is {self.factor}")
        for name, value in (("steps_factor", self.steps_factor), ("first_factor", self.first_factor)):
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"pyramid.{name} must be positive, but is {value}")
        if not (self.detail >= 0 and math.isfinite(self.detail)):
            raise InputError(f"pyramid.detail must be at least 0, but is {self.detail}")
        if not _is_count(self.fewest_steps):
            raise InputError(
                f"pyramid.fewest_steps must be a whole number above 0, but is {self.fewest_steps!r}"
            )
        if self.smallest < 1:
            raise InputError(f"pyramid.smallest must be at least 1 pixel, but is {self.smallest}")
        if self.style not in _STYLE_SIZES:
            raise InputError(f"pyramid.style must be {' or '.join(_STYLE_SIZES)}, but is {self.style!r}")
        if self.steps is not None and not (_is_list(self.steps) and all(map(_is_count, self.steps))):
            raise InputError(
                f"pyramid.steps must be null or a list of whole numbers above 0, but is {self.steps!r}"
            )

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """Sizes from coarse to fine; at least the wanted one. InputError if ``steps`` has another number."""
        shrinks = self._shrinks(size)
        sizes = [round(size / shrink) for shrink in shrinks]
        given = self.steps or self._steps_by_factors(len(sizes), steps)
        if len(given) != len(sizes):
            raise InputError(
                f"pyramid.steps has {counted(len(given), 'value')} for {counted(len(sizes), 'size')}"
                f" ({', '.join(map(str, sizes))}): give one for each"
            )
        of_styles = [_STYLE_SIZES[self.style](style_size, shrink) for shrink in shrinks]
        return [Scale(*scale) for scale in zip(sizes, of_styles, given, strict=True)]

    def _shrinks(self, size: int) -> list[float]:
        """How many times smaller than ``size`` each size is, from the largest number to 1."""
        factor, ratio = self.factor, size / self.smallest
        levels = math.log(max(1.0, ratio)) / math.log(factor)
        if not self.even:
            coarser = math.floor(levels + 1e-9)
        elif ratio < _NEAREST_SIZES:
            coarser = 0
        else:
            coarser = math.ceil(levels - 1e-9)
            factor = ratio ** (1 / coarser)
        return [factor**level for level in reversed(range(coarser + 1))]

    def _steps_by_factors(self, sizes: int, steps: int) -> list[int]:
        shares = [self.steps_factor**level for level in reversed(range(sizes))]
        shares[0] *= self.first_factor if sizes > 1 else 1.0
        fewest = min(self.fewest_steps, steps)
        return [max(fewest, math.ceil(steps * share - 1e-9)) for share in shares]


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


@dataclass(frozen=True)
class NoSteps:
    """The last size of another plan, with no step there: for pictures that are made in another way."""

    plan: Pyramid
    carry_state: bool = False
    detail: float = 0.0

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        return [replace(self.plan.scales(size, style_size, steps)[-1], steps=0)]
