"""Text that fits into a given width of a picture."""

from __future__ import annotations

from PIL import ImageDraw, ImageFont

from nst_tf.printable import printable

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_CUT = "..."


def fitted_lines(draw: ImageDraw.ImageDraw, text: str, font: Font, width: float, most: int) -> list[str]:
    """The text in at most ``most`` lines of at most ``width`` pixels; what does not fit is cut with dots.

    Lines break at spaces, and within words that are wider than a line.
    """
    lines: list[str] = []
    rest = " ".join(printable(" ".join(text.split())).split())
    while rest and len(lines) < most:
        length = _fitting(draw, rest, font, width)
        if length < len(rest):
            space = rest.rfind(" ", 0, length + 1)
            length = space if space > 0 else length
        lines.append(rest[:length].strip())
        rest = rest[length:].strip()
    if rest and lines:
        kept = lines[-1]
        while kept and draw.textlength(kept + _CUT, font) > width:
            kept = kept[:-1]
        lines[-1] = kept + _CUT
    return lines


def _fitting(draw: ImageDraw.ImageDraw, text: str, font: Font, width: float) -> int:
    """How many letters from the start fit: at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if draw.textlength(text[:middle], font) <= width:
            low = middle
        else:
            high = middle - 1
    return low
