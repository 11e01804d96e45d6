"""color=match_style_to_content: styles that have the content's colours before anything begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nst_tf.colour.canvas import PLAIN, Canvas
from nst_tf.colour.matching import check_method, matched


@dataclass(frozen=True)
class MatchStyleToContent:
    """Every style, by itself, gets the content's colours; from then on all is as usual.

    Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving color in neural artistic style transfer"; Gatys et
    al. 2017, "Controlling perceptual factors in neural style transfer", section 5. ``method`` is a word of
    ``METHODS``.
    """

    method: str = "symmetric"
    makes_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse a word that is no method: InputError."""
        check_method(self.method)

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """The content, and the styles in its colours."""
        return content, [matched(style, content, self.method) for style in styles]

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """The image is the picture."""
        return PLAIN
