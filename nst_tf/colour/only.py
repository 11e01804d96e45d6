"""color=only: the style's colours and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nst_tf.colour.canvas import Canvas, PlainCanvas
from nst_tf.colour.matching import check_method, matched
from nst_tf.colour.recombine import recombined
from nst_tf.errors import InputError


@dataclass(frozen=True)
class Only:
    """The content in the colours of the styles, in closed form: no step is made, so no structure changes.

    Of several styles the results are averaged by their weights. ``keep_lightness``: the content's L* stays,
    and only a* and b* are taken from what was matched. The objective scores the picture, and ``init``,
    ``steps`` and ``optimizer`` have no say.
    """

    method: str = "symmetric"
    keep_lightness: bool = True
    makes_steps: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse a word that is no method: InputError."""
        check_method(self.method)

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """As they are."""
        return content, styles

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """One that holds the result; raises InputError without any style."""
        if not styles:
            raise InputError("color=only takes its colours from a style: give at least one")
        result = np.zeros(content.shape, np.float32)
        for style, weight in zip(styles, weights, strict=True):
            result += np.float32(weight / sum(weights)) * matched(content, style, self.method)
        return _Given(recombined(content, result) if self.keep_lightness else result)


class _Given(PlainCanvas):
    def __init__(self, picture: np.ndarray) -> None:
        self._picture = picture

    def image(self, picture: np.ndarray) -> np.ndarray:
        """The result, wherever a run would start."""
        return self._picture
