"""What becomes of color: kept, matched, brought back or transferred alone. NumPy only.

The config group ``color`` of the command line chooses one of the classes below.
"""

from __future__ import annotations

from nst_tf.color.modes import (
    PLAIN,
    Canvas,
    Color,
    Luminance,
    MatchStyleToContent,
    OfStyle,
    Only,
    Recombine,
    Unchanged,
)
from nst_tf.color.oklab import StyledChroma

__all__ = [
    "PLAIN",
    "Canvas",
    "Color",
    "Luminance",
    "MatchStyleToContent",
    "OfStyle",
    "Only",
    "Recombine",
    "StyledChroma",
    "Unchanged",
]
