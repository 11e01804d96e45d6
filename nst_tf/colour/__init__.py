"""What becomes of colour: kept, matched, brought back or transferred alone. NumPy only.

The config group ``color`` of the command line chooses one of the classes below.
"""

from nst_tf.colour.canvas import PLAIN, Canvas
from nst_tf.colour.colour import Colour, Unchanged
from nst_tf.colour.luminance import Luminance
from nst_tf.colour.matched_style import MatchStyleToContent
from nst_tf.colour.only import Only
from nst_tf.colour.recombine import Recombine

__all__ = [
    "PLAIN",
    "Canvas",
    "Colour",
    "Luminance",
    "MatchStyleToContent",
    "Only",
    "Recombine",
    "Unchanged",
]
