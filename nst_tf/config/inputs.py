"""The pictures of a run, read: content or frames, styles, masks, and what the settings say of each.

The settings were validated before (``nst_tf.config.validate``): here only files and pictures are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from nst_tf.config.build import build
from nst_tf.config.pictures import check_there, several_pictures, stands_for_several, style_names
from nst_tf.config.schema import RecordSettings, Settings, as_list, is_there, picture_path, user_path
from nst_tf.errors import InputError
from nst_tf.files import sha256_of_file
from nst_tf.guidance import Regions
from nst_tf.guidance.masks import Guidance
from nst_tf.images.frames import Frames, frames_of_file, frames_of_files, write_archive
from nst_tf.images.icc import SRGB, OutputProfile, profile_from_file, profile_of_picture
from nst_tf.images.read import Picture, read_picture
from nst_tf.vgg.layers import positions_factor
from nst_tf.video import Still, Video

Files = Mapping[str, Path]
"""The file that is read in the place of a configured name: of a saved run, whose files may have moved."""

NO_FILES: Files = MappingProxyType({})

PROFILES = ("srgb", "content")
"""The words of ``record.profile`` that are no files."""

FINE, COARSE = "fine", "coarse"
"""The words of ``style_layers`` for blocks 1 and 2, and for deeper ones."""

# Gatys, Ecker, Bethge, Hertzmann, Shechtman 2017, section 6: the fine scale of a style is in the layers
# conv1_1 and conv2_1, before and after the first pooling
_FINE_FACTOR = 2
_GREY = np.float32(0.5)


@dataclass(frozen=True)
class Inputs:
    """The pictures of a run, read, and the weight and layers of each style.

    ``is_texture``: there is no content, and ``content`` only has the shape of the result. ``masks`` are those
    of the content and of the styles, or none at all; ``regions`` what they say.
    Of an animation, ``content`` is the first of the ``frames`` that can be read.
    """

    content: Picture
    styles: tuple[Picture, ...]
    style_weights: tuple[float, ...]
    is_texture: bool = False
    profile: OutputProfile = SRGB
    """Of the result."""
    style_layers: tuple[frozenset[str] | None, ...] = ()
    masks: tuple[Picture | None, ...] = ()
    regions: Regions | None = None
    frames: Frames | None = None


def read_inputs(settings: Settings, files: Files = NO_FILES) -> Inputs:
    """Read the pictures; raises InputError for one that can't be read."""
    styles = style_names(settings.style)
    is_texture = settings.content is None
    frames = _frames_of(settings, files)
    if frames is not None:
        content = frames.first()
    else:
        content = canvas(settings) if is_texture else _picture(settings.content, files)
    inputs = inputs_of(settings, content, tuple(_picture(name, files) for name in styles), files)
    return replace(inputs, frames=frames)


def inputs_of(
    settings: Settings, content: Picture, styles: tuple[Picture, ...], files: Files = NO_FILES
) -> Inputs:
    """Content and styles with what the settings say of them; reads the masks, and raises InputError."""
    guidance: Guidance = build("guidance", settings.guidance)
    masks = tuple(None if name is None else _picture(name, files) for name in guidance.masks)
    regions = guidance.divided(content, styles, masks)
    if settings.content is None and regions is not None and regions.kept is not None:
        raise InputError(
            "content=null has no pixels to keep in a region without a style: say guidance.keep_pixels=false"
        )
    one_style_each = regions is not None and all(len(numbers) == 1 for numbers in regions.styles_of)
    if one_style_each and settings.style_weights is not None:
        raise InputError(
            "style_weights has nothing to weigh where every region has one style: say guidance.shares"
        )
    return Inputs(
        content,
        styles,
        style_weights(settings.style_weights, len(styles)),
        settings.content is None,
        _output_profile(settings.record, content, files),
        style_layers(settings.style_layers, len(styles), layer_weights(settings.layers.style)),
        masks,
        regions,
    )


def canvas(settings: Settings) -> Picture:
    """Where a texture goes: grey, its long side ``image.size``, its width ``image.aspect`` of its height."""
    size, aspect = settings.image.size, settings.image.aspect or 1.0
    short = max(1, round(size * min(aspect, 1 / aspect)))
    height, width = (short, size) if aspect >= 1 else (size, short)
    return Picture(np.broadcast_to(_GREY, (height, width, 3)), None, "the texture", "")


def _picture(name: str, files: Files) -> Picture:
    if name in files:
        return read_picture(files[name])
    check_there(name)
    return read_picture(picture_path(name))


def _output_profile(record: RecordSettings, content: Picture, files: Files) -> OutputProfile:
    """The profile that ``record.profile`` names; InputError for one that no result can be converted into."""
    name = record.profile
    if name == "srgb":
        return SRGB
    if name == "content":
        profile = profile_of_picture(content.file)
    elif name in files:
        profile = profile_from_file(files[name], name)
    else:
        check_there(name)
        profile = profile_from_file(user_path(name), name)
    profile.check(record.bits)
    return profile


# ---- The settings that may be one value or a list of them ----


def layer_weights(layers: Any) -> dict[str, float]:
    """The weight of each layer: a mapping as it is, a list (or one name) in equal shares of 1."""
    if isinstance(layers, Mapping):
        return {str(name): weight for name, weight in layers.items()}
    names = as_list(layers)
    return {str(name): 1.0 / len(names) for name in names}


def style_terms(settings: Settings) -> dict[str, Any]:
    """The descriptions of the terms of style that have a weight, by their keys."""
    objective = settings.objective
    terms = {"objective.style": objective.style}
    terms |= {f"objective.terms.{name}": term for name, term in objective.terms.items()}
    return {key: term for key, term in terms.items() if term.weight > 0}


def layers_of_term(settings: Settings, name: str) -> dict[str, float]:
    """The weight of each layer of a further term of style: its own, or those of the first term where null."""
    own: Any = settings.objective.terms[name].get("layers")
    return layer_weights(settings.layers.style if own is None else own)


def style_weights(given: Any, styles: int) -> tuple[float, ...]:
    """One weight for each style, equal if none is given."""
    return (1.0,) * styles if given is None else tuple(float(weight) for weight in as_list(given))


def style_scales(settings: Settings, styles: int) -> tuple[float, ...] | None:
    """What the long side of each style is multiplied by, one number for all or one each; None for null."""
    given = settings.style_scale
    if given is None:
        return None
    return tuple(float(scale) for scale in (as_list(given) if OmegaConf.is_list(given) else [given] * styles))


def scaled(size: int, scale: float) -> int:
    """The long side ``size`` in pixels times ``scale``, rounded, at least 1."""
    return max(1, round(size * scale))


def style_layers(given: Any, styles: int, layers: Collection[str]) -> tuple[frozenset[str] | None, ...]:
    """The layers of each style, None for all of the objective's ``layers``.

    ``given`` is null, or has for each style null, a layer, a list of layers, or one of the words fine (blocks
    1 and 2) and coarse (deeper ones).
    """
    if given is None:
        return (None,) * styles
    words = fine_and_coarse(layers)
    return tuple(
        None
        if one is None
        else frozenset(layer for name in as_list(one) for layer in words.get(name, {name}))
        for one in as_list(given)
    )


def fine_and_coarse(layers: Collection[str]) -> dict[str, set[str]]:
    """Those of the layers that each of the two words stands for."""
    fine = {layer for layer in layers if positions_factor(layer) <= _FINE_FACTOR}
    return {FINE: fine, COARSE: set(layers) - fine}


# ---- Animations: the frames that ``content`` names ----


def video_of(settings: Settings) -> Video:
    """How the frames of an animation are made; ``Still`` where there is nothing to say (older runs).

    Raises InputError for values that no run could use, and where a needed package is not installed.
    """
    return build("video", settings.video) if settings.video else Still()


def frames_named(name: str, file: Path | None = None) -> Frames:
    """The frames of the animation that is configured as ``name``, read from ``file`` if that is given.

    A name is an animated file, a folder, a glob, a pattern such as frames/%04d.png, or the archive of frames
    that a run keeps. Raises InputError if it holds fewer than two frames, or frames of different sizes.
    """
    if file is not None and file.is_file():
        return frames_of_file(file)
    name = name if file is None else str(file)
    if stands_for_several(name):
        return frames_of_files(name, [picture_path(one) for one in several_pictures(name)])
    return frames_of_file(picture_path(name))


def _frames_of(settings: Settings, files: Files) -> Frames | None:
    """The frames of a run's content; None where it is one picture, or nothing.

    Raises InputError for a folder or glob where one picture is wanted, and for an animation of nothing.
    """
    name = settings.content
    if video_of(settings).takes_frames:
        if name is None:
            raise InputError("video needs an animation: say content=FILE, or leave out video=...")
        check_there(name)
        return frames_named(name, files.get(name))
    if name is not None and name not in files and stands_for_several(name):
        raise InputError(
            f"content={name} names several pictures: say so on the command line of nst for one run each, or"
            " video=flow if they are the frames of an animation"
        )
    return None


def is_source(path: Path) -> bool:
    """Whether there is such a file, or such frames."""
    return (is_there(path) and path.is_file()) or bool(_frames_at(path))


def sha256_of_source(path: Path) -> str:
    """Of a file, or of the archive that frames make."""
    return sha256_of_file(path) if path.is_file() else write_archive(_frames_at(path))


def _frames_at(path: Path) -> list[Path]:
    try:
        return [Path(one) for one in several_pictures(str(path))] if stands_for_several(str(path)) else []
    except InputError:
        return []
