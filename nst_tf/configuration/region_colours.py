"""Colours of regions by name: those of CSS, or #rrggbb."""

from __future__ import annotations

from functools import cache
from typing import Any

from PIL import ImageColor

from nst_tf.errors import InputError

Colour = tuple[int, int, int]
"""RGB, 8 bits each."""

_HEXADECIMAL = frozenset("0123456789abcdef")


def colour_of(name: Any) -> Colour:
    """The colour of a key of ``guidance.regions``; raises InputError for one that is none.

    Hydra's command line has no ``#``, so that six hexadecimal digits alone serve as well; of digits only
    they arrive as a number.
    """
    text = f"{name:06d}" if isinstance(name, int) and not isinstance(name, bool) else str(name).lower()
    if len(text) == 6 and set(text) <= _HEXADECIMAL:
        text = f"#{text}"
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise InputError(
            f"guidance: {name!r} is no colour: give a name of CSS, such as red, lime, blue, black or white,"
            " or six hexadecimal digits, such as ff8000"
        ) from None
    return red, green, blue


def name_of(colour: Colour) -> str:
    """The CSS name of a colour, or #rrggbb."""
    return _names().get(colour, "#{:02x}{:02x}{:02x}".format(*colour))


@cache
def _names() -> dict[Colour, str]:
    names: dict[Colour, str] = {}
    for name in sorted(ImageColor.colormap, reverse=True):  # of two for one colour (aqua, cyan) the first
        red, green, blue = ImageColor.getrgb(name)[:3]
        names[red, green, blue] = name
    return names
