"""What `guidance=` can be: which color of which mask has which style, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import ListConfig
from PIL import ImageColor

if TYPE_CHECKING:
    from nst_tf.config.schema import Settings

from nst_tf.errors import InputError, check_weight, counted, one_of, require
from nst_tf.guidance.regions import MOST_REGIONS, PROPAGATIONS, Regions, flat_colors, memberships
from nst_tf.images.pixels import levels_of
from nst_tf.images.read import Picture

Color = tuple[int, int, int]
"""RGB, 8 bits each."""

_AREA, _EQUAL = "area", "equal"


class Guidance:
    """Which parts of the pictures belong together: here all of them are one region, of all styles."""

    @property
    def masks(self) -> tuple[str | None, ...]:
        """Names of the mask files: of the content, then of each style, None where there is none."""
        return ()

    def divided(
        self, content: Picture, styles: Sequence[Picture], masks: Sequence[Picture | None]
    ) -> Regions | None:
        """The regions of these pictures, by the masks that were read; None is one region, the whole."""
        return None


@dataclass(frozen=True)
class NoGuidance(Guidance):
    """The whole picture is one region, of all styles."""


@dataclass(frozen=True)
class MaskGuidance(Guidance):
    """One color of a mask a region, each with its own styles or none: see ``conf/guidance/masks.yaml``."""

    content: str | None = None
    styles: Sequence[str | None] | str | None = None
    regions: Mapping[Any, Any] | None = None
    propagation: str = "simple"
    shares: str | Mapping[Any, float] = "area"
    keep_pixels: bool = True

    def __post_init__(self) -> None:
        """Refuse what can be refused without a picture: InputError."""
        require(
            isinstance(self.content, str) and bool(self.content),
            "guidance.content",
            self.content,
            "the path of the content's mask",
            ": guidance.content=MASK",
        )
        named = all(name is None or (isinstance(name, str) and name) for name in self._style_masks())
        require(named, "guidance.styles", self.styles, "null or a list of paths and nulls")
        one_of("guidance.propagation", self.propagation, PROPAGATIONS)
        require(
            self.shares in (_AREA, _EQUAL) or isinstance(self.shares, Mapping),
            "guidance.shares",
            self.shares,
            f"{_AREA}, {_EQUAL} or a mapping of colors to numbers",
        )
        self._styles_by_color()

    @property
    def masks(self) -> tuple[str | None, ...]:
        return (self.content, *self._style_masks())

    def divided(
        self, content: Picture, styles: Sequence[Picture], masks: Sequence[Picture | None]
    ) -> Regions:
        """The regions; raises InputError for masks that do not fit pictures, styles or each other."""
        mask_of_content, *of_styles = masks
        if of_styles and len(of_styles) != len(styles):
            raise InputError(
                f"guidance.styles has {counted(len(of_styles), 'mask')} for {counted(len(styles), 'style')}:"
                " give one for each style, null where all of it serves"
            )
        of_styles = of_styles or [None] * len(styles)
        assert mask_of_content is not None, "it is checked when this is made"  # noqa: S101
        pairs = [(mask_of_content, content), *zip(of_styles, styles, strict=True)]
        notes = [note for mask, picture in pairs if mask and (note := _check_aspect(mask, picture))]
        given = self._styles_by_color() or _by_equal_colors(mask_of_content, of_styles, notes)
        _check_styles(given, styles)
        palette = list(given)
        of_pixels = _pixel_memberships(mask_of_content, palette)
        areas = dict(zip(palette, of_pixels.mean(axis=(0, 1)).tolist(), strict=True))
        styled = [color for color, numbers in given.items() if numbers]
        for color in styled:
            if areas[color] == 0:
                raise InputError(
                    f"the region {name_of(color)} of guidance.regions is not in the mask"
                    f" {mask_of_content.name}: draw it there, or leave it out"
                )
        columns = [palette.index(color) for color in styled]
        alone = [index for index in range(len(palette)) if index not in columns]
        return Regions(
            names=tuple(name_of(color) for color in styled),
            content=of_pixels[..., columns],
            styles=tuple(
                None if mask is None else _of_style(number, mask, given, columns)
                for number, mask in enumerate(of_styles)
            ),
            styles_of=tuple(given[color] for color in styled),
            shares=self._shares(styled, areas),
            kept=of_pixels[..., alone].sum(axis=-1) if self.keep_pixels and alone else None,
            propagation=PROPAGATIONS[self.propagation],
            notes=tuple(notes),
        )

    def _style_masks(self) -> tuple[Any, ...]:
        if self.styles is None:
            return ()
        return (self.styles,) if isinstance(self.styles, str) else (*self.styles,)

    def _styles_by_color(self) -> dict[Color, tuple[int, ...]] | None:
        """The numbers of each region's styles; None if they are not given."""
        if self.regions is None:
            return None
        if not isinstance(self.regions, Mapping) or not self.regions:
            raise InputError(
                "guidance.regions must be a mapping of colors to numbers of styles, such as {red: 0, blue:"
                f" null}}, but is {self.regions!r}"
            )
        _check_count(len(self.regions))
        found: dict[Color, tuple[int, ...]] = {}
        for name, given in self.regions.items():
            color = color_of(name)
            numbers = () if given is None else (*given,) if isinstance(given, (list, tuple)) else (given,)
            if color in found:
                raise InputError(f"guidance.regions names {name_of(color)} twice: give it once")
            require(
                all(isinstance(one, int) and not isinstance(one, bool) for one in numbers),
                f"guidance.regions.{name}",
                given,
                "the number of a style, counted from 0, a list of them, or null for no style",
            )
            if len(set(numbers)) < len(numbers):
                raise InputError(f"guidance.regions.{name} names a style twice, in {given!r}: give it once")
            found[color] = numbers
        if not any(found.values()):
            raise InputError("guidance.regions has no region with a style: give one the number of a style")
        return found

    def _shares(self, styled: Sequence[Color], areas: Mapping[Color, float]) -> tuple[float, ...]:
        if isinstance(self.shares, str):
            return tuple(areas[color] if self.shares == _AREA else 1 / len(styled) for color in styled)
        given = {color_of(name): share for name, share in self.shares.items()}
        if set(given) != set(styled):
            raise InputError(
                "guidance.shares must name every region that has a style,"
                f" {_names_of(styled)}, and no other, but names {_names_of(given) or 'none'}"
            )
        for color, share in given.items():
            check_weight(f"guidance.shares.{name_of(color)}", share)
        total = sum(given.values())
        if total == 0:
            raise InputError("guidance.shares are all 0: give at least one region a share above 0")
        return tuple(given[color] / total for color in styled)


def _by_equal_colors(
    content: Picture, styles: Sequence[Picture | None], notes: list[str]
) -> dict[Color, tuple[int, ...]]:
    """One style: every color of the content's mask takes the style's part of that color."""
    colors = _region_colors(content)
    if len(styles) > 1:
        example = ", ".join(f"{name_of(color)}: 0" for color in colors)
        raise InputError(
            f"guidance.regions must say which of the {len(styles)} styles each color of {content.name} has:"
            f" such as 'guidance.regions={{{example}}}'"
        )
    if not colors:
        raise InputError(
            f"the mask {content.name} has no color of its own on any part of it: name the regions, such as"
            " 'guidance.regions={black: 0, white: null}'"
        )
    _check_count(len(colors))
    others = _region_colors(styles[0]) if styles[0] else []
    if unused := _names_of(color for color in others if color not in colors):
        notes.append(f"no region takes the style's {unused}: {content.name} has {_names_of(colors)}")
    found: dict[Color, tuple[int, ...]] = dict.fromkeys((*colors, *others), ())
    return found | dict.fromkeys(colors, (0,))


def _of_style(
    number: int, mask: Picture, given: Mapping[Color, tuple[int, ...]], columns: Sequence[int]
) -> np.ndarray:
    """Memberships of a style's pixels in the styled regions; InputError if one that takes it is not there."""
    found = _pixel_memberships(mask, list(given))
    for index, (color, numbers) in enumerate(given.items()):
        if number in numbers and not found[..., index].any():
            raise InputError(
                f"the region {name_of(color)} takes style {number}, but the style's mask {mask.name} has no"
                f" {name_of(color)}: draw it there, or say null in guidance.styles for the whole style"
            )
    return found[..., list(columns)]


def _check_styles(given: Mapping[Color, tuple[int, ...]], styles: Sequence[Picture]) -> None:
    for color, numbers in given.items():
        for number in numbers:
            if not 0 <= number < len(styles):
                last = len(styles) - 1
                raise InputError(
                    f"guidance.regions.{name_of(color)} names style {number}, but styles are numbered"
                    f" {'0' if last == 0 else f'0 to {last}'}"
                )
    used = {number for numbers in given.values() for number in numbers}
    for number, style in enumerate(styles):
        if number not in used:
            raise InputError(
                f"no region has style {number}, {style.name}: give it one in guidance.regions, or leave the"
                " style out"
            )


def _check_count(regions: int) -> None:
    if regions > MOST_REGIONS:
        raise InputError(f"guidance takes at most {MOST_REGIONS} regions, but there are {regions}")


# ---- memberships of the pixels of a mask, and what is wrong with it ----

_LEAST_PART = 0.02
"""Of a mask: a color on less than this is no region's own, but that of a smooth edge."""

# as a part of the distance between black and white: what JPEG leaves of a flat color is within it, and the
# nearest of CSS' basic colors, 128 levels of one channel apart, are 0.29
_TOLERANCE = 0.12
# of the pixels: where three regions meet at smooth edges, a mixture is none of two
_MOST_STRAYS = 0.005
# sides of a mask that was made from a smaller copy of its picture are rounded
_MOST_ASPECT = 0.01


def _check_aspect(mask: Picture, picture: Picture) -> str | None:
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


def _region_colors(mask: Picture) -> list[Color]:
    """The colors that a mask has in flat parts, largest first; of those that look alike only the largest."""
    found: list[Color] = []
    for color, _ in flat_colors(mask.pixels, _LEAST_PART):
        if all(_apart(color, other) > _TOLERANCE for other in found):
            found.append(color)
    return found


def _pixel_memberships(mask: Picture, palette: Sequence[Color]) -> np.ndarray:
    """Memberships [H, W, R] of the mask's pixels; raises InputError for a color that no region has."""
    for color, part in flat_colors(mask.pixels, _LEAST_PART):
        if all(_apart(color, other) > _TOLERANCE for other in palette):
            raise _unknown(mask, color, part, palette)
    found, left_over = memberships(mask.pixels, np.array(palette) / 255)
    strays = left_over > _TOLERANCE
    if strays.mean() > _MOST_STRAYS:
        color, _ = flat_colors(mask.pixels[strays][np.newaxis], 0)[0]
        raise _unknown(mask, color, float(strays.mean()), palette)
    return found


def _unknown(mask: Picture, color: Color, part: float, palette: Sequence[Color]) -> InputError:
    down, right = np.argwhere((levels_of(mask.pixels) == color).all(axis=-1))[0]
    return InputError(
        f"the mask {mask.name} has {name_of(color)} at column {right}, row {down} ({part:.0%} of it is of"
        f" no region's color; they have {_names_of(palette)}): give it a style in guidance.regions, or null"
    )


def _apart(one: Color, other: Color) -> float:
    return float(np.linalg.norm(np.subtract(one, other)) / np.linalg.norm([255] * 3))


# ---- colors of regions by name: those of CSS, or #rrggbb ----

_HEXADECIMAL = frozenset("0123456789abcdef")


def color_of(name: Any) -> Color:
    """The color of a key of ``guidance.regions``; raises InputError for one that is none.

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
            f"guidance: {name!r} is no color: give a name of CSS, such as red, lime, blue, black or white,"
            " or six hexadecimal digits, such as ff8000"
        ) from None
    return red, green, blue


def name_of(color: Color) -> str:
    """The CSS name of a color, or #rrggbb."""
    return _names().get(color, "#{:02x}{:02x}{:02x}".format(*color))


def _names_of(colors: Iterable[Color]) -> str:
    return ", ".join(map(name_of, colors))


@cache
def _names() -> dict[Color, str]:
    names: dict[Color, str] = {}
    for name in sorted(ImageColor.colormap, reverse=True):  # of two for one color (aqua, cyan) the first
        red, green, blue = ImageColor.getrgb(name)[:3]
        names[red, green, blue] = name
    return names


# ---- the mask files that a configuration names ----


def mask_names(settings: Settings) -> list[str | None]:
    """Of the content, then of the styles, None where one has none; an empty list without guidance."""
    content, styles = (settings.guidance.get(key) for key in ("content", "styles"))
    if not isinstance(content, str):
        return []
    listed = [styles] if isinstance(styles, str) else list(styles) if isinstance(styles, ListConfig) else []
    return [content, *(name if isinstance(name, str) else None for name in listed)]
