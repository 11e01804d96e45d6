"""color=recombine: the content's colours over what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nst_tf.colour.bands import in_bands
from nst_tf.colour.canvas import Canvas, PlainCanvas
from nst_tf.colour.lab import lab, srgb


def recombined(lightness: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """L* of one picture [H, W, 3] with a* and b* of another, as sRGB float32; see ``srgb`` for its limits."""

    def of_rows(bright: np.ndarray, coloured: np.ndarray) -> np.ndarray:
        return srgb(np.concatenate([lab(bright)[..., :1], lab(coloured)[..., 1:]], axis=-1))

    return in_bands(of_rows, lightness, chroma)


@dataclass(frozen=True)
class Recombine:
    """The optimization is the usual one; what is saved has its lightness and the content's chroma in L*a*b*.

    As programs do that offer "original colors" (neural_style.lua of jcjohnson/neural-style, function
    original_colors). Departure: there Y, U and V, here L*a*b*, whose lightness is closer to the eye's. The
    loss that is reported is that of the saved picture, which lies above the one that was optimized.
    """

    makes_steps: ClassVar[bool] = True

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """As they are."""
        return content, styles

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """One that knows the content."""
        return _ColouredByContent(content)


class _ColouredByContent(PlainCanvas):
    def __init__(self, content: np.ndarray) -> None:
        self._content = content

    def saved(self, image: np.ndarray) -> np.ndarray:
        """The content's colours over the image."""
        return recombined(np.clip(image, 0, 1), self._content)
