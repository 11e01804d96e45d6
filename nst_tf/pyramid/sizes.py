"""The sizes of a run, from the smallest to the one wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from nst_tf.errors import InputError


@dataclass(frozen=True)
class Scale:
    """One size of the run: long sides in pixels of result and styles, and the number of steps."""

    size: int
    style_size: int
    steps: int


class Pyramid(Protocol):
    """A plan of sizes; ``carry_state``: the optimizer's moments are resampled from one to the next."""

    @property
    def carry_state(self) -> bool:
        """Whether the optimizer goes on where it was, rather than start anew at each size."""
        ...

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """Long sides of result and styles in pixels, steps at the last size -> sizes, coarse to fine."""
        ...


@dataclass(frozen=True)
class SingleScale:
    """The wanted size and no other, as in Gatys et al. 2016."""

    carry_state: bool = False

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """One scale."""
        return [Scale(size, style_size, steps)]


@dataclass(frozen=True)
class CoarseToFine:
    """Sizes that grow by ``factor``, from the smallest that is at least ``smallest``, to the wanted one.

    Large strokes are found at a small size, where a step is cheap and a receptive field covers more of
    the picture (Gatys et al. 2017, "Controlling perceptual factors in neural style transfer", section
    6). Every coarser size takes ``steps_factor`` times the steps of the next finer one, rounded up.
    The smallest takes ``first_factor`` times that. Styles shrink with the result.
    """

    smallest: int = 128
    factor: float = 2.0
    steps_factor: float = 1.5
    first_factor: float = 1.0
    carry_state: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes that do not grow, and factors that are not positive: InputError."""
        if not self.factor > 1:
            raise InputError(f"pyramid.factor must be above 1, but is {self.factor}")
        for name, value in (("steps_factor", self.steps_factor), ("first_factor", self.first_factor)):
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"pyramid.{name} must be positive, but is {value}")
        if self.smallest < 1:
            raise InputError(f"pyramid.smallest must be at least 1 pixel, but is {self.smallest}")

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """Sizes from coarse to fine; at least the wanted one."""
        coarser = 1 + max(0, math.floor(math.log(size / self.smallest) / math.log(self.factor) + 1e-9))
        found = []
        for level in reversed(range(coarser)):
            shrink = self.factor**level
            share = self.steps_factor**level * (self.first_factor if level == coarser - 1 > 0 else 1.0)
            steps_here = max(1, math.ceil(steps * share - 1e-9))
            found.append(Scale(round(size / shrink), max(1, round(style_size / shrink)), steps_here))
        return found
