"""What can be refused before TensorFlow is loaded: values out of range, files, layers, foreign targets."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.guidance import Guidance
from nst_tf.configuration.made import made
from nst_tf.configuration.named_files import check_there
from nst_tf.configuration.option_types import check_option_types
from nst_tf.configuration.output import output_profile
from nst_tf.configuration.places import picture_path, user_path
from nst_tf.configuration.runs_at_once import runs_at_once
from nst_tf.configuration.schema import Settings
from nst_tf.configuration.style_layers import style_layers
from nst_tf.configuration.styles import style_names, style_scales
from nst_tf.configuration.targets import check_targets
from nst_tf.configuration.textures import canvas, check_texture
from nst_tf.configuration.unfit_statistics import check_statistic_of_blends, check_statistic_of_regions
from nst_tf.configuration.video import frames_of
from nst_tf.counted import counted
from nst_tf.errors import InputError
from nst_tf.images.animation import check_animation_suffix
from nst_tf.images.frames import Frames
from nst_tf.images.output_profile import SRGB, OutputProfile
from nst_tf.images.pixels import SMALLEST_SIDE
from nst_tf.images.read import Picture, read_picture
from nst_tf.images.write import check_bits, check_suffix
from nst_tf.regions import Regions
from nst_tf.vgg.layer_names import check_layer_names
from nst_tf.weighting import check_layers, check_weight

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
