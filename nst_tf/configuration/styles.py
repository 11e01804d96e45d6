"""Which pictures the word ``style`` names, and how large each is to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from nst_tf.configuration.places import picture_path
from nst_tf.counted import counted
from nst_tf.errors import InputError
from nst_tf.images.kinds import PICTURE_SUFFIXES


def style_names(style: Any) -> list[str]:
    """The names of the style pictures: those that are given, and for a folder all that lie in it, by name.

    Raises InputError for what is no name, and for a folder without pictures.
    """
    given = [style] if isinstance(style, str) else list(style) if isinstance(style, Sequence) else []
    if not given or not all(isinstance(name, str) and name for name in given):
        raise InputError(
            f"style must be the path of a picture or a folder, or a list of paths, but is {style!r}"
        )
    return [picture for name in given for picture in _pictures_of(name)]


def style_scales(settings: DictConfig, styles: int) -> tuple[float, ...] | None:
    """What the long side of each style is multiplied by; None if nothing is said.

    One number is that of every style. Raises InputError for a wrong number of them or a wrong value, and
    where ``image.stretch`` gives styles another shape anyway.
    """
    given = settings.style_scale
    if given is None:
        return None
    scales = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given] * styles
    if not all(_is_positive(scale) for scale in scales):
        raise InputError(f"style_scale must be a number above 0, or one for each style, but is {given!r}")
    if len(scales) != styles:
        raise InputError(
            f"style_scale has {counted(len(scales), 'value')} for {counted(styles, 'style')}:"
            " give one for each style, or one number for all"
        )
    if settings.image.stretch.name != "none":
        raise InputError(
            f"style_scale={given!r} has no effect with image.stretch={settings.image.stretch.name}, which"
            " gives the styles the shape of the result: leave out one of them"
        )
    return tuple(float(scale) for scale in scales)


def scaled(size: int, scale: float) -> int:
    """The long side ``size`` in pixels times ``scale``, rounded, at least 1."""
    return max(1, round(size * scale))


def _pictures_of(name: str) -> list[str]:
    path = picture_path(name)
    if not path.is_dir():
        return [name]
    try:
        entries = sorted(entry.name for entry in path.iterdir() if entry.is_file())
    except OSError as error:
        raise InputError(f"the folder of styles {name} can't be read: {error.strerror}") from None
    found = [entry for entry in entries if entry[0] != "." and entry.lower().endswith(PICTURE_SUFFIXES)]
    if not found:
        holds = "is empty" if not entries else f"holds no picture among its {counted(len(entries), 'file')}"
        raise InputError(
            f"the folder of styles {name} {holds}: a picture is a file that ends in"
            f" {', '.join(sorted(PICTURE_SUFFIXES))}"
        )
    return [(Path(name) / entry).as_posix() for entry in found]


def _is_positive(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    )
