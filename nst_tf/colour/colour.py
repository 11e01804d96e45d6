"""The word ``color`` of the command line: what a run does about colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from nst_tf.colour.canvas import PLAIN, Canvas


class Colour(Protocol):
    """Asked once at every size, with content and styles [H, W, 3] in [0, 1] at that size."""

    makes_steps: ClassVar[bool]
    """Whether the objective is optimized; it scores the picture anyway."""

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """Content and styles as the objective sees them, of the same shapes and range."""
        ...

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """What stands between the image and the saved picture; ``weights`` are those of the styles."""
        ...


@dataclass(frozen=True)
class Unchanged:
    """Colours come from the style with everything else, as in Gatys et al. 2016."""

    makes_steps: ClassVar[bool] = True

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """As they are."""
        return content, styles

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """The image is the picture."""
        return PLAIN
