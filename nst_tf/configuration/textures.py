"""``content=null``: a texture of the styles, of any size, without a content picture."""

from __future__ import annotations

import math

import numpy as np
from omegaconf import DictConfig

from nst_tf.errors import InputError
from nst_tf.images.read import Picture

_GREY = np.float32(0.5)


def check_texture(settings: DictConfig) -> None:
    """Raise InputError for a content term without a content, and for an aspect where there is a content."""
    aspect = settings.image.aspect
    if settings.content is not None:
        if aspect is not None:
            raise InputError(
                f"image.aspect={aspect} is for textures, but content={settings.content} has its own: say"
                " content=null or leave it out"
            )
        return
    if settings.objective.content.weight > 0:
        raise InputError(
            "content=null has nothing for the content term, whose objective.content.weight is"
            f" {settings.objective.content.weight}: say experiment=texture, or objective=relative,"
            " objective.content.weight=0 and init=noise"
        )
    if settings.objective.style.get("relative_to_content"):
        raise InputError(
            "objective.style.relative_to_content=true needs a content picture, but content=null: say"
            " objective=relative, as experiment=texture does, or another without it"
        )
    if aspect is not None and not (aspect > 0 and math.isfinite(aspect)):
        raise InputError(f"image.aspect must be width / height, above 0, but is {aspect}")


def canvas(settings: DictConfig) -> Picture:
    """Where a texture goes: grey, its long side ``image.size``, its width ``image.aspect`` of its height."""
    size, aspect = settings.image.size, settings.image.aspect or 1.0
    short = max(1, round(size * min(aspect, 1 / aspect)))
    height, width = (short, size) if aspect >= 1 else (size, short)
    return Picture(np.broadcast_to(_GREY, (height, width, 3)), None, "the texture", "")
