"""From a mask that was read to memberships of its pixels; what is wrong with a mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nst_tf.configuration.region_colours import Colour, name_of
from nst_tf.errors import InputError
from nst_tf.images.read import Picture
from nst_tf.regions import flat_colours, memberships

LEAST_PART = 0.02
"""Of a mask: a colour on less than this is no region's own, but that of a smooth edge."""

# as a part of the distance between black and white: what JPEG leaves of a flat colour is within it, and the
# nearest of CSS' basic colours, 128 levels of one channel apart, are 0.29
_TOLERANCE = 0.12
# of the pixels: where three regions meet at smooth edges, a mixture is none of two
_MOST_STRAYS = 0.005
# sides of a mask that was made from a smaller copy of its picture are rounded
_MOST_ASPECT = 0.01


def check_aspect(mask: Picture, picture: Picture) -> str | None:
    """A note for a mask of another size than its picture; raises InputError for one of another aspect."""
    if (mask.height, mask.width) == (picture.height, picture.width):
        return None
    sizes = f"{mask.width} x {mask.height}", f"{picture.width} x {picture.height}"
    within_a_pixel = abs(mask.width - mask.height * picture.width / picture.height) <= 1
    ratio = mask.width * picture.height / (mask.height * picture.width)
    if not within_a_pixel and abs(ratio - 1) > _MOST_ASPECT:
        raise InputError(
            f"the mask {mask.name} is {sizes[0]}, of another shape than its picture {picture.name} of"
            f" {sizes[1]}: draw the mask over the whole picture"
        )
    return f"the mask {mask.name} of {sizes[0]} is resized with its picture {picture.name} of {sizes[1]}"


def region_colours(mask: Picture) -> list[Colour]:
    """The colours that a mask has in flat parts, largest first; of those that look alike only the largest."""
    found: list[Colour] = []
    for colour, _ in flat_colours(mask.pixels, LEAST_PART):
        if all(_apart(colour, other) > _TOLERANCE for other in found):
            found.append(colour)
    return found


def pixel_memberships(mask: Picture, palette: Sequence[Colour]) -> np.ndarray:
    """Memberships [H, W, R] of the mask's pixels; raises InputError for a colour that no region has."""
    for colour, part in flat_colours(mask.pixels, LEAST_PART):
        if all(_apart(colour, other) > _TOLERANCE for other in palette):
            raise _unknown(mask, colour, part, palette)
    found, left_over = memberships(mask.pixels, np.array(palette) / 255)
    strays = left_over > _TOLERANCE
    if strays.mean() > _MOST_STRAYS:
        colour, _ = flat_colours(mask.pixels[strays][np.newaxis], 0)[0]
        raise _unknown(mask, colour, float(strays.mean()), palette)
    return found


def _unknown(mask: Picture, colour: Colour, part: float, palette: Sequence[Colour]) -> InputError:
    known = ", ".join(name_of(one) for one in palette)
    levels = np.rint(255 * mask.pixels).astype(int)
    down, right = np.argwhere((levels == colour).all(axis=-1))[0]
    return InputError(
        f"the mask {mask.name} has {name_of(colour)} at column {right}, row {down} ({part:.0%} of it is of"
        f" no region's colour; they have {known}): give it a style in guidance.regions, or null"
    )


def _apart(one: Colour, other: Colour) -> float:
    return float(np.linalg.norm(np.subtract(one, other)) / np.linalg.norm([255] * 3))
