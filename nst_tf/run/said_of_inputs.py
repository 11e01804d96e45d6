"""What a person should know of the pictures of a run, one line each, in its log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nst_tf.configuration.checks import Inputs
from nst_tf.configuration.several_pictures import left_out_of
from nst_tf.images.read import Picture

_LEAST_TRANSPARENT = 0.005  # of a picture: soft edges alone are nothing to speak of


def notes_on(inputs: Inputs, style: Any, content: Any) -> list[str]:
    """The lines; ``style`` and ``content`` are as they were configured, with their folders."""
    names = [style] if isinstance(style, str) else list(style)
    folders = [*names, *([content] if inputs.frames is not None and inputs.frames.files else [])]
    return [*left_out_of(folders), *transparent(inputs.styles)]


def transparent(styles: Sequence[Picture]) -> Iterable[str]:
    """A line for every style that is transparent in parts, which are laid over white like a content's."""
    for style in styles:
        part = 0.0 if style.alpha is None else 1 - float(style.alpha.mean())
        if part >= _LEAST_TRANSPARENT:
            yield (
                f"the style {style.name} is {part:.0%} transparent, and that part counts as white: crop it"
                " away, or leave it out by a mask (docs/regions.md)"
            )
