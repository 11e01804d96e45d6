"""What a run will do, in one line before TensorFlow is loaded, which takes some seconds."""

from __future__ import annotations

import sys
from functools import partial

from omegaconf import DictConfig

from nst_tf.colour import Colour
from nst_tf.configuration.checks import Inputs
from nst_tf.configuration.made import made
from nst_tf.configuration.styles import style_scales
from nst_tf.configuration.video import video_of
from nst_tf.counted import counted
from nst_tf.printable import printable
from nst_tf.pyramid import NoSteps, Pyramid, Scale
from nst_tf.run.planned_sizes import planned_sizes, sides_multiple_of
from nst_tf.run.shapes import Shape, shapes_at

_MOST_STYLES = 3  # by name


def announce(said: str) -> None:
    """Say it on standard error."""
    print(printable(said), file=sys.stderr, flush=True)  # noqa: T201


def announcement(settings: DictConfig, inputs: Inputs) -> str:
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


def _sizes(settings: DictConfig, inputs: Inputs) -> list[tuple[Scale, Shape]]:
    """As ``Experiment`` has them."""
    pyramid: Pyramid = made("pyramid", settings.pyramid)
    colour: Colour = made("color", settings.color)
    if not colour.makes_steps:
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
