"""Height and width of every picture of a run at one of its sizes."""

from __future__ import annotations

from collections.abc import Sequence

from nst_tf.configuration.styles import scaled
from nst_tf.images.resize import fit_long_side

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
    result = _rounded(height, multiple), _rounded(width, multiple)
    if stretch != "none":
        return result, [result] * len(styles)
    scales = style_scales or (1.0,) * len(styles)
    return result, [
        fit_long_side(*style, scaled(style_size, scale)) for style, scale in zip(styles, scales, strict=True)
    ]


def _rounded(side: int, multiple: int) -> int:
    return max(multiple, multiple * round(side / multiple))
