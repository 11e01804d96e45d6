"""memory=auto: how a run holds its activations, chosen before any work, and what can't fit refused."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from omegaconf import DictConfig

from nst_tf.available_memory import available_bytes
from nst_tf.configuration.checks import Inputs, layer_weights
from nst_tf.configuration.styles import style_scales
from nst_tf.errors import InputError
from nst_tf.run.memory_estimate import TILE_SIZES, Demand, Mode, peak_bytes, pictures_within
from nst_tf.run.optimizer_memory import images_of_optimizer
from nst_tf.run.processor import foreseen_precision
from nst_tf.run.shapes import shapes_at
from nst_tf.run.size_limits import check_sizes, in_words, largest_sizes
from nst_tf.run.typed import Typed, is_typed
from nst_tf.vgg.layer_names import reach_of
from nst_tf.visible_gpus import visible_gpus

_NUMBER = {"float32": 4, "bfloat16": 2, "float16": 2}  # bytes
_IN_PIECES = (
    "Gram",
    "Covariance",
    "Correlation",
    "ChannelMeans",
    "BatchNormalizationStatistics",
    "GaussianWasserstein",
)
# images [H, W, 3] in float32 beside those of the optimizer: the content, what is seen and its gradient, ...
_OF_COLOUR = {"Luminance": 4, "Recombine": 2, "Only": 1}
_GIB = 2**30
_SPARE = 0.97  # of the free memory: a browser's tab comes and goes

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Memory:
    """The mode, the side of a tile (None without tiles), and a line for a person, or None if all is plain."""

    mode: Mode
    tile_size: int | None = None
    said: str | None = None


def check_memory(settings: DictConfig, inputs: Inputs, typed: Typed = None) -> None:
    """Raise InputError, before TensorFlow is loaded, for a run that can't fit into this machine.

    With an NVIDIA GPU nothing is known yet: TensorFlow may use it or not. Of what was not ``typed``, but
    stands in a saved configuration, what is possible takes the place of what is not.
    """
    precision = foreseen_precision(_named(settings.precision), is_typed("precision", typed))
    available = None if visible_gpus() else available_bytes()
    chosen_memory(settings, inputs, available, precision, typed)


def resolve_memory(settings: DictConfig, inputs: Inputs, available: int | None, typed: Typed = None) -> None:
    """Write the mode, and the side of a tile, into the settings, whose precision must be resolved."""
    chosen = chosen_memory(settings, inputs, available, _named(settings.precision), typed)
    settings.memory, settings.tile_size = chosen.mode.name, chosen.tile_size
    if chosen.said:
        _log.info("%s", chosen.said)


def chosen_memory(
    settings: DictConfig, inputs: Inputs, available: int | None, precision: str, typed: Typed = None
) -> Memory:
    """The mode for a run in ``available`` bytes; ``memory_limit`` of the settings goes before those.

    ``auto`` is plain where its estimate fits, else recompute, else tiles. Raises InputError for a run that
    fits in none, or whose pictures would be too small or too large, naming the largest sizes that are
    possible, and for tiles that can't be. A mode that was not ``typed`` gives way to ``auto`` before that.
    """
    wanted = _named(settings.memory)
    try:
        return _chosen_memory(settings, inputs, available, precision)
    except InputError:
        if wanted == "auto" or is_typed("memory", typed) or is_typed("tile_size", typed):
            raise
    settings = settings.copy()
    settings.memory, settings.tile_size = "auto", None
    chosen = _chosen_memory(settings, inputs, available, precision)
    return replace(
        chosen, said=f"saved with memory: {wanted}, which is not possible here: {chosen.mode.name}"
    )


def _chosen_memory(settings: DictConfig, inputs: Inputs, available: int | None, precision: str) -> Memory:
    if settings.memory_limit is not None:
        available = round(settings.memory_limit * _GIB)
    check_sizes(settings, inputs, lambda: _largest(settings, inputs, available, precision))
    demand = demand_of(settings, inputs, precision, settings.image.size)
    wanted = _named(settings.memory)
    check_tiles(settings, demand, wanted)
    candidates = _candidates(settings, demand, wanted)
    first, first_bytes = candidates[0], peak_bytes(demand, *candidates[0])
    if available is None:
        return Memory(*first)
    for mode, tile_size in candidates:
        if peak_bytes(demand, mode, tile_size) <= available:
            found = Memory(mode, tile_size)
            if (mode, tile_size) == first:
                return found
            tiles = f" of {tile_size} pixels" if tile_size else ""
            takes, there = _in_gib(first_bytes, available)
            return replace(
                found,
                said=f"memory: {mode.name}{tiles}, because {first[0].name} would take {takes} GiB of the"
                f" {there} there are",
            )
    raise InputError(_refusal(settings, inputs, precision, wanted, available))


def estimated_bytes(settings: DictConfig, inputs: Inputs, size: int) -> int:
    """What the run takes at its peak with ``size`` for image.size; its precision and memory are resolved."""
    demand = demand_of(settings, inputs, _named(settings.precision), size)
    return peak_bytes(demand, Mode[_named(settings.memory)], settings.tile_size)


def pictures_that_fit(settings: DictConfig, inputs: Inputs, available: int | None) -> int | None:
    """How many such runs can be optimized at once in ``available`` bytes; None where nothing tells.

    Precision and memory of the settings must be resolved; ``memory_limit`` goes before what there is.
    """
    if settings.memory_limit is not None:
        available = round(settings.memory_limit * _GIB)
    if available is None:
        return None
    demand = demand_of(settings, inputs, _named(settings.precision), settings.image.size)
    return pictures_within(demand, available)


def largest_within(settings: DictConfig, inputs: Inputs, available: int) -> str | None:
    """The words for the largest sizes that fit into so many bytes, as these settings hold activations."""
    return _largest(settings, inputs, math.ceil(available / _SPARE), _named(settings.precision))


def demand_of(
    settings: DictConfig, inputs: Inputs, precision: str, size: int, style_size: int | None = None
) -> Demand:
    """What the settings ask of memory, with ``size`` for image.size, ``style_size`` for image.style_size."""
    content = inputs.content.height, inputs.content.width
    styles = [(style.height, style.width) for style in inputs.styles]
    shape, style_shapes = shapes_at(
        size,
        style_size or settings.image.style_size or size,
        content,
        styles,
        settings.image.stretch.name,
        style_scales(settings, len(styles)),
    )
    used = {
        term: list(layer_weights(term, settings.layers[term])) if settings.objective[term].weight > 0 else []
        for term in ("content", "style")
    }
    return Demand(
        shape=shape,
        styles=style_shapes,
        architecture=settings.model.name.name,
        content_layers=used["content"],
        style_layers=used["style"],
        number=_NUMBER[precision],
        state=images_of_optimizer(settings.optimizer)
        + (settings.average is not None)
        + _OF_COLOUR.get(settings.color["_target_"].rpartition(".")[2], 0),
        files=sum(height * width for height, width in (content, *styles)),
        in_pieces=_obstacle(settings) is None and not _wraps(settings),
        regions=len(inputs.regions.names) if inputs.regions else 1,
        in_double=settings.objective.style.statistic["_target_"].endswith(".GaussianWasserstein"),
        coarser="smallest" in settings.pyramid
        and settings.pyramid.smallest * settings.pyramid.factor <= size,
    )


def check_tiles(settings: DictConfig, demand: Demand, wanted: str) -> None:
    """Raise InputError for tiles that the objective has no use for, or that are too small."""
    if not demand.layers:
        return
    field = reach_of(demand.architecture, demand.layers).receptive_field
    if settings.tile_size is not None and settings.tile_size < field:
        raise InputError(
            f"tile_size={settings.tile_size} is smaller than the {field} pixels that the deepest layer in use"
            f" sees: take at least {field}, or shallower layers"
        )
    obstacle = _obstacle(settings)
    if wanted == Mode.tiles.name and _wraps(settings):
        raise InputError(
            "memory=tiles is not possible with model.padding=circular, where a tile at one border sees the"
            " opposite one: say memory=recompute"
        )
    if wanted == Mode.tiles.name and obstacle:
        raise InputError(
            f"memory=tiles is not possible with {obstacle}: tiles serve gram, covariance, correlation,"
            " channel_means, batch_normalization, gaussian_wasserstein and mmd_linear or mmd_polynomial up to"
            " degree 2; say memory=recompute"
        )


def _candidates(settings: DictConfig, demand: Demand, wanted: str) -> list[tuple[Mode, int | None]]:
    field = reach_of(demand.architecture, demand.layers).receptive_field if demand.layers else 0
    sizes = [settings.tile_size] if settings.tile_size else [size for size in TILE_SIZES if size >= field]
    by_mode: Mapping[Mode, list[int | None]] = {
        Mode.plain: [None],
        Mode.recompute: [None],
        Mode.tiles: [*sizes] or [field],
    }
    modes = list(Mode) if wanted == "auto" else [Mode[wanted]]
    if wanted == "auto" and (not demand.in_pieces or not demand.layers):
        modes.remove(Mode.tiles)
    return [(mode, size) for mode in modes for size in by_mode[mode]]


def _refusal(settings: DictConfig, inputs: Inputs, precision: str, wanted: str, available: int) -> str:
    """The sentence that names what would fit."""
    demand = demand_of(settings, inputs, precision, settings.image.size)
    least = min(peak_bytes(demand, *one) for one in _candidates(settings, demand, wanted))
    needs, there = _in_gib(least, available)
    said = f"image.size={settings.image.size} needs {needs} GiB with memory={wanted}, and there are {there}"
    ways = []
    if largest := _largest(settings, inputs, available, precision):
        ways.append(f"the largest that fits is {largest}")
    auto = [peak_bytes(demand, *one) for one in _candidates(settings, demand, "auto")]
    if wanted != "auto" and min(auto) <= available:
        ways.append("memory=auto fits" if not ways else "memory=auto")
    if not ways:
        return f"{said}: no size fits, free some memory or raise memory_limit"
    history = " (L-BFGS with a shorter optimizer.history_size, or optimizer=adam, takes less)"
    lean = history if "history_size" in settings.optimizer else ""
    return f"{said}: {', or '.join(ways)}{lean}"


def _largest(settings: DictConfig, inputs: Inputs, available: int | None, precision: str) -> str | None:
    """The words for the largest sizes that fit; None if none does.

    Of ``precision=auto``, which a GPU may make float32, the largest of both is named.
    """
    wanted = _named(settings.memory)
    # what is free differs from one moment to the next: what is named must fit in the next one, too
    limit = available if available is None or settings.memory_limit is not None else _SPARE * available

    def largest(number: str) -> str | None:
        def fits(size: int, style_size: int) -> bool:
            demand = demand_of(settings, inputs, number, size, style_size)
            return limit is None or any(
                peak_bytes(demand, *one) <= limit for one in _candidates(settings, demand, wanted)
            )

        return in_words(largest_sizes(settings, inputs, fits))

    found = largest(precision)
    surely = largest("float32") if _named(settings.precision) == "auto" else found
    if found is None or surely == found:
        return found
    return f"{f'{surely}, or ' if surely else ''}{found} with precision={precision}"


def _obstacle(settings: DictConfig) -> str | None:
    """What in the objective can't be computed piece by piece, in the words of the command line."""
    for term in ("content", "style"):
        node = settings.objective[term]
        if node.weight > 0 and node.get("normalize_gradients"):
            return f"objective.{term}.normalize_gradients=true"
    if not settings.objective.style.weight > 0:
        return None
    statistic: Any = settings.objective.style.get("statistic") or {"_target_": "Gram"}
    name = statistic["_target_"].rpartition(".")[2]
    kernel = statistic.get("kernel") or {}
    if name in _IN_PIECES or kernel.get("degree", math.inf) <= 2:
        return None
    return f"the statistic {name}"


def _wraps(settings: DictConfig) -> bool:
    return _named(settings.model.padding) == "circular"


def _in_gib(needed: int, there: int) -> tuple[str, str]:
    """Both in GiB, with three digits, or as many as tell them apart."""
    both = [needed / _GIB, there / _GIB]
    digits = next(
        (digits for digits in range(3, 12) if f"{both[0]:.{digits}g}" != f"{both[1]:.{digits}g}"), 12
    )
    return f"{both[0]:.{digits}g}", f"{both[1]:.{digits}g}"


def _named(option: Any) -> str:
    """The word of an option: settings hold an enumeration, or a string once it is resolved."""
    return option if isinstance(option, str) else option.name
