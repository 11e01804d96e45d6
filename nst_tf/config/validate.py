"""``validate``: the door for the settings of every run, before pictures are read or TensorFlow loaded."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from nst_tf.config.build import check_targets
from nst_tf.config.inputs import (
    COARSE,
    FINE,
    NO_FILES,
    Files,
    fine_and_coarse,
    layer_weights,
    style_layers,
    style_terms,
)
from nst_tf.config.pictures import check_there, style_names
from nst_tf.config.schema import (
    RecordSettings,
    Settings,
    as_list,
    option_values,
    user_path,
    value_at,
)
from nst_tf.errors import InputError, check_layers, check_weight, counted, is_whole, require
from nst_tf.images.frames import check_animation_suffix
from nst_tf.images.pixels import SMALLEST_SIDE
from nst_tf.images.write import check_bits, check_suffix
from nst_tf.pyramid import check_by_size
from nst_tf.vgg.layers import check_layer_names

GROUPS_WITH_ONE_OPTION = (
    *("model", "objective", "balance", "layers", "optimizer", "init", "pyramid", "color"),
    *("guidance", "blending", "video", "parameterization"),
)

_LARGEST_FLOAT32 = 3.4028234e38  # IEEE 754, binary32


def validate(settings: Settings, choices: Mapping[str, str] | None, files: Files = NO_FILES) -> None:
    """Raise InputError for the first setting that no run could use.

    ``choices`` maps each config group to the option chosen for it, whose file gives the types of its
    values; None for a saved configuration, which was checked so when it was made. ``files`` are read in the
    place of configured names.
    """
    _check_keys(settings)
    if choices is not None:
        _check_types(settings, choices)
    check_targets(OmegaConf.to_container(settings, resolve=True))
    _check_numbers(settings)
    _check_labels(settings)
    _check_record(settings.record)
    for term in ("content", "style", "smoothness"):
        check_weight(f"objective.{term}", getattr(settings.objective, term).weight)
    check_weight("objective.structure", settings.objective.structure.get("weight", 0.0))
    for term in ("content", "style"):
        _check_layers(f"layers.{term}", getattr(settings.layers, term), settings.model.name.name)
    _check_terms(settings)
    _check_weights_file(settings.model.weights, files)
    _check_learning_rate(settings.optimizer.get("learning_rate"))
    _check_content(settings)
    styles = len(style_names(settings.style))
    _check_style_weights(settings.style_weights, styles)
    _check_style_scale(settings, styles)
    _check_style_layers(settings.style_layers, styles, layer_weights(settings.layers.style))
    _check_statistic(settings, styles)
    _check_choices(settings)


# ---- Keys and types ----

_GROUPS_OF_SCHEMA = ("image", "objective", "layers", "model", "record", "stop", "sweep")
# hydra is not ours, experiments lay values anywhere, and the schema types the others
_NOT_TYPED_BY_FILE = ("hydra", "experiment", "layers", "model", "logger")


def _check_keys(settings: Settings) -> None:
    """Refuse what ``+key=value`` added where the schema has no such key, and what ``~key`` took away."""
    known = _schema()
    for prefix, node, schema in (
        ("", settings, known),
        *((f"{key}.", getattr(settings, key), known[key]) for key in _GROUPS_OF_SCHEMA),
    ):
        if not isinstance(node, DictConfig):  # an interpolation may lead to anything
            raise InputError(f"{prefix[:-1]} must be a mapping of {', '.join(schema)}, but is {node!r}")
        for key in node:
            if key not in schema.keys():  # noqa: SIM118  (a missing value is not `in`)
                raise InputError(f"unknown key {prefix + str(key)!r}: it is not in the configuration")
        for key in schema.keys():  # noqa: SIM118
            if key not in node.keys() or OmegaConf.is_missing(node, str(key)):  # noqa: SIM118
                raise InputError(f"{prefix}{key} has no value: a run needs one")


@cache
def _schema() -> DictConfig:
    return OmegaConf.structured(Settings)


def _check_types(settings: Settings, choices: Mapping[str, str]) -> None:
    """Refuse a value of another type than in the file of the chosen option.

    A number may stand for any number, but not for a word; what is null in the file may be anything.
    """
    for group in GROUPS_WITH_ONE_OPTION:
        if group not in choices:  # Hydra takes a list of options as well, and notes no choice then
            raise InputError(f"{group} must have one option, not a list of them: say {group}=OPTION")
    for choice, option in choices.items():
        group, _, package = choice.partition("@")  # objective/style@objective.terms.NAME
        if option is not None and group.partition("/")[0] not in _NOT_TYPED_BY_FILE:
            key = package or group.replace("/", ".")
            _compare(key, option_values(group, option), _group(settings, key))
    # several at once: Hydra notes no choice then, but each stands under its own name
    loggers = _group(settings, "logger")
    for name in loggers:
        _compare("logger", option_values("logger", name), loggers)


def _group(settings: Settings, key: str) -> Any:
    node = value_at(settings, key)
    if not isinstance(node, DictConfig):
        raise InputError(
            f"{key}={node} is not possible: choose an option with {key.replace('.', '/')}=OPTION"
        )
    return OmegaConf.to_container(node, resolve=True)


def _compare(key: str, expected: Any, received: Any) -> None:
    if isinstance(expected, dict):
        # layers may be a mapping, a list or a name: see _check_layers
        if isinstance(received, dict):
            for name, value in expected.items():
                if name in received:
                    _compare(f"{key}.{name}", value, received[name])
        return
    if isinstance(received, float):
        require(math.isfinite(received), key, received, "a finite number")
    if expected is None or isinstance(expected, list) or key.endswith(".layers"):
        return
    if isinstance(expected, bool) or isinstance(received, bool):
        right = isinstance(expected, bool) == isinstance(received, bool)
    elif isinstance(expected, int) and isinstance(received, float):
        right = False
    else:
        right = not isinstance(expected, (int, float)) or isinstance(received, (int, float, type(None)))
    kinds = {bool: "true or false", int: "a whole number"}
    require(right, key, received, kinds.get(type(expected), "a number"))


# ---- Numbers, and the files of the result ----


def _check_numbers(settings: Settings) -> None:
    _check_at_least("image.size", settings.image.size, SMALLEST_SIDE)
    _check_at_least("image.style_size", settings.image.style_size, SMALLEST_SIDE)
    _check_at_least("steps", settings.steps, 1)
    average, limit, tolerance = settings.average, settings.memory_limit, settings.stop.tolerance
    require(average is None or 0 < average < 1, "average", average, "null or between 0 and 1")
    _check_at_least("seed", settings.seed, 0)
    require(limit is None or 0 < limit < math.inf, "memory_limit", limit, "null or above 0 GiB")
    _check_at_least("tile_size", settings.tile_size, 1)
    _check_at_least("stop.patience", settings.stop.patience, 1)
    require(0 <= tolerance < 1, "stop.tolerance", tolerance, "at least 0 and below 1")
    batch = settings.sweep.batch
    require(
        batch == "auto" or is_whole(batch, 1), "sweep.batch", batch, "auto or a whole number of at least 1"
    )


_LONGEST_NAME = 80  # letters: what a caption of the contact sheet and a row of a terminal have room for


def _check_labels(settings: Settings) -> None:
    for key, text in (("name", settings.name), ("notes", settings.notes)):
        require(text is None or bool(text.strip()), key, text, "null or a text")
    name = settings.name or ""
    require(
        len(name) <= _LONGEST_NAME and name.isprintable(),
        "name",
        name,
        f"one line of up to {_LONGEST_NAME} letters",
    )
    tags = as_list(settings.tags)
    require(
        all(isinstance(tag, str) and tag and "," not in tag for tag in tags),
        "tags",
        settings.tags,
        "a list of words, such as [baseline,paper]",
    )


def _check_record(record: RecordSettings) -> None:
    _check_at_least("record.image_every", record.image_every, 0)
    _check_at_least("record.checkpoint_every", record.checkpoint_every, 0)
    require(
        Path(record.picture).name == record.picture,
        "record.picture",
        record.picture,
        "a file name without a folder",
        ": choose the folder with hydra.run.dir",
    )
    check_suffix(record.picture)
    check_animation_suffix(record.animation)
    check_bits(record.picture, record.bits)


def _check_at_least(key: str, value: float | None, smallest: int) -> None:
    """Null is possible where the schema says so."""
    require(value is None or value >= smallest, key, value, f"at least {smallest}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# ---- The network and the optimizer ----


_OTHER_PARTS = ("content", "style", "smoothness", "temporal", "structure", "loss")
"""What a further term of style can't be called, because another part of the loss is."""


def _check_terms(settings: Settings) -> None:
    """Refuse further terms of style without a weight, with a name that is taken, or with wrong layers."""
    terms = settings.objective.terms
    if not isinstance(terms, DictConfig):
        raise InputError(
            f"objective.terms must be a mapping of names to terms of style, but is {terms!r}: say"
            " +objective/style@objective.terms.NAME=OPTION"
        )
    for name, term in terms.items():
        key = f"objective.terms.{name}"
        right = isinstance(name, str) and name.isidentifier() and name not in _OTHER_PARTS
        require(right, "a name in objective.terms", name, f"a word other than {', '.join(_OTHER_PARTS)}")
        if not isinstance(term, DictConfig) or "weight" not in term:
            raise InputError(
                f"{key} must be a term of style, but is {term!r}: say +objective/style@{key}=OPTION"
            )
        check_weight(key, term.weight)
        if term.get("layers") is not None:
            _check_layers(f"{key}.layers", term.layers, settings.model.name.name)
    for key, term in {"objective.content": settings.objective.content, **style_terms(settings)}.items():
        given = term.get("weight_by_size")
        check_by_size(f"{key}.weight_by_size", list(given) if OmegaConf.is_list(given) else given)


def _check_layers(key: str, layers: Any, network: str) -> None:
    right = isinstance(layers, (str, Mapping, Sequence))
    require(right, key, layers, "a layer, a list or a mapping to weights")
    names = list(layers) if isinstance(layers, Mapping) else as_list(layers)
    repeated = sorted({str(name) for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{key} names {repeated[0]} twice: name a layer once, or give it a weight")
    weights = layer_weights(layers)
    check_layers(key, weights)
    check_layer_names(network, weights)


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


# ---- Content and styles ----


def _check_content(settings: Settings) -> None:
    """Refuse a content term without a content, and an aspect where there is a content."""
    content, aspect = settings.content, settings.image.aspect
    if content is not None:
        is_path = isinstance(content, str) and bool(content)
        require(is_path, "content", content, "the path of one picture")
        if aspect is not None:
            raise InputError(
                f"image.aspect={aspect} is for textures, but content={content} has its own: say"
                " content=null or leave it out"
            )
        return
    if settings.objective.content.weight > 0:
        raise InputError(
            "content=null has nothing for the content term, whose objective.content.weight is"
            f" {settings.objective.content.weight}: say experiment=texture, or objective=relative,"
            " objective.content.weight=0 and init=noise"
        )
    if settings.objective.structure.get("weight", 0.0) > 0:
        raise InputError(
            "objective/structure compares the pixels with those of a content picture, but content=null: say"
            " objective/structure=none"
        )
    for key, term in style_terms(settings).items():
        if term.get("relative_to_content"):
            raise InputError(
                f"{key}.relative_to_content=true needs a content picture, but content=null: say"
                " objective=relative, as experiment=texture does, or another without it"
            )
    right = aspect is None or 0 < aspect < math.inf
    require(right, "image.aspect", aspect, "width / height, above 0")


def _check_style_weights(given: Any, styles: int) -> None:
    if given is None:
        return
    weights = as_list(given)
    require(all(_is_number(weight) for weight in weights), "style_weights", given, "a list of numbers")
    _check_count("style_weights", weights, styles, "give one for each style")
    if min(weights) < 0 or not sum(weights) > 0 or not math.isfinite(sum(weights)):
        raise InputError(f"style_weights must be at least 0 with a sum above 0, but are {weights}")


def _check_style_scale(settings: Settings, styles: int) -> None:
    given = settings.style_scale
    if given is None:
        return
    scales = as_list(given)
    right = all(_is_number(scale) and 0 < scale < math.inf for scale in scales)
    require(right, "style_scale", given, "a number above 0, or one for each style")
    if OmegaConf.is_list(given):
        _check_count("style_scale", scales, styles, "give one for each style, or one number for all")
    if settings.image.stretch.name != "none":
        raise InputError(
            f"style_scale={given!r} has no effect with image.stretch={settings.image.stretch.name}, which"
            " gives the styles the shape of the result: leave out one of them"
        )


def _check_style_layers(given: Any, styles: int, layers: Collection[str]) -> None:
    """Refuse a wrong number, a layer that the objective does not use, and one that no style has."""
    if given is None:
        return
    right = isinstance(given, (str, Sequence))
    require(right, "style_layers", given, "null or a list with one entry a style")
    _check_count("style_layers", as_list(given), styles, "give one for each style, null for all layers")
    used = ", ".join(layers)
    for number, of_style in enumerate(as_list(given)):
        if of_style is None:
            continue
        names = as_list(of_style)
        right = bool(names) and all(isinstance(name, str) for name in names)
        wanted = f"null, {FINE}, {COARSE}, a layer or a list of layers"
        require(right, f"style_layers of style {number}", of_style, wanted)
        for name in names:
            if name in (FINE, COARSE) and not fine_and_coarse(layers)[name]:
                raise InputError(f"style_layers: of {used} no layer is {name}")
            if name not in (FINE, COARSE, *layers):
                raise InputError(
                    f"style_layers gives {name!r} to style {number}, but the objective uses {used}"
                    f" (or say {FINE} or {COARSE})"
                )
    found = style_layers(given, styles, layers)
    for layer in layers:
        if not any(one is None or layer in one for one in found):
            raise InputError(
                f"style_layers gives {layer} to no style: the objective uses {used}; give it to"
                " one, or leave it out of layers.style"
            )


def _check_count(key: str, values: Sequence[Any], styles: int, right: str) -> None:
    if len(values) != styles:
        raise InputError(f"{key} has {counted(len(values), 'value')} for {counted(styles, 'style')}: {right}")


# ---- Choices that exclude each other, by the names of their classes: to import one brings TensorFlow ----

_WITH_LINE_SEARCH = ("LBFGS", "ScipyLBFGSB")
_OPTIMIZED_AS_SAVED = ("Unchanged", "OfStyle", "MatchStyleToContent")
_WITHOUT_CONTENT = ("Unchanged", "OfStyle")

_JOINT = ("HypercolumnMoments", "MatchedHypercolumns", "RelaxedTransport")

_WITH_WEIGHTS = (
    "gram, covariance, correlation, channel_means, batch_normalization, mmd_linear, mmd_polynomial up to"
    " degree 2, gaussian_wasserstein, sliced_wasserstein and histogram_matching"
)
"""The options of objective/style whose positions can have weights, and of which there is a mean."""


def _check_statistic(settings: Settings, styles: int) -> None:
    """Refuse a statistic that knows no weights of positions or has no mean of styles where one is needed."""
    for term in style_terms(settings).values():
        joint = _class_name(term.get("statistic"))
        if joint in _JOINT and settings.style_layers is not None:
            raise InputError(
                f"style_layers is not possible with the statistic {joint}, which describes all layers"
                " together: say style_layers=null"
            )
        name = _statistic_without_weights(term)
        if name and _class_name(settings.guidance) == "MaskGuidance":
            raise InputError(
                f"guidance=masks is not possible with the statistic {name}, which knows no weights of"
                f" positions: it is with {_WITH_WEIGHTS}"
            )
        without_mean = name or (joint if joint in _JOINT else None)
        if without_mean and styles > 1 and _class_name(settings.blending) == "BlendedStatistics":
            raise InputError(
                f"blending=statistics is not possible with the statistic {without_mean}, of which there is no"
                f" mean: it is with {_WITH_WEIGHTS}; say blending=losses"
            )


def _check_resampling(settings: Settings) -> None:
    """Refuse a method that compares the losses of several steps where each step looks at other positions."""
    if "history_size" not in settings.optimizer:
        return
    comparing = {f"{key}.statistic": term.get("statistic") for key, term in style_terms(settings).items()}
    comparing["objective.content.distance"] = settings.objective.content.get("distance")
    for key, one in comparing.items():
        if isinstance(one, DictConfig) and one.get("resample"):
            raise InputError(
                f"{key}.resample=true looks at other positions at every step, and an optimizer with a"
                f" history ({_class_name(settings.optimizer)}) compares the losses of several: say"
                f" optimizer=adam, or {key}.resample=false"
            )


def _check_choices(settings: Settings) -> None:
    """Refuse choices of several groups that are possible one by one."""
    objective, color = settings.objective, _class_name(settings.color)
    _check_resampling(settings)
    others = (objective.content, objective.smoothness, objective.structure)
    if not (style_terms(settings) or any(term.get("weight", 0.0) > 0 for term in others)):
        raise InputError("every term of the objective has weight 0: give content or style a weight above 0")
    if settings.average is not None and _class_name(settings.optimizer) in _WITH_LINE_SEARCH:
        # among what it asks for are trials that it takes back, and its first steps are its largest
        raise InputError(
            f"average={settings.average} is for optimizers of small steps without a line search, such as"
            " optimizer=adam: an average over a line search is worse than its best image"
        )
    if settings.content is None and _class_name(settings.init) == "ContentStart":
        raise InputError("init=content needs a content picture, but content=null: say init=noise")
    if settings.content is None and color not in _WITHOUT_CONTENT:
        raise InputError("content=null has no colors for color=...: leave it out, or say color=none")
    is_kept_near = _class_name(settings.video) == "FollowFlow" and settings.video.get("weight") != 0
    if is_kept_near and color not in _OPTIMIZED_AS_SAVED:
        raise InputError(
            "color=of_style, color=none and color=match_style_to_content go with video=flow: in another color"
            " than it is optimized in, a result can't be compared with the one before; or say video.weight=0"
        )


def _statistic_without_weights(style: DictConfig) -> str | None:
    """The name of the statistic, with its kernel, if it is one of those."""
    statistic = style.get("statistic")
    name = _class_name(statistic)
    if name in ("Contextual", "MatchedHypercolumns", "NearestFeatures", "NearestPatches"):
        return name
    if name == "MaximumMeanDiscrepancy":
        kernel = statistic.get("kernel")
        degree = kernel.get("degree", math.inf) if isinstance(kernel, DictConfig) else math.inf
        if isinstance(degree, (int, float)) and degree > 2:
            return f"{name} of the {_class_name(kernel)}"
    return None


def _class_name(description: Any) -> str:
    """The class that a description names, without its module; empty if it is none."""
    return str(description.get("_target_")).rpartition(".")[2] if isinstance(description, DictConfig) else ""
