"""memory=auto: how a run holds its activations, chosen by an estimate; and what can't fit, refused."""

from __future__ import annotations

import enum
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from nst_tf.config.inputs import Inputs, style_scales, style_terms
from nst_tf.config.overrides import ExplicitKeys, is_explicit
from nst_tf.config.schema import Settings, with_values
from nst_tf.errors import InputError
from nst_tf.images.resize import smallest_size
from nst_tf.machine import available_bytes, foreseen_precision, visible_gpus
from nst_tf.runs.folder import update_summary
from nst_tf.runs.sizes import check_sizes, largest_sizes, layers_in_use, option_name, shapes_at
from nst_tf.vgg.layers import (
    channels_of,
    layers_down_to,
    pieces_of,
    positions_factor,
    reach_of,
)

_log = logging.getLogger(__name__)

_GIB = 2**30
_SPARE = 0.97  # of the free memory: a browser's tab comes and goes


class Mode(enum.Enum):
    """The ways to hold a picture's activations; their names are the words of the command line."""

    plain = "plain"
    recompute = "recompute"
    tiles = "tiles"


@dataclass(frozen=True)
class Memory:
    """The mode, the side of a tile (None without tiles), and why it is no other; None if all is plain."""

    mode: Mode
    tile_size: int | None = None
    reason: str | None = None


# ---- The choice ----


def check_memory(settings: Settings, inputs: Inputs, explicit: ExplicitKeys = None) -> None:
    """Raise InputError, before TensorFlow is loaded, for a run that can't fit into this machine.

    With an NVIDIA GPU nothing is known yet: TensorFlow may use it or not. Of what was not ``explicit``, but
    stands in a saved configuration, what is possible takes the place of what is not.
    """
    precision = foreseen_precision(option_name(settings.precision), is_explicit("precision", explicit))
    available = None if visible_gpus() else available_bytes()
    chosen_memory(settings, inputs, available, precision, explicit)


def chosen_memory(
    settings: Settings, inputs: Inputs, available: int | None, precision: str, explicit: ExplicitKeys = None
) -> Memory:
    """The mode for a run in ``available`` bytes; ``memory_limit`` of the settings goes before those.

    ``auto`` is plain where its estimate fits, else recompute, else tiles. Raises InputError for a run that
    fits in none, or whose pictures would be too small or too large, naming the largest sizes that are
    possible, and for tiles that can't be. A mode that was not ``explicit`` gives way to ``auto`` before that.
    """
    wanted = option_name(settings.memory)
    try:
        return _chosen_memory(settings, inputs, available, precision)
    except InputError:
        if wanted == "auto" or is_explicit("memory", explicit) or is_explicit("tile_size", explicit):
            raise
    automatic = with_values(settings, {"memory": "auto", "tile_size": None})
    chosen = _chosen_memory(automatic, inputs, available, precision)
    return replace(
        chosen, reason=f"saved with memory: {wanted}, which is not possible here: {chosen.mode.name}"
    )


def _chosen_memory(settings: Settings, inputs: Inputs, available: int | None, precision: str) -> Memory:
    available = _limited(settings, available)
    check_sizes(settings, inputs, lambda: _largest(settings, inputs, available, precision))
    demand = demand_of(settings, inputs, precision, settings.image.size)
    wanted = option_name(settings.memory)
    _check_tiles(settings, demand, wanted)
    candidates = _candidates(settings, demand, wanted)
    first = candidates[0]
    if available is None:
        return Memory(*first)
    for mode, tile_size in candidates:
        if peak_bytes(demand, mode, tile_size) <= available:
            if (mode, tile_size) == first:
                return Memory(mode, tile_size)
            tiles = f" of {tile_size} pixels" if tile_size else ""
            takes, there = _in_gib(peak_bytes(demand, *first), available)
            reason = f"because {first[0].name} would take {takes} GiB of the {there} there are"
            return Memory(mode, tile_size, f"memory: {mode.name}{tiles}, {reason}")
    raise InputError(_refusal(settings, inputs, precision, wanted, available))


def _limited(settings: Settings, available: int | None) -> int | None:
    return available if settings.memory_limit is None else round(settings.memory_limit * _GIB)


def _candidates(settings: Settings, demand: Demand, wanted: str) -> list[tuple[Mode, int | None]]:
    """The modes that ``wanted`` may stand for, each with its side of a tile, fastest first."""
    modes = list(Mode) if wanted == "auto" else [Mode[wanted]]
    if wanted == "auto" and (not demand.in_pieces or not demand.layers):
        modes.remove(Mode.tiles)
    candidates: list[tuple[Mode, int | None]] = [(mode, None) for mode in modes if mode is not Mode.tiles]
    if Mode.tiles in modes:
        field = reach_of(demand.architecture, demand.layers).receptive_field if demand.layers else 0
        sides = [settings.tile_size] if settings.tile_size else [side for side in TILE_SIZES if side >= field]
        candidates += [(Mode.tiles, side) for side in sides or [field]]
    return candidates


def _check_tiles(settings: Settings, demand: Demand, wanted: str) -> None:
    """Raise InputError for tiles that the objective has no use for, or that are too small."""
    if not demand.layers:
        return
    field = reach_of(demand.architecture, demand.layers).receptive_field
    if settings.tile_size is not None and settings.tile_size < field:
        raise InputError(
            f"tile_size={settings.tile_size} is smaller than the {field} pixels that the deepest layer in use"
            f" sees: take at least {field}, or shallower layers"
        )
    if wanted != Mode.tiles.name:
        return
    if _is_circular(settings):
        raise InputError(
            "memory=tiles is not possible with model.padding=circular, where a tile at one border sees the"
            " opposite one: say memory=recompute"
        )
    if obstacle := _obstacle_to_pieces(settings):
        raise InputError(
            f"memory=tiles is not possible with {obstacle}: tiles serve gram, covariance, correlation,"
            " channel_means, batch_normalization, gaussian_wasserstein and mmd_linear or mmd_polynomial up to"
            " degree 2; say memory=recompute"
        )


_IN_PIECES = (
    "Gram",
    "Covariance",
    "Correlation",
    "ChannelMeans",
    "BatchNormalizationStatistics",
    "GaussianWasserstein",
)


def _obstacle_to_pieces(settings: Settings) -> str | None:
    """What in the objective can't be computed piece by piece, in the words of the command line."""
    for term in ("content", "style"):
        node = getattr(settings.objective, term)
        if node.weight > 0 and node.get("normalize_gradients"):
            return f"objective.{term}.normalize_gradients=true"
    distance = _distance(settings)["_target_"].rpartition(".")[2]
    if settings.objective.content.weight > 0 and distance in ("Contextual", "SelfSimilarity"):
        return f"the content distance {distance}"
    for statistic in _statistics(settings):
        package, _, name = statistic["_target_"].rpartition(".")
        kernel = statistic.get("kernel") or {}
        in_pieces = name in _IN_PIECES and package.startswith("nst_tf.")
        if not in_pieces and kernel.get("degree", math.inf) > 2:
            return f"the statistic {name}"
    return None


def _statistics(settings: Settings) -> list[Any]:
    """What each term of style with a weight describes as its statistic; Gram where it names none."""
    terms = style_terms(settings).values()
    return [term.get("statistic") or {"_target_": "nst_tf.statistics.Gram"} for term in terms]


def _distance(settings: Settings) -> Any:
    """What the content term describes as its distance; the squared error where it names none."""
    return settings.objective.content.get("distance") or {"_target_": "SquaredError"}


def _bytes_of_positions(settings: Settings, layers: Sequence[str], pixels: int, styles: int) -> int:
    """What comparing positions takes beside the activations, for so many pixels of result and styles."""
    distances = [_distance(settings)] if settings.objective.content.weight > 0 else []
    comparing = {one["_target_"].rpartition(".")[2] for one in (*distances, *_statistics(settings))}
    channels = sum(channels_of(settings.model.name.name, layer) for layer in layers)
    total = 0.0
    if "Contextual" in comparing:
        total += _OF_SIMILARITIES
    if "MatchedHypercolumns" in comparing:  # a feature for each 4 x 4 pixels, those of a style in four turns
        of_styles = min(_MOST_FEATURES, 4 * styles / 16)
        total += _FLOAT * channels * (_OF_FEATURES * pixels / 16 + _OF_CANDIDATES * of_styles)
    if "NearestFeatures" in comparing:
        total += _FLOAT * channels * _OF_CANDIDATES * _NEAREST_CANDIDATES
    if comparing & {"RelaxedTransport", "HypercolumnMoments", "SelfSimilarity"}:
        total += _OF_DRAWN_POSITIONS
    return round(total)


def _is_class(description: Any, name: str) -> bool:
    return str(description.get("_target_")).rpartition(".")[2] == name


def _is_circular(settings: Settings) -> bool:
    return option_name(settings.model.padding) == "circular"


# ---- What would fit, where a run does not ----


def _refusal(settings: Settings, inputs: Inputs, precision: str, wanted: str, available: int) -> str:
    """The sentence that names what would fit."""
    demand = demand_of(settings, inputs, precision, settings.image.size)
    least = min(peak_bytes(demand, *one) for one in _candidates(settings, demand, wanted))
    needs, there = _in_gib(least, available)
    needed = f"image.size={settings.image.size} needs {needs} GiB with memory={wanted}, and there are {there}"
    ways = []
    if largest := _largest(settings, inputs, available, precision):
        ways.append(f"the largest that fits is {largest}")
    auto = [peak_bytes(demand, *one) for one in _candidates(settings, demand, "auto")]
    if wanted != "auto" and min(auto) <= available:
        ways.append("memory=auto fits" if not ways else "memory=auto")
    if not ways:
        return f"{needed}: no size fits, free some memory or raise memory_limit"
    history = " (L-BFGS with a shorter optimizer.history_size, or optimizer=adam, takes less)"
    return f"{needed}: {', or '.join(ways)}{history if 'history_size' in settings.optimizer else ''}"


def _largest(settings: Settings, inputs: Inputs, available: int | None, precision: str) -> str | None:
    """The words for the largest sizes that fit; None if none does.

    Of ``precision=auto``, which a GPU may make float32, the largest of both is named.
    """
    wanted = option_name(settings.memory)
    # what is free differs from one moment to the next: what is named must fit in the next one, too
    limit = available if available is None or settings.memory_limit is not None else _SPARE * available

    def largest(precision: str) -> str | None:
        def fits(size: int, style_size: int) -> bool:
            demand = demand_of(settings, inputs, precision, size, style_size)
            return limit is None or any(
                peak_bytes(demand, *one) <= limit for one in _candidates(settings, demand, wanted)
            )

        return largest_sizes(settings, inputs, fits)

    found = largest(precision)
    surely = largest("float32") if option_name(settings.precision) == "auto" else found
    if found is None or surely == found:
        return found
    return f"{f'{surely}, or ' if surely else ''}{found} with precision={precision}"


def _in_gib(needed: int, there: int) -> tuple[str, str]:
    """Both in GiB, with three digits, or as many as tell them apart."""
    both = [needed / _GIB, there / _GIB]
    digits = next(
        (digits for digits in range(3, 12) if f"{both[0]:.{digits}g}" != f"{both[1]:.{digits}g}"), 12
    )
    return f"{both[0]:.{digits}g}", f"{both[1]:.{digits}g}"


# ---- The estimate: how much memory a run takes at its peak, by arithmetic ----

# Fitted to what scripts/benchmarks/memory.py measures (peak resident memory of a process a size), TensorFlow
# 2.21 on a CPU, 0.25 to 64 megapixels, at most a few percent below it: docs/memory.md has the table.
_PROCESS = 1.0e9  # bytes: Python, TensorFlow, the weights twice, scratch memory of the threads
_BANDS = 0.3e9  # two bands of a block while they are computed again
_SEVERAL_WINDOWS = 1.25  # of tiles in float32: what a window leaves behind when the next has another shape
_PASSES = 0.2e9  # of tiles: both compiled passes and what they leave to the allocator
# images [H, W, 3] in float32: the variable, the best one, the gradient, and a start or a candidate
_HELD = 4
_SMOOTHNESS = 10  # and those that total variation and its gradient take in the middle of a step
# and those that a term of the content's pixels holds, and takes in the middle of a step; measured with
# 1 to 4 megapixels: 0.3 and 3.4, 4.0 and 8.4. One of somebody's own may take as much
_OF_STRUCTURE = {"NoStructure": (0, 0), "LaplacianLoss": (0.5, 4), "MattingLoss": (4.2, 9)}
_ADDED = 4  # and those that the tiles' shares of the gradient are added to, and carried away in
# and those of a color mode, beside the optimizer's: the content, what is seen and its gradient, ...
_OF_COLOR = {"Luminance": 4, "Recombine": 2, "Only": 1, "StyledChroma": 12}
# parameters in the place of pixels: how many there are for each, which the state of the optimizer is of, too;
# and the images beside them, such as the image that they make, its gradient and, of Fourier, both spectra.
# Measured with Adam at 2.9 megapixels: 6.1 images more than pixels take, here 7, and 5.2, here 6
_OF_PARAMETERS = {"Laplacian": (1.5, 5), "Fourier": (1.0, 6)}
_WIDEST = 3.0  # copies of the widest layer that a pass takes beside what is kept
_JOINED = 3.0  # copies of what stands between the blocks: itself, its gradient, and what either is made of
# and of what a region's statistic reads, in float32: weighted, and its gradient; the first region has room in
# what is counted anyway. Measured with 1 and 3 regions at 0.7 megapixels: 1.4. The copy in float64 that a
# statistic takes costs as much; measured there: 1.45
_OF_REGION = 1.5
# value and gradient of the contextual loss of two layers, whose similarities come in pieces (contextual.py);
# of a picture of 512 x 512 pixels and of any larger one
_OF_SIMILARITIES = 270 * 2**20
# copies of the features of NNST: of the result's, in the targets and in a step, and of the style's, while the
# targets are found; how many features the style has at most, and how many in the final pass, 64 a side. At
# 256 pixels 2.28 and 2.31 GB were measured, with Adam and with L-BFGS, for estimates of 2.26 and 2.29
_OF_FEATURES, _OF_CANDIDATES = 6.0, 3.0
_MOST_FEATURES, _NEAREST_CANDIDATES = 65536, 4 * 64**2
# of STROTSS' terms with 1024 positions, 5000 of the style, and covariances of ten layers: at 256 pixels
# 2.45 GB were measured where all else is estimated at 1.17
_OF_DRAWN_POSITIONS = 1.3e9
_FLOAT = 4  # bytes
_NUMBER = {"float32": 4, "bfloat16": 2, "float16": 2}  # bytes
_IMAGE = 3 * _FLOAT  # bytes a pixel
# of torch's L-BFGS: direction, point and gradient before; and as many images in the middle of an update
_TEMPORARY = 6
_SCIPY_NUMBER = 2  # SciPy computes in float64

TILE_SIZES = (1536, 1024, 768, 512, 384, 256, 192, 160)
"""Sides of tiles from which ``auto`` takes the largest that fits: what a tile computes twice, its halo of
2 x 80 pixels at block5_conv1, is 22 % at 1536 and 36 % at 1024."""


@dataclass(frozen=True)
class Demand:
    """What the memory of a run depends on.

    ``shape`` is the last size's [H, W], ``styles`` are those of the styles there; ``number`` is the bytes
    of a number of the convolutions' precision, ``state`` how many images [H, W, 3] in float32 the
    optimizer and what follows it hold, ``files`` the pixels of all pictures as they were read.
    ``regions``: how many have a statistic of their own; ``in_double``: it is computed in float64.
    ``in_pieces``: statistics and distances can be computed piece by piece. ``coarser``: there are coarser
    sizes before the last one. ``positions``: the bytes that comparing positions takes, beside all others.
    ``structure``: how many images [H, W, 3] in float32 the term of the content's pixels holds, and takes in
    the middle of a step.
    """

    shape: tuple[int, int]
    styles: Sequence[tuple[int, int]]
    architecture: str
    content_layers: Sequence[str]
    style_layers: Sequence[str]
    number: int
    state: float
    files: int = 0
    in_pieces: bool = True
    coarser: bool = False
    regions: int = 1
    in_double: bool = False
    positions: int = 0
    structure: tuple[float, float] = (0, 0)

    @property
    def layers(self) -> tuple[str, ...]:
        """Content and style layers."""
        return (*self.content_layers, *self.style_layers)

    @property
    def pixels(self) -> int:
        """Of the result."""
        return self.shape[0] * self.shape[1]

    @property
    def convolutions(self) -> list[str]:
        """Every convolution up to the deepest layer in use."""
        return list(layers_down_to(self.architecture, self.layers))

    def numbers(self, layer: str) -> float:
        """Activations of a layer for each pixel of the picture."""
        return channels_of(self.architecture, layer) / positions_factor(layer) ** 2


def demand_of(
    settings: Settings, inputs: Inputs, precision: str, size: int, style_size: int | None = None
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
    layers = layers_in_use(settings)
    parameterization = settings.parameterization["_target_"].rpartition(".")[2]
    a_pixel, beside = _OF_PARAMETERS.get(parameterization, (1.0, 0))
    return Demand(
        shape=shape,
        styles=style_shapes,
        architecture=settings.model.name.name,
        content_layers=layers["content"],
        style_layers=layers["style"],
        number=_NUMBER[precision],
        state=a_pixel * (_images_of_optimizer(settings.optimizer) + (settings.average is not None))
        + beside
        + _OF_COLOR.get(settings.color["_target_"].rpartition(".")[2], 0),
        files=sum(height * width for height, width in (content, *styles)),
        in_pieces=_obstacle_to_pieces(settings) is None and not _is_circular(settings),
        regions=len(inputs.regions.names) if inputs.regions else 1,
        in_double=any(_is_class(one, "GaussianWasserstein") for one in _statistics(settings)),
        coarser=_has_coarser_sizes(settings.pyramid, size),
        positions=_bytes_of_positions(
            settings,
            layers["style"],
            shape[0] * shape[1],
            sum(height * width for height, width in style_shapes),
        ),
        structure=_images_of_structure(settings.objective.structure),
    )


def _has_coarser_sizes(pyramid: DictConfig, size: int) -> bool:
    if "smallest" not in pyramid:
        return False
    return pyramid.smallest * (1 if pyramid.get("even") else pyramid.factor) <= size


def _images_of_structure(structure: DictConfig) -> tuple[float, float]:
    if not structure.get("weight", 0.0) > 0:
        return 0, 0
    return _OF_STRUCTURE.get(structure["_target_"].rpartition(".")[2], _OF_STRUCTURE["MattingLoss"])


def _images_of_optimizer(optimizer: DictConfig) -> float:
    """How many images [H, W, 3] in float32 its state and the middle of its update hold."""
    name = optimizer["_target_"].rpartition(".")[2]
    history = optimizer.get("history_size")
    if name == "ScipyLBFGSB":  # wa of the Fortran code: 2 m n + 5 n numbers, and the point and its gradient
        return _SCIPY_NUMBER * (2 * history + 7) + _TEMPORARY
    if history is not None:
        return 2 * history + _TEMPORARY
    return {"SGD": 1.0, "Adam": 4.0}.get(name, 5.0)  # at most three moments, as AMSGrad has, and an update


def estimated_bytes(settings: Settings, inputs: Inputs, size: int) -> int:
    """What the run takes at its peak with ``size`` for image.size; its precision and memory are resolved."""
    demand = demand_of(settings, inputs, option_name(settings.precision), size)
    return peak_bytes(demand, Mode[option_name(settings.memory)], settings.tile_size)


def pictures_that_fit(settings: Settings, inputs: Inputs, available: int | None) -> int | None:
    """How many such runs can be optimized at once in ``available`` bytes, nothing computed twice.

    None where nothing tells. The process and the weights are there once; everything else as often as there
    are pictures. Precision and memory of the settings must be resolved.
    """
    available = _limited(settings, available)
    if available is None:
        return None
    demand = demand_of(settings, inputs, option_name(settings.precision), settings.image.size)
    each = peak_bytes(demand, Mode.plain) - _PROCESS
    return max(1, int((available - _PROCESS) // each))


def peak_bytes(demand: Demand, mode: Mode, tile_size: int | None = None) -> int:
    """Peak resident memory of the process, in bytes."""
    pixels = demand.pixels
    largest_style = max((height * width for height, width in demand.styles), default=0)
    held = _PROCESS + _IMAGE * demand.files + _IMAGE * sum(h * w for h, w in demand.styles)
    held += demand.positions
    if demand.coarser:  # compiled steps that wait for another run, and pictures that were seen: both bounded
        third = pixels / 3  # of all coarser sizes, each a quarter of the next
        held += min(2**30, _IMAGE * (demand.state + 2) * third) + min(2**29, 2 * _IMAGE * third)
    structure, in_step = demand.structure
    state = _IMAGE * (demand.state + _HELD + structure) * pixels
    smoothness = _IMAGE * (_SMOOTHNESS + in_step) * pixels
    target = demand.number * pixels * sum(demand.numbers(name) for name in demand.content_layers)
    if not demand.convolutions:
        return round(held + state + smoothness)
    if mode is Mode.plain:
        # targets are described without a backward pass: a style counts only where it is much larger
        network = max(_plain(demand) * pixels, _forward(demand) * largest_style) + smoothness
        target *= _FLOAT / demand.number
    elif mode is Mode.recompute:
        network = max(_recompute(demand) * pixels, _recompute(demand) * largest_style / 2) + _BANDS
        network += smoothness
    else:  # smoothness is done when the first tile begins
        pixels_of_window = _largest_window(demand, tile_size or TILE_SIZES[0])
        several = _SEVERAL_WINDOWS if pixels_of_window < pixels and demand.number == _FLOAT else 1
        window = several * _plain(demand) * pixels_of_window
        network = max(smoothness, window + _IMAGE * _ADDED * pixels) + _PASSES
    return round(held + state + target + network)


def _plain(demand: Demand) -> float:
    """Bytes a pixel: every activation, those that are read once more in float32, and the widest gradients."""
    kept = sum(demand.numbers(name) for name in demand.convolutions)
    copied = 0 if demand.number == _FLOAT else sum(demand.numbers(name) for name in demand.layers)
    widest = max(demand.numbers(name) for name in demand.convolutions)
    style = sum(demand.numbers(name) for name in demand.style_layers)
    read = (demand.regions - 1 + demand.in_double) * style
    return demand.number * (kept + _WIDEST * widest) + _FLOAT * (copied + _OF_REGION * read)


def _forward(demand: Demand) -> float:
    """Bytes a pixel of a picture that is only described."""
    widest = max(demand.numbers(name) for name in demand.convolutions)
    style = sum(demand.numbers(name) for name in demand.style_layers)
    return _FLOAT * style + _WIDEST * demand.number * widest


def _recompute(demand: Demand) -> float:
    """Bytes a pixel: what stands between the blocks, and a whole block where bands are not possible."""
    convolutions = demand.convolutions
    last_of_block = {name.partition("_")[0]: name for name in convolutions}
    pooled = sum(demand.numbers(name) / 4 for name in list(last_of_block.values())[:-1])
    bytes_a_pixel = _JOINED * demand.number * pooled
    if not demand.in_pieces:
        blocks = [
            [name for name in convolutions if name.startswith(block)]
            for block in {name.partition("_")[0] for name in demand.style_layers}
        ]
        whole = max(sum(demand.numbers(name) for name in block) for block in blocks)
        read = max(demand.numbers(name) for name in demand.style_layers)
        # sorted or cut into patches, what is read stands there in float32 a few times
        bytes_a_pixel += demand.number * 2 * whole + 4 * _FLOAT * read
    return bytes_a_pixel


def _largest_window(demand: Demand, tile_size: int) -> int:
    reach = reach_of(demand.architecture, demand.layers)
    sides = [
        max(
            piece.window_stop - piece.window_start
            for piece in pieces_of(side, tile_size, reach.halo, reach.stride)
        )
        for side in demand.shape
    ]
    return math.prod(sides)


# ---- A run that the memory turned out to be too small for ----

_LESS = 0.8  # of what was too much: memory comes in pieces, of which the last ones fit nothing


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, NumPy or TensorFlow could not get the memory that it asked for."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


@contextmanager
def memory_explained(settings: Settings, inputs: Inputs, folder: Path) -> Iterator[None]:
    """Turn too little memory in the run of ``settings`` with ``inputs`` into an InputError.

    The summary of the run in the folder, if there is one, then has the sentence as its error.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        sentence = _sentence_for_memory(settings, inputs)
        with suppress(OSError):  # a full disk
            update_summary(folder, error=sentence)
        raise InputError(sentence) from error


def _sentence_for_memory(settings: Settings, inputs: Inputs) -> str:
    """What to change: the largest size whose estimate is a fifth less, of what depends on the size at all."""
    needed = estimated_bytes(settings, inputs, settings.image.size)
    smallest = max(smallest_size(one.height, one.width) for one in (inputs.content, *inputs.styles))
    try:
        least = estimated_bytes(settings, inputs, min(smallest, settings.image.size))
    except InputError:  # a style that is scaled down would be too small at that size
        least = 0
    limit = math.ceil(round(least + _LESS * (needed - least)) / _SPARE)
    largest = _largest(settings, inputs, limit, option_name(settings.precision))
    advice = f"try {largest}" if largest else "no smaller size helps, free some memory"
    return (
        f"there was not enough memory for image.size={settings.image.size}, which needs about"
        f" {needed / _GIB:.2g} GiB: {advice}"
    )
