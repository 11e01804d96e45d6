"""color=luminance: only how bright a pixel is takes part; the content's colours stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nst_tf.colour.canvas import Canvas, View
from nst_tf.colour.moments import ROUNDING_VARIANCE

LUMA = (0.299, 0.587, 0.114)
"""Y of YIQ from encoded R, G, B: ITU-R BT.601, section 2.5.1."""


def luma(pixels: np.ndarray) -> np.ndarray:
    """RGB [H, W, 3] -> Y [H, W, 1] float32."""
    return (pixels @ np.asarray(LUMA, np.float32)).astype(np.float32)[..., np.newaxis]


def matched_luma(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Y' = s_T / s (Y - m) + m_T, with mean m and standard deviation s: of ``target``, and no other shape.

    Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving color in neural artistic style transfer",
    luminance-only transfer, after Hertzmann et al. 2001, "Image analogies". Flat values, whose variance is
    below that of rounding to 8 bits, become the target's mean. Not clipped. Float64.
    """
    exact, wanted = values.astype(np.float64), target.astype(np.float64)
    gain = wanted.std() / exact.std() if exact.var() > ROUNDING_VARIANCE else 0.0
    return gain * (exact - exact.mean()) + wanted.mean()


@dataclass(frozen=True)
class Luminance:
    """The network sees Y of every picture, three times; what is saved has that Y and the content's I and Q.

    Gatys et al. 2017, "Controlling perceptual factors in neural style transfer", section 5, luminance-only
    transfer. ``match_style``: the styles' Y get the content's mean and standard deviation first, as there,
    so that a dark painting does not darken a bright photograph, and are then clipped to [0, 1].

    I and Q are differences of R, G and B: adding one number to all three of a pixel changes Y by it, and
    neither I nor Q. Between black and white a pixel has room for numbers from -min(R, G, B) to
    1 - max(R, G, B); the image that is optimized says where in this room it is, so no colour is ever
    clipped, which the paper leaves open. A pixel of pure red has no room: it stays as it is.
    """

    match_style: bool = True
    makes_steps: ClassVar[bool] = True

    def shown(
        self, content: np.ndarray, styles: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """Greys."""
        grey = luma(content)
        of_styles = [luma(style) for style in styles]
        if self.match_style:
            of_styles = [np.clip(matched_luma(one, grey), 0, 1).astype(np.float32) for one in of_styles]
        return _three_times(grey), [_three_times(one) for one in of_styles]

    def canvas(self, content: np.ndarray, styles: Sequence[np.ndarray], weights: Sequence[float]) -> Canvas:
        """One that knows the content."""
        return LuminanceCanvas(content)


class LuminanceCanvas:
    """The image is a place in each pixel's room: 0 is as dark, 1 as bright as its colour can be.

    Its three channels are equal, and the steps keep them so: their gradients are.
    """

    def __init__(self, content: np.ndarray) -> None:
        """Of a content picture [H, W, 3]; nothing else of that size is held."""
        self._content = content

    @property
    def view(self) -> View:
        """Y of the darkest colour that a pixel can have, and the room above it."""
        lowest = self._content.min(axis=-1, keepdims=True)
        span = 1 - (self._content.max(axis=-1, keepdims=True) - lowest)
        return luma(self._content) - lowest, span

    def image(self, picture: np.ndarray) -> np.ndarray:
        """The places that give the picture's Y, or come closest; the middle where there is no room."""
        base, span = self.view
        place = np.divide(luma(picture) - base, span, out=np.full_like(span, 0.5), where=span > 0)
        return _three_times(np.clip(place, 0, 1))

    def carried(self, image: np.ndarray) -> np.ndarray:
        """The image's Y, three times."""
        base, span = self.view
        return _three_times(np.clip(base + span * _place(image), 0, 1))

    def saved(self, image: np.ndarray) -> np.ndarray:
        """The content, every pixel as bright as the image says."""
        content = self._content
        lowest = content.min(axis=-1, keepdims=True)
        span = 1 - (content.max(axis=-1, keepdims=True) - lowest)
        return content + (span * _place(image) - lowest)

    def seen(self, picture: np.ndarray) -> np.ndarray:
        """Its Y, three times."""
        return _three_times(luma(picture))


def _place(image: np.ndarray) -> np.ndarray:
    # outside of the room only with image.clip=false
    return np.clip(image.mean(axis=-1, keepdims=True), 0, 1)


def _three_times(values: np.ndarray) -> np.ndarray:
    return np.repeat(values, 3, axis=-1)
