"""The sizes that a run's pictures go through, and which of them are possible."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nst_tf.config.inputs import Inputs, layer_weights, layers_of_term, scaled, style_scales
from nst_tf.config.schema import Settings
from nst_tf.errors import InputError
from nst_tf.images.opening import MOST_PIXELS
from nst_tf.images.pixels import SMALLEST_SIDE
from nst_tf.images.resize import fit_long_side, largest_size, short_side, smallest_size
from nst_tf.images.write import longest_side
from nst_tf.pyramid import Scale
from nst_tf.vgg.layers import reach_of

# ---- Height and width of every picture of a run at one of its sizes ----

Shape = tuple[int, int]


def shapes_at(
    size: int,
    style_size: int,
    content: Shape,
    styles: Sequence[Shape],
    stretch: str,
    style_scales: Sequence[float] | None = None,
    multiple: int = 1,
) -> tuple[Shape, list[Shape]]:
    """Shapes of the result and of each style, for long sides ``size`` and ``style_size``.

    ``content`` and ``styles`` are [H, W] as the pictures were read. ``stretch`` "none" keeps every aspect
    ratio, "style" gives the styles the content's shape, "square" gives all size x size. The long side of
    a style is multiplied by its number of ``style_scales``. The sides of the result are rounded to a
    ``multiple``.
    Raises InputError where a side would be too short or a picture too large.
    """
    height, width = fit_long_side(*((1, 1) if stretch == "square" else content), size)
    height, width = (max(multiple, multiple * round(side / multiple)) for side in (height, width))
    result = height, width
    if stretch != "none":
        return result, [result] * len(styles)
    scales = style_scales or (1.0,) * len(styles)
    return result, [
        fit_long_side(*style, scaled(style_size, scale)) for style, scale in zip(styles, scales, strict=True)
    ]


# ---- Which sizes of a pyramid a run goes through ----

ShapesAt = Callable[[Scale], tuple[Shape, list[Shape]]]
"""Height and width of the result and of each style at a size; InputError if a picture would be too small."""


@dataclass(frozen=True)
class PlannedSizes:
    """The whole plan, coarse to fine, of which the sizes before number ``first`` are left out."""

    planned: Sequence[Scale]
    first: int
    obstacle: str | None
    """Why the last of those that are left out can't be made."""

    @property
    def scales(self) -> list[Scale]:
        """The sizes that are made."""
        return list(self.planned[self.first :])


def planned_sizes(planned: Sequence[Scale], shapes_at: ShapesAt) -> PlannedSizes:
    """Begin with the first size that, like all finer ones, suits every picture.

    The last size stays whatever it is: nothing could be made without it.
    """
    first = len(planned) - 1
    while first > 0:
        try:
            shapes_at(planned[first - 1])
        except InputError as error:
            return PlannedSizes(planned, first, str(error))
        first -= 1
    return PlannedSizes(planned, first, None)


def sides_multiple_of(settings: Settings, is_texture: bool) -> int:
    """What the sides of the result are rounded to a multiple of: of a texture on a torus, the poolings'."""
    if not is_texture or option_name(settings.model.padding) != "circular":
        return 1
    layers = [layer for layers in layers_in_use(settings).values() for layer in layers]
    return reach_of(option_name(settings.model.name), layers).stride if layers else 1


def layers_in_use(settings: Settings) -> dict[str, list[str]]:
    """The layers that the content term and the style terms read; none where the weight is 0."""
    found = {
        term: list(layer_weights(getattr(settings.layers, term)))
        if getattr(settings.objective, term).weight > 0
        else []
        for term in ("content", "style")
    }
    for name, term in settings.objective.terms.items():
        if term.weight > 0:
            found["style"] += [one for one in layers_of_term(settings, name) if one not in found["style"]]
    return found


def option_name(option: Any) -> str:
    """The word of an option: settings hold an enumeration, or a string once it is resolved."""
    return option if isinstance(option, str) else option.name


# ---- Which long sides all pictures of a run can have ----

SIZE, STYLE_SIZE = "image.size", "image.style_size"
Fits = Callable[[int, int], bool]
"""Whether long sides of result and styles are possible for another reason, as memory is."""


@dataclass(frozen=True)
class _Limit:
    """The long sides that one picture can have, which ``key`` says; they are that times ``scale``."""

    key: str
    name: str
    shape: tuple[int, int]
    smallest: int
    largest: int
    scale: float = 1.0


def check_sizes(settings: Settings, inputs: Inputs, largest: Callable[[], str | None] | None = None) -> None:
    """Raise InputError for a long side with which a picture would be too small, or too large.

    ``largest`` says which words work, None if none do; without it, those that ``largest_sizes`` finds.
    """
    limits, wanted = _limits(settings, inputs), _wanted(settings)
    for limit in limits:
        value = wanted[limit.key]
        height, width = limit.shape
        if value < limit.smallest:
            smallest = max(one.smallest for one in limits if one.key == limit.key)
            raise InputError(
                f"{limit.key}={value} would leave {limit.name}, {height} x {width}, with a side under"
                f" {SMALLEST_SIDE} pixels, too short for the network's poolings:"
                f" the smallest that works is {limit.key}={smallest}"
            )
        if value > limit.largest:
            side = scaled(value, limit.scale)
            pixels = side * short_side(height, width, side)
            most = longest_side(settings.record.picture) if limit.key == SIZE else None
            reason = (
                f"make {limit.name} a picture of {pixels:,} pixels, more than the {MOST_PIXELS:,} that"
                " can be read back"
                if pixels > MOST_PIXELS
                else f"make a side longer than the {most} pixels that {settings.record.picture} can hold"
            )
            named = largest() if largest else largest_sizes(settings, inputs, lambda *_: True)
            works = f"the largest that works is {named}" if named else "no smaller size works either"
            raise InputError(f"{limit.key}={value} would {reason}: {works}")


def largest_sizes(settings: Settings, inputs: Inputs, fits: Fits) -> str | None:
    """The words for the largest long sides, none above those of ``settings``, that every picture can have.

    Such as "image.size=512". Where image.style_size has a value of its own, image.size is looked for first,
    with the styles as they are, then the style's, then both. None if no size is possible.
    """
    limits, wanted = _limits(settings, inputs), _wanted(settings)
    size = wanted[SIZE]
    low, high = _range(limits, SIZE)
    if STYLE_SIZE not in wanted:
        found = _largest(low, min(high, size), lambda one: fits(one, one))
        return None if found is None else _words({SIZE: found})
    style = wanted[STYLE_SIZE]
    style_low, style_high = _range(limits, STYLE_SIZE)
    if style_low <= style <= style_high:
        found = _largest(low, min(high, size), lambda one: fits(one, style))
        if found is not None:
            return _words({SIZE: found})
    if low <= size <= high:
        found = _largest(style_low, min(style_high, style), lambda one: fits(size, one))
        if found is not None:
            return _words({STYLE_SIZE: found})

    if low > high or style_low > style_high:
        return None

    def both(one: int) -> dict[str, int]:
        return {SIZE: min(one, size, high), STYLE_SIZE: min(one, style, style_high)}

    found = _largest(max(low, style_low), max(size, style), lambda one: fits(*both(one).values()))
    return None if found is None else _words(both(found))


def _words(sizes: Mapping[str, int]) -> str:
    return " ".join(f"{key}={value}" for key, value in sizes.items())


def _limits(settings: Settings, inputs: Inputs) -> list[_Limit]:
    """Of every picture that is resized: see ``shapes_at``."""
    stretch, content = settings.image.stretch.name, inputs.content
    shape = (1, 1) if stretch == "square" else (content.height, content.width)
    side = longest_side(settings.record.picture) or MOST_PIXELS
    limits = [_Limit(SIZE, content.name, shape, smallest_size(*shape), min(largest_size(*shape), side))]
    if stretch != "none":
        return limits
    key = SIZE if settings.image.style_size is None else STYLE_SIZE
    scales = style_scales(settings, len(inputs.styles)) or (1.0,) * len(inputs.styles)
    for style, scale in zip(inputs.styles, scales, strict=True):
        shape = style.height, style.width
        smallest, largest = smallest_size(*shape), largest_size(*shape)
        limits.append(_Limit(key, style.name, shape, *_before_scaling(smallest, largest, scale), scale))
    return limits


def _before_scaling(smallest: int, largest: int, scale: float) -> tuple[int, int]:
    """The smallest and the largest whole number that, times ``scale`` and rounded, is between these."""
    first, last = math.ceil((smallest - 0.5) / scale), math.floor((largest + 0.5) / scale)
    # halves are rounded to even
    first += scaled(first, scale) < smallest
    last -= scaled(last, scale) > largest
    return first, last


def _wanted(settings: Settings) -> dict[str, int]:
    """The long sides that matter."""
    image = settings.image
    if image.style_size is None or image.stretch.name != "none":
        return {SIZE: image.size}
    return {SIZE: image.size, STYLE_SIZE: image.style_size}


def _range(limits: list[_Limit], key: str) -> tuple[int, int]:
    ours = [limit for limit in limits if limit.key == key]
    return max(limit.smallest for limit in ours), min(limit.largest for limit in ours)


def _largest(low: int, high: int, fits: Callable[[int], bool]) -> int | None:
    """The largest of ``low`` to ``high`` that fits, where all that are smaller do; None if none does."""
    sizes = range(low, high + 1)
    fitting = bisect_left(sizes, True, key=lambda size: not fits(size))
    return sizes[fitting - 1] if fitting else None
