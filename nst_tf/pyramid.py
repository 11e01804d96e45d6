"""Coarse to fine: which sizes, how many steps at each, and how an image goes from one to the next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from nst_tf.errors import InputError, counted, is_number, require

# ---- The sizes of a run, from the smallest to the one wanted ----


@dataclass(frozen=True)
class Scale:
    """One size of the run: long sides in pixels of result and styles, and the number of steps.

    ``finer``: how many sizes come after it.
    """

    size: int
    style_size: int
    steps: int
    finer: int = field(default=0, compare=False)


class Pyramid(Protocol):
    """A plan of sizes.

    ``carry_state``: the optimizer's moments are resampled from one size to the next. ``detail``: the share of
    the content's finer detail that an enlarged picture is given (``with_detail``), and it may have
    ``detail_by_size``, the factors of that at each size (``by_size``).
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


def by_size(given: Any, scale: Scale) -> float:
    """A weight's factor at a size: 1 for None, else a number or a list.

    A number is what each size has times the weight of the next finer one: with 2 the coarsest of four sizes
    has 8 times the weight of the last. A list has the factors, coarse to fine; it ends at the last size, and
    coarser sizes than it has factors take the first.
    """
    if given is None:
        return 1.0
    if not _is_list(given):
        return float(given) ** scale.finer
    return float(given[max(0, len(given) - 1 - scale.finer)])


def detail_at(pyramid: Pyramid, scale: Scale) -> float:
    """The share of the content's finer detail that a picture is given when it is enlarged to this size."""
    return pyramid.detail * by_size(getattr(pyramid, "detail_by_size", None), scale)


def check_by_size(name: str, given: Any) -> None:
    """Raise InputError for what can't be factors of sizes: see ``by_size``."""
    factors = given if _is_list(given) else [1.0 if given is None else given]
    right = bool(factors) and all(_is_factor(one) for one in factors)
    require(right, name, given, "null, a number or a list of numbers, none below 0")


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
    ``with_detail``. ``last_passes``: the wanted size is entered so many times, each time with its steps: a
    term of the objective can be there for one of them alone (``weight_by_size``).
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
    detail_by_size: Any = None
    last_passes: int = 1

    def __post_init__(self) -> None:
        """Refuse sizes that do not grow, and factors that are not positive: InputError."""
        if not self.factor > 1:
            raise InputError(f"pyramid.factor must be above 1, but is {self.factor}")
        for name, value in (("steps_factor", self.steps_factor), ("first_factor", self.first_factor)):
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"pyramid.{name} must be positive, but is {value}")
        if not (self.detail >= 0 and math.isfinite(self.detail)):
            raise InputError(f"pyramid.detail must be at least 0, but is {self.detail}")
        check_by_size("pyramid.detail_by_size", self.detail_by_size)
        for name, count in (("fewest_steps", self.fewest_steps), ("last_passes", self.last_passes)):
            require(_is_count(count), f"pyramid.{name}", count, "a whole number above 0")
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
        finer = reversed(range(len(sizes)))
        return [Scale(*scale) for scale in zip(sizes, of_styles, given, finer, strict=True)]

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
        return [factor**level for level in reversed(range(coarser + 1))] + [1.0] * (self.last_passes - 1)

    def _steps_by_factors(self, sizes: int, steps: int) -> list[int]:
        different = sizes - (self.last_passes - 1)
        shares = [self.steps_factor**level for level in reversed(range(different))]
        shares[0] *= self.first_factor if different > 1 else 1.0
        fewest = min(self.fewest_steps, steps)
        return [
            *(max(fewest, math.ceil(steps * share - 1e-9)) for share in shares),
            *[steps] * (self.last_passes - 1),
        ]


def _is_factor(value: object) -> bool:
    return is_number(value) and value >= 0


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
