"""Height and width of every picture of a run at one of its sizes."""

from __future__ import annotations

from collections.abc import Sequence

from nst_tf.images.resize import fit_long_side

Shape = tuple[int, int]


def shapes_at(
    size: int, style_size: int, content: Shape, styles: Sequence[Shape], stretch: str
) -> tuple[Shape, list[Shape]]:
    """Shapes of the result and of each style, for long sides ``size`` and ``style_size``.

    ``content`` and ``styles`` are [H, W] as the pictures were read. ``stretch`` "none" keeps every aspect
    ratio, "style" gives the styles the content's shape, "square" gives all size x size.
    Raises InputError where a side would be too short or a picture too large.
    """
    result = fit_long_side(*((1, 1) if stretch == "square" else content), size)
    if stretch != "none":
        return result, [result] * len(styles)
    return result, [fit_long_side(*style, style_size) for style in styles]
