"""What a person is told of a run before it begins: its pictures, sizes and steps."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from nst_tf.color import Color
from nst_tf.config.build import build
from nst_tf.config.inputs import Inputs, style_scales, video_of
from nst_tf.config.pictures import left_out_of
from nst_tf.config.schema import Settings
from nst_tf.errors import counted, printable
from nst_tf.images.read import Picture
from nst_tf.pyramid import NoSteps, Pyramid, Scale
from nst_tf.runs.sizes import Shape, planned_sizes, shapes_at, sides_multiple_of

_MOST_STYLES = 3  # by name


def announce(said: str) -> None:
    """Say it on standard error."""
    print(printable(said), file=sys.stderr, flush=True)  # noqa: T201


def announcement(settings: Settings, inputs: Inputs) -> str:
    """Content, styles, and width, height and steps of every size.

    As in "photo.jpg in the style of oil.jpg: 128 x 88 pixels, 79 steps; 256 x 176, 53; 132 steps in all".
    The settings must be checked. Raises InputError for a pyramid that can't be.
    """
    what = f"{_content(inputs)} in the style of {_styles(inputs)}"
    sizes = [(shape, scale.steps) for scale, shape in _sizes(settings, inputs)]
    ((height, width), steps), *finer = sizes
    parts = [f"{width} x {height} pixels, {counted(steps, 'step')}"]
    parts += [f"{width} x {height}, {steps}" for (height, width), steps in finer]
    total = sum(steps for _, steps in sizes)
    if inputs.frames is not None and len(inputs.frames) > 1:
        later = video_of(settings).later_steps(settings.steps)
        parts.append(f"of each later frame {counted(later, 'step')} at the last size")
        total += later * (len(inputs.frames) - 1)
    if len(parts) > 1:
        parts.append(f"{counted(total, 'step')} in all")
    return f"{what}: {'; '.join(parts)}"


def _sizes(settings: Settings, inputs: Inputs) -> list[tuple[Scale, Shape]]:
    """As ``Experiment`` has them."""
    pyramid: Pyramid = build("pyramid", settings.pyramid)
    color: Color = build("color", settings.color)
    if not color.makes_steps:
        pyramid = NoSteps(pyramid)
    content, *styles = ((picture.height, picture.width) for picture in (inputs.content, *inputs.styles))
    at = partial(
        shapes_at,
        content=content,
        styles=styles,
        stretch=settings.image.stretch.name,
        style_scales=style_scales(settings, len(styles)),
        multiple=sides_multiple_of(settings, inputs.is_texture),
    )
    size = settings.image.size
    planned = pyramid.scales(size, settings.image.style_size or size, settings.steps)
    found = planned_sizes(planned, lambda scale: at(scale.size, scale.style_size))
    return [(scale, at(scale.size, scale.style_size)[0]) for scale in found.scales]


def _content(inputs: Inputs) -> str:
    if inputs.is_texture:
        return "a texture"
    frames = 0 if inputs.frames is None else len(inputs.frames)
    return f"{counted(frames, 'frame')} from {inputs.content.name}" if frames else inputs.content.name


def _styles(inputs: Inputs) -> str:
    names = [style.name for style in inputs.styles]
    if len(names) > _MOST_STYLES:
        return f"{names[0]} and {counted(len(names) - 1, 'other picture')}"
    return " and ".join(names)


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
