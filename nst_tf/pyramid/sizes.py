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
    """A plan of sizes."""

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """Long sides of result and styles in pixels, steps at the last size -> sizes, coarse to fine."""
        ...


@dataclass(frozen=True)
class SingleScale:
    """The wanted size and no other, as in Gatys et al. 2016."""

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """One scale."""
        return [Scale(size, style_size, steps)]


@dataclass(frozen=True)
class CoarseToFine:
    """Sizes that grow by ``factor``, from the smallest that is at least ``smallest``, to the wanted one.

    Large strokes are found at a small size, where a step is cheap and a receptive field covers more of
    the picture (Gatys et al. 2017, "Controlling perceptual factors in neural style transfer", section
    6). Every coarser size takes ``steps_factor`` times the steps of the next finer one, rounded up.
    Styles shrink with the result.
    """

    smallest: int = 128
    factor: float = 2.0
    steps_factor: float = 1.5

    def __post_init__(self) -> None:
        """Refuse sizes that do not grow, and factors that are not positive: InputError."""
        if not self.factor > 1:
            raise InputError(f"pyramid.factor must be above 1, but is {self.factor}")
        if not (self.steps_factor > 0 and math.isfinite(self.steps_factor)):
            raise InputError(f"pyramid.steps_factor must be positive, but is {self.steps_factor}")
        if self.smallest < 1:
            raise InputError(f"pyramid.smallest must be at least 1 pixel, but is {self.smallest}")

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """Sizes from coarse to fine; at least the wanted one."""
        coarser = 1 + max(0, math.floor(math.log(size / self.smallest) / math.log(self.factor) + 1e-9))
        found = []
        for level in reversed(range(coarser)):
            shrink = self.factor**level
            steps_here = math.ceil(steps * self.steps_factor**level)
            found.append(Scale(round(size / shrink), max(1, round(style_size / shrink)), steps_here))
        return found
