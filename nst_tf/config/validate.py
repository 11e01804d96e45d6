"""What is refused before TensorFlow is loaded: values out of range, files, layers, foreign targets."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from nst_tf.checks import check_layers, check_weight
from nst_tf.config.build import check_targets, made
from nst_tf.config.pictures import (
    check_there,
    several_pictures,
    stands_for_several,
    style_names,
    style_scales,
)
from nst_tf.config.schema import Settings, check_option_types, is_there, picture_path, user_path
from nst_tf.errors import InputError, counted
from nst_tf.files import sha256_of_file
from nst_tf.guidance import Regions
from nst_tf.guidance.masks import Guidance
from nst_tf.images.frames import (
    Frames,
    check_animation_suffix,
    frames_of_file,
    frames_of_files,
    write_archive,
)
from nst_tf.images.icc import SRGB, OutputProfile, profile_from_file, profile_of_picture
from nst_tf.images.pixels import SMALLEST_SIDE
from nst_tf.images.read import Picture, read_picture
from nst_tf.images.write import check_bits, check_suffix
from nst_tf.vgg.layers import check_layer_names, positions_factor
from nst_tf.video import Still, Video

# ----------------------------------------------------------------------------
# ``content=null``: a texture of the styles, of any size, without a content picture.

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


# ----------------------------------------------------------------------------
# The color profile of the result, found and checked before any work.

PROFILES = ("srgb", "content")
"""The words of ``record.profile`` that are no files."""


def output_profile(record: DictConfig, content: Picture, files: Mapping[str, Path]) -> OutputProfile:
    """The profile that ``record.profile`` names; ``files`` are read in the place of configured names.

    Raises InputError for one that no result could be converted into.
    """
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


# ----------------------------------------------------------------------------
# The word ``sweep.batch``: how many runs of a sweep are optimized at once.

AUTO = "auto"


def runs_at_once(batch: Any) -> int | None:
    """At most so many; None for auto. Raises InputError for anything but auto and whole numbers from 1."""
    if batch == AUTO:
        return None
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InputError(f"sweep.batch must be auto or a whole number of at least 1, but is {batch!r}")
    return batch


# ----------------------------------------------------------------------------
# Which of the objective's style layers each style has.

# Gatys, Ecker, Bethge, Hertzmann, Shechtman 2017, section 6: the fine scale of a style is in the layers
# conv1_1 and conv2_1, before and after the first pooling
_FINE_FACTOR = 2
FINE, COARSE = "fine", "coarse"


def style_layers(given: Any, styles: int, layers: Collection[str]) -> tuple[frozenset[str] | None, ...]:
    """The layers of each style, None for all of the objective's ``layers``.

    ``given`` is null, or has for each style null, a layer, a list of layers, or one of the words fine (blocks
    1 and 2) and coarse (deeper ones). Raises InputError for a wrong number, for a layer that the objective
    does not use, and for one that no style has.
    """
    if given is None:
        return (None,) * styles
    listed = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else None
    if listed is None:
        raise InputError(f"style_layers must be null or a list with one entry a style, but is {given!r}")
    if len(listed) != styles:
        raise InputError(
            f"style_layers has {counted(len(listed), 'value')} for {counted(styles, 'style')}: give"
            " one for each style, null for all layers"
        )
    found = tuple(_of_style(number, one, layers) for number, one in enumerate(listed))
    for layer in layers:
        if not any(one is None or layer in one for one in found):
            raise InputError(
                f"style_layers gives {layer} to no style: the objective uses {', '.join(layers)}; give it to"
                " one, or leave it out of layers.style"
            )
    return found


def _of_style(number: int, given: Any, layers: Collection[str]) -> frozenset[str] | None:
    if given is None:
        return None
    named = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else None
    if not named or not all(isinstance(one, str) for one in named):
        raise InputError(
            f"style_layers of style {number} must be null, {FINE}, {COARSE}, a layer or a list of layers, but"
            f" is {given!r}"
        )
    found: set[str] = set()
    for name in named:
        if name in (FINE, COARSE):
            fine = {layer for layer in layers if positions_factor(layer) <= _FINE_FACTOR}
            of_word = fine if name == FINE else set(layers) - fine
            if not of_word:
                raise InputError(f"style_layers: of {', '.join(layers)} no layer is {name}")
            found |= of_word
        elif name in layers:
            found.add(name)
        else:
            raise InputError(
                f"style_layers gives {name!r} to style {number}, but the objective uses {', '.join(layers)}"
                f" (or say {FINE} or {COARSE})"
            )
    return frozenset(found)


# ----------------------------------------------------------------------------
# Statistics that can't be taken of regions, or blended, by their names: their classes bring TensorFlow.

FIT = (
    "gram, covariance, correlation, channel_means, batch_normalization, mmd_linear, mmd_polynomial up to"
    " degree 2, gaussian_wasserstein, sliced_wasserstein and histogram_matching"
)
"""The options of objective/style whose positions can have weights, and of which there is a mean."""

# any other is asked when it is built: nst_tf.experiment
_UNFIT = ("NearestPatches",)
_WITH_KERNEL = "MaximumMeanDiscrepancy"


def check_statistic_of_regions(style: DictConfig) -> None:
    """Raise InputError for an ``objective.style`` whose statistic is known to take no weights."""
    if name := _unfit(style):
        raise InputError(not_of_regions(name))


def check_statistic_of_blends(style: DictConfig, blending: DictConfig) -> None:
    """Raise InputError for an ``objective.style`` whose statistic is known to have no mean of styles."""
    if _named(blending)[0] == "BlendedStatistics" and (name := _unfit(style)):
        raise InputError(not_blended(name))


def not_of_regions(name: str) -> str:
    """The sentence for a statistic that knows no weights of positions."""
    return (
        f"guidance=masks is not possible with the statistic {name}, which knows no weights of positions: it"
        f" is with {FIT}"
    )


def not_blended(name: str) -> str:
    """The sentence for a statistic that has no mean of several styles."""
    return (
        f"blending=statistics is not possible with the statistic {name}, of which there is no mean: it is"
        f" with {FIT}; say blending=losses"
    )


def _unfit(style: DictConfig) -> str | None:
    """The name of the statistic, with its kernel, if it is known to be unfit."""
    name, statistic = _named(style.get("statistic"))
    if name in _UNFIT:
        return name
    kernel, parameters = _named(statistic.get("kernel"))
    degree = parameters.get("degree", math.inf)
    if name == _WITH_KERNEL and isinstance(degree, (int, float)) and degree > 2:
        return f"{name} of the {kernel}"
    return None


def _named(description: Any) -> tuple[str, Mapping[Any, Any]]:
    """The class that a description names, without its module, and the description; empty if it is none."""
    if not isinstance(description, DictConfig):
        return "", {}
    return str(description.get("_target_")).rpartition(".")[2], description


# ----------------------------------------------------------------------------
# What a configuration says of animations, and the frames of the one that it names.


def video_of(settings: DictConfig) -> Video:
    """How the frames of an animation are made; ``Still`` where there is nothing to say (older runs).

    Raises InputError for values that no run could use, and where a needed package is not installed.
    """
    return made("video", settings.video) if settings.video else Still()


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


def frames_of(settings: DictConfig, files: Mapping[str, Path]) -> Frames | None:
    """The frames of a run's content; None where it is one picture, or nothing.

    ``files`` are read in the place of configured names. Raises InputError for a folder or glob where one
    picture is wanted, and for an animation of nothing.
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


# ----------------------------------------------------------------------------
# What can be refused before TensorFlow is loaded: values out of range, files, layers, foreign targets.

_TYPED = ("image", "objective", "layers", "model", "record", "stop", "sweep")  # groups that the schema lists

_LARGEST_FLOAT32 = 3.4028234e38  # IEEE 754, binary32

Files = Mapping[str, Path]
"""The file that is read in the place of a configured name: of a saved run, whose files may have moved."""

NO_FILES: Files = MappingProxyType({})


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


def check_settings(settings: DictConfig, choices: Mapping[str, str] | None, files: Files = NO_FILES) -> None:
    """Raise InputError for the first value that no run could use; reads no picture.

    ``choices`` maps each config group to the option chosen for it, whose file gives the types of its
    values; None for a saved configuration, which was checked so when it was made.
    """
    _check_keys(settings)
    if choices is not None:
        check_option_types(settings, choices)
    check_targets(OmegaConf.to_container(settings, resolve=True))
    _check_at_least("image.size", settings.image.size, SMALLEST_SIDE)
    if settings.image.style_size is not None:
        _check_at_least("image.style_size", settings.image.style_size, SMALLEST_SIDE)
    _check_at_least("steps", settings.steps, 1)
    if settings.average is not None and not 0 < settings.average < 1:
        raise InputError(f"average must be null or between 0 and 1, but is {settings.average}")
    _check_at_least("seed", settings.seed, 0)
    if settings.memory_limit is not None and not (
        settings.memory_limit > 0 and math.isfinite(settings.memory_limit)
    ):
        raise InputError(f"memory_limit must be null or above 0 GiB, but is {settings.memory_limit}")
    if settings.tile_size is not None:
        _check_at_least("tile_size", settings.tile_size, 1)
    if settings.stop.patience is not None:
        _check_at_least("stop.patience", settings.stop.patience, 1)
    if not 0 <= settings.stop.tolerance < 1:
        raise InputError(f"stop.tolerance must be at least 0 and below 1, but is {settings.stop.tolerance}")
    _check_at_least("record.image_every", settings.record.image_every, 0)
    _check_at_least("record.checkpoint_every", settings.record.checkpoint_every, 0)
    if Path(settings.record.picture).name != settings.record.picture:
        raise InputError(
            f"record.picture must be a file name without a folder, but is {settings.record.picture!r}:"
            " choose the folder with hydra.run.dir"
        )
    check_suffix(settings.record.picture)
    check_animation_suffix(settings.record.animation)
    check_bits(settings.record.picture, settings.record.bits)
    runs_at_once(settings.sweep.batch)
    for term in ("content", "style", "smoothness"):
        check_weight(f"objective.{term}", settings.objective[term].weight)
    for term in ("content", "style"):
        layers = layer_weights(term, settings.layers[term])
        check_layers(term, layers)
        check_layer_names(settings.model.name.name, layers)
    _check_weights_file(settings.model.weights, files)
    _check_learning_rate(settings.optimizer.get("learning_rate"))
    check_texture(settings)
    styles = len(style_names(settings.style))
    style_weights(settings, styles)
    style_scales(settings, styles)


def read_inputs(settings: DictConfig, files: Files = NO_FILES) -> Inputs:
    """Read the pictures; raises InputError for one that can't be read."""
    styles = style_names(settings.style)
    is_texture = settings.content is None
    if not is_texture and (not isinstance(settings.content, str) or not settings.content):
        raise InputError(f"content must be the path of one picture, but is {settings.content!r}")
    frames = frames_of(settings, files)
    if frames is not None:
        content = frames.first()
    else:
        content = canvas(settings) if is_texture else _picture(settings.content, files)
    inputs = inputs_of(settings, content, tuple(_picture(name, files) for name in styles), files)
    return replace(inputs, frames=frames)


def inputs_of(
    settings: DictConfig, content: Picture, styles: tuple[Picture, ...], files: Files = NO_FILES
) -> Inputs:
    """Content and styles with what the settings say of them; reads the masks, and raises InputError."""
    guidance: Guidance = made("guidance", settings.guidance)
    if guidance.masks:
        check_statistic_of_regions(settings.objective.style)
    if len(styles) > 1:
        check_statistic_of_blends(settings.objective.style, settings.blending)
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
        style_weights(settings, len(styles)),
        settings.content is None,
        output_profile(settings.record, content, files),
        style_layers(settings.style_layers, len(styles), layer_weights("style", settings.layers.style)),
        masks,
        regions,
    )


def layer_weights(term: str, layers: Any) -> dict[str, float]:
    """The weight of each layer: a mapping as it is, a list (or one name) in equal shares of 1."""
    if isinstance(layers, str):
        layers = [layers]
    if isinstance(layers, Mapping):
        return {str(name): weight for name, weight in layers.items()}
    if not isinstance(layers, Sequence):
        raise InputError(f"layers.{term} must be a layer, a list or a mapping to weights, but is {layers!r}")
    repeated = sorted({str(name) for name in layers if list(layers).count(name) > 1})
    if repeated:
        raise InputError(f"layers.{term} names {repeated[0]} twice: name a layer once, or give it a weight")
    return {str(name): 1.0 / len(layers) for name in layers}


def style_weights(settings: DictConfig, styles: int) -> tuple[float, ...]:
    """One weight for each style, equal if none is given; raises InputError for a wrong number or value."""
    given = settings.style_weights
    if given is None:
        return (1.0,) * styles
    weights = (
        [given] if isinstance(given, (int, float)) else list(given) if isinstance(given, Sequence) else None
    )
    if weights is None or not all(_is_number(weight) for weight in weights):
        raise InputError(f"style_weights must be a list of numbers, but is {given!r}")
    if len(weights) != styles:
        raise InputError(
            f"style_weights has {counted(len(weights), 'value')} for {counted(styles, 'style')}:"
            " give one for each style"
        )
    if min(weights) < 0 or not sum(weights) > 0 or not math.isfinite(sum(weights)):
        raise InputError(f"style_weights must be at least 0 with a sum above 0, but are {weights}")
    return tuple(float(weight) for weight in weights)


def _picture(name: str, files: Files) -> Picture:
    if name in files:
        return read_picture(files[name])
    check_there(name)
    return read_picture(picture_path(name))


@cache
def _schema() -> DictConfig:
    return OmegaConf.structured(Settings)


def _check_keys(settings: DictConfig) -> None:
    """Refuse what ``+key=value`` added where the schema has no such key, and what ``~key`` took away."""
    known = _schema()
    for prefix, node, schema in (
        ("", settings, known),
        *((f"{key}.", settings[key], known[key]) for key in _TYPED),
    ):
        if not isinstance(node, DictConfig):  # an interpolation may lead to anything
            raise InputError(f"{prefix[:-1]} must be a mapping of {', '.join(schema)}, but is {node!r}")
        for key in node:
            if key not in schema.keys():  # noqa: SIM118  (a missing value is not `in`)
                raise InputError(f"unknown key {prefix + str(key)!r}: it is not in the configuration")
        for key in schema.keys():  # noqa: SIM118
            if key not in node.keys() or OmegaConf.is_missing(node, str(key)):  # noqa: SIM118
                raise InputError(f"{prefix}{key} has no value: a run needs one")


def _check_weights_file(weights: str, files: Files) -> None:
    named = os.environ.get("NST_TF_WEIGHTS")
    if weights == "auto" and named and not user_path(named).is_file():
        raise InputError(f"NST_TF_WEIGHTS={named!r} is not a file: give its path, or unset the variable")
    path = files.get(weights) or user_path(weights)
    if weights not in ("auto", "random") and not path.is_file():
        check_there(weights)
        raise InputError(f"model.weights={weights!r} is not a file: give its path, auto or random")


def _check_learning_rate(rate: Any, key: str = "optimizer.learning_rate") -> None:
    if isinstance(rate, Mapping):  # a schedule
        _check_learning_rate(rate.get("initial_learning_rate"), f"{key}.initial_learning_rate")
    elif _is_number(rate) and not 0 < rate <= _LARGEST_FLOAT32:
        raise InputError(f"{key} must be above 0 and finite in float32, but is {rate}")


def _check_at_least(key: str, value: float, smallest: int) -> None:
    if value < smallest:
        raise InputError(f"{key} must be at least {smallest}, but is {value}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
