"""One size of a run: its pictures as the objective sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from nst_tf.colour import Canvas
from nst_tf.images.resize import resize_mask
from nst_tf.objective import BoundObjective, StyleImage
from nst_tf.pyramid import Scale
from nst_tf.regions import Regions
from nst_tf.run.experiment import Experiment


@dataclass(frozen=True)
class Stage:
    """Content [height, width, 3], styles and regions at one size, in the colours that the objective sees.

    ``canvas`` stands between the image that is optimized and the picture that is saved; ``keep`` gives a
    picture those pixels of the content that must stay.
    """

    height: int
    width: int
    content: np.ndarray
    styles: list[StyleImage]
    canvas: Canvas
    regions: Regions | None
    keep: Callable[[np.ndarray], np.ndarray]

    def bound(self, experiment: Experiment) -> BoundObjective:
        """The objective with the targets of this size."""
        return experiment.objective.bind(
            self.content, self.styles, self.canvas.view, self.regions, experiment.before
        )


def stage_at(scale: Scale, experiment: Experiment) -> Stage:
    """The pictures of the experiment at one size; raises InputError if one would be too small."""
    (height, width), shapes = experiment.shapes_at(scale)
    content = experiment.resize(experiment.content, height, width)
    styles = [
        experiment.resize(style.pixels, *shape)
        for style, shape in zip(experiment.styles, shapes, strict=True)
    ]
    regions = None
    if experiment.regions is not None:
        regions = experiment.regions.at((height, width), shapes, resize_mask)
    canvas = experiment.colour.canvas(content, styles, [style.weight for style in experiment.styles])
    seen, seen_styles = experiment.colour.shown(content, styles)
    return Stage(
        height,
        width,
        seen,
        [replace(style, pixels=one) for style, one in zip(experiment.styles, seen_styles, strict=True)],
        canvas,
        regions,
        _keeping(regions, content),
    )


def score_of(experiment: Experiment, pixels: np.ndarray) -> tuple[float, dict[str, float]]:
    """Loss and parts of a picture [H, W, 3] of the result's size, with the weights as configured."""
    alone = replace(experiment, before=None)
    bound = stage_at(alone.scales[-1], alone).bound(alone)
    image = tf.constant(pixels[np.newaxis], tf.float32)
    parts = bound.objective.weighted_parts(image, bound.targets, bound.weights).numpy()
    named = {name: float(value) for name, value in zip(bound.parts, parts, strict=True)}
    return float(parts.sum()), named


def _keeping(regions: Regions | None, content: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    if regions is None or regions.kept_pixels is None:
        return lambda picture: picture
    return lambda picture: regions.with_kept(picture, content)
