"""Which sizes of a pyramid a run goes through, of pictures of these shapes; needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from nst_tf.configuration.checks import layer_weights
from nst_tf.errors import InputError
from nst_tf.pyramid import Scale
from nst_tf.run.shapes import Shape
from nst_tf.vgg.layer_names import reach_of

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
    first, obstacle = len(planned) - 1, None
    while first > 0:
        obstacle = _obstacle(planned[first - 1], shapes_at)
        if obstacle is not None:
            break
        first -= 1
    return PlannedSizes(planned, first, obstacle)


def sides_multiple_of(settings: DictConfig, is_texture: bool) -> int:
    """What the sides of the result are rounded to a multiple of: of a texture on a torus, the poolings'."""
    if not is_texture or _named(settings.model.padding) != "circular":
        return 1
    layers = [
        layer
        for term in ("content", "style")
        if settings.objective[term].weight > 0
        for layer in layer_weights(term, settings.layers[term])
    ]
    return reach_of(_named(settings.model.name), layers).stride if layers else 1


def _obstacle(scale: Scale, shapes_at: ShapesAt) -> str | None:
    """Why the pictures can't have this size; None if they can."""
    try:
        shapes_at(scale)
    except InputError as error:
        return str(error)
    return None


def _named(option: Any) -> str:
    return option if isinstance(option, str) else option.name
