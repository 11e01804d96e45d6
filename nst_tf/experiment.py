"""From checked settings and their pictures to the objects of one run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import keras
import numpy as np
from omegaconf import DictConfig, OmegaConf

from nst_tf.balance import Balance, GivenBalance
from nst_tf.color import Color, Unchanged
from nst_tf.config.build import build, own_targets
from nst_tf.config.inputs import (
    NO_FILES,
    Files,
    Inputs,
    layer_weights,
    layers_of_term,
    style_scales,
    video_of,
)
from nst_tf.config.schema import Settings
from nst_tf.config.trust import TARGET
from nst_tf.errors import InputError, require
from nst_tf.guidance import Regions
from nst_tf.images.resize import resize
from nst_tf.init import Start
from nst_tf.losses import ContentLoss, Smoothness, StyleLoss, TemporalLoss, TemporalTarget
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.blending import Blending
from nst_tf.objective.evaluation import Evaluation, WholePicture
from nst_tf.objective.tiles import Tiles
from nst_tf.optim.loop import Patience
from nst_tf.optim.step import CompiledSteps
from nst_tf.parameterization import PIXELS, Parameterization
from nst_tf.process_cache import ProcessCache
from nst_tf.pyramid import NoSteps, Pyramid, Scale
from nst_tf.runs.memory import Mode
from nst_tf.runs.sizes import PlannedSizes, Shape, planned_sizes, shapes_at, sides_multiple_of
from nst_tf.statistics.statistic import is_joint, takes_weights
from nst_tf.structure import Structure
from nst_tf.vgg.network import read_whole
from nst_tf.vgg.recompute import read_recomputing
from nst_tf.vgg.weights import ConvolutionWeights
from nst_tf.video import Video

# ---- Everything that one run needs, as objects ----


@dataclass(frozen=True)
class Experiment:
    """Everything that one run needs, as objects. Pictures are [H, W, 3] in [0, 1], of any sizes.

    ``stretch`` "none" keeps the aspect ratio of every picture; "style" stretches the styles to the
    content's height and width, as the Keras example does; "square" stretches all to size x size, as
    b06b01073 does. ``style_scales``: of each style, what its long side is multiplied by.
    ``circular``: the picture is a torus. ``multiple``: sides of the result are rounded to one of these.
    """

    content: np.ndarray
    styles: tuple[StyleImage, ...]
    objective: Objective
    optimizer: keras.optimizers.Optimizer
    start: Start
    pyramid: Pyramid
    size: int
    style_size: int
    steps: int
    balance: Balance = field(default_factory=GivenBalance)
    seed: int = 0
    clip: bool = True
    parameterization: Parameterization = PIXELS
    keep_best: bool = True
    average: float | None = None
    stretch: str = "none"
    regions: Regions | None = None
    """Of content and styles, in masks of any sizes."""
    bits: int = 8
    """A channel, of the file in which the result is saved."""
    style_scales: tuple[float, ...] | None = None
    circular: bool = False
    multiple: int = 1
    image_every: int = 0
    compiled_steps: CompiledSteps | None = None
    """Compiled steps of earlier runs."""
    resize: Callable[[np.ndarray, int, int], np.ndarray] = resize
    """A picture at a height and width."""
    patience: Patience | None = None
    before: TemporalTarget | None = None
    """In an animation, what the frame before says of this one; its size is that of the only scale."""
    color: Color = field(default_factory=Unchanged)

    @property
    def scales(self) -> list[Scale]:
        """The sizes of the plan, from coarse to fine, without those at which a picture would be too small."""
        return self._planned.scales

    @property
    def skipped(self) -> str | None:
        """One line about the sizes of the plan that are left out, and why; None if all are made."""
        plan = self._planned
        if plan.first == 0:
            return None
        sizes = ", ".join(str(scale.size) for scale in plan.planned[: plan.first])
        return (
            f"the pyramid begins at {plan.scales[0].size} pixels instead of {plan.planned[0].size}, without"
            f" the steps of {sizes}: {plan.obstacle}"
        )

    def shapes_at(self, scale: Scale) -> tuple[Shape, list[Shape]]:
        """Height and width of the result and of each style at one size; InputError if one is too small."""
        content, *styles = (
            (pixels.shape[0], pixels.shape[1])
            for pixels in (self.content, *(style.pixels for style in self.styles))
        )
        return shapes_at(
            scale.size,
            scale.style_size,
            content,
            styles,
            self.stretch,
            self.style_scales,
            self.multiple,
        )

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Height and width of the image at each size; InputError if a picture is too small at the last."""
        return tuple(self.shapes_at(scale)[0] for scale in self.scales)

    @property
    def _planned(self) -> PlannedSizes:
        return planned_sizes(self.pyramid.scales(self.size, self.style_size, self.steps), self.shapes_at)


# ---- From a checked configuration and its pictures to the objects of an experiment ----

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the config groups describe, built; none of it needs pictures or the weights of the network."""

    content: ContentLoss
    style: StyleLoss
    terms: dict[str, StyleLoss]
    smoothness: Smoothness
    structure: Structure
    balance: Balance
    optimizer: keras.optimizers.Optimizer
    start: Start
    pyramid: Pyramid
    video: Video
    color: Color
    blending: Blending
    parameterization: Parameterization


def build_parts(settings: Settings, files: Files = NO_FILES) -> Parts:
    """Build every object that the configuration describes; raises InputError for one that can't be."""
    parameterization = build("parameterization", settings.parameterization)
    return Parts(
        content=build("objective.content", _with_layers(settings, "content")),
        style=build("objective.style", _with_layers(settings, "style")),
        terms={
            name: build(f"objective.terms.{name}", {**_plain(term), "layers": layers_of_term(settings, name)})
            for name, term in settings.objective.terms.items()
        },
        smoothness=build("objective.smoothness", _smoothness(settings)),
        structure=build("objective.structure", settings.objective.structure),
        balance=build("balance", settings.balance),
        optimizer=_built_optimizer(_optimizer(settings, parameterization.are_pixels)),
        start=build("init", _with_file(settings.init, files)),
        pyramid=build("pyramid", settings.pyramid),
        color=build("color", settings.color),
        blending=build("blending", settings.blending),
        parameterization=parameterization,
        video=video_of(settings),
    )


def prepare(
    settings: Settings,
    inputs: Inputs,
    parts: Parts,
    weights: ConvolutionWeights,
    warm: ProcessCache | None = None,
) -> Experiment:
    """Put pictures, parts and network together; precision and memory of the settings must be resolved.

    ``warm``: what earlier runs left.
    """
    _check_statistic(parts, inputs)
    warm = warm or ProcessCache()
    # cut after the deepest layer that a term with a weight uses
    terms = (parts.content, parts.style, *parts.terms.values())
    layers = [layer for term in terms if term.weight > 0 for layer in term.layers]
    extractor = None
    if layers:
        extractor = warm.extractor(
            weights,
            tuple(dict.fromkeys(layers)),
            architecture=settings.model.name.name,
            pooling=settings.model.pooling.name,
            padding=settings.model.padding.name,
            pixels=settings.model.pixels.name,
            precision=settings.precision if isinstance(settings.precision, str) else settings.precision.name,
        )
    experiment = Experiment(
        content=inputs.content.pixels,
        styles=tuple(
            StyleImage(picture.pixels, weight, layers)
            for picture, weight, layers in zip(
                inputs.styles, inputs.style_weights, inputs.style_layers or repeat(None), strict=False
            )
        ),
        objective=Objective(
            extractor,
            *(parts.content, parts.style, parts.smoothness),
            warm.pictures,
            _evaluation(settings),
            parts.blending,
            TemporalLoss(parts.video.temporal_weight),
            parts.structure,
            parts.terms,
        ),
        regions=inputs.regions,
        optimizer=parts.optimizer,
        start=parts.start,
        pyramid=parts.pyramid if parts.color.makes_steps else NoSteps(parts.pyramid),
        balance=parts.balance,
        size=settings.image.size,
        style_size=settings.image.style_size or settings.image.size,
        steps=settings.steps,
        seed=settings.seed,
        clip=settings.image.clip,
        parameterization=parts.parameterization,
        keep_best=settings.keep_best,
        average=settings.average,
        stretch=settings.image.stretch.name,
        bits=settings.record.bits,
        style_scales=style_scales(settings, len(inputs.styles)),
        circular=_wraps(settings),
        multiple=sides_multiple_of(settings, inputs.is_texture),
        image_every=settings.record.image_every,
        compiled_steps=warm.steps,
        resize=warm.resized,
        patience=Patience(settings.stop.patience, settings.stop.tolerance)
        if settings.stop.patience
        else None,
        color=parts.color,
    )
    for note in inputs.regions.notes if inputs.regions else ():
        _log.info("%s", note)
    sizes = experiment.shapes
    if inputs.is_texture:
        _check_seam(sizes[-1], inputs.content.pixels.shape[:2])
    parts.balance.check(len(sizes))
    for scale in experiment.scales:
        experiment.objective.at(scale)  # refuses a size at which every weight is 0
    if parts.structure.weight > 0:
        for height, width in sizes:
            parts.structure.check(height, width)
    return experiment


def _check_statistic(parts: Parts, inputs: Inputs) -> None:
    """Ask the object, which may be of somebody's own class; ours were refused by name, without TensorFlow."""
    for statistic in (term.statistic for term in (parts.style, *parts.terms.values())):
        if inputs.regions is not None and not takes_weights(statistic):
            raise InputError(
                f"guidance=masks is not possible with the statistic {type(statistic).__name__}, which knows"
                " no weights of positions (`weighted` in nst_tf/statistics/statistic.py): say guidance=none"
            )
        if is_joint(statistic) and any(layers is not None for layers in inputs.style_layers):
            raise InputError(
                f"style_layers is not possible with the statistic {type(statistic).__name__}, which describes"
                " all layers together: say style_layers=null"
            )
        if len(inputs.styles) > 1:
            parts.blending.check(statistic)


def _evaluation(settings: Settings) -> Evaluation:
    mode = settings.memory if isinstance(settings.memory, str) else settings.memory.name
    if settings.jit_compile and mode != Mode.plain.name:
        raise InputError(
            f"jit_compile=true is not possible with memory={mode}, which bounds memory by its order of work:"
            " say jit_compile=false, or memory=plain where it fits"
        )
    if mode == Mode.tiles.name:
        assert settings.tile_size is not None, "memory=tiles is settled with the side of a tile"  # noqa: S101
        return Tiles(settings.tile_size)
    read = read_recomputing if mode == Mode.recompute.name else read_whole
    return WholePicture(read, jit_compile=settings.jit_compile)


def _check_seam(possible: Shape, wanted: tuple[int, ...]) -> None:
    """Raise InputError for a texture whose sides poolings would not divide."""
    if possible != wanted:
        sides, nearest = (" x ".join(map(str, shape)) for shape in (wanted, possible))
        raise InputError(
            f"a texture with model.padding=circular can't have {sides} pixels (height x width), of which the"
            f" poolings would leave out some at the seam: the nearest possible are {nearest}, with"
            f" image.size={max(possible)} and image.aspect={possible[1] / possible[0]:.6g}"
        )


def _wraps(settings: Settings) -> bool:
    return settings.model.padding.name == "circular"


def _plain(node: DictConfig) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(node, resolve=True)
    return plain


def _with_layers(settings: Settings, term: str) -> dict[str, Any]:
    layers: Any = settings.layers
    return _plain(getattr(settings.objective, term)) | {"layers": layer_weights(_plain(layers)[term])}


def _smoothness(settings: Settings) -> dict[str, Any]:
    """What the network sees beyond a border, smoothness sees there too."""
    return _plain(settings.objective.smoothness) | ({"circular": True} if _wraps(settings) else {})


# what optimizers of ours may take for granted of pixels alone: bounds, and neighbors that move together
_WITHOUT_PIXELS = {
    "nst_tf.optim.LBFGS": {"lower": None, "upper": None, "octaves": 0},
    "nst_tf.optim.ScipyLBFGSB": {"lower": None, "upper": None},
}


def _optimizer(settings: Settings, are_pixels: bool) -> dict[str, Any]:
    """With a rate that Keras takes, 1.0 for 1; the metric of L-BFGS has the borders of the network, too.

    Parameters that are no pixels have no bounds and the plain metric, whatever the settings say for pixels.
    """
    description = _plain(settings.optimizer)
    if isinstance(rate := description.get("learning_rate"), int):
        description["learning_rate"] = float(rate)
    if _wraps(settings) and description.get("octaves"):
        description["circular"] = True
    if not are_pixels:
        description |= _WITHOUT_PIXELS.get(description.get(TARGET, ""), {})
    return description


def _built_optimizer(description: dict[str, Any]) -> keras.optimizers.Optimizer:
    """Every size gets one like it, made of its ``get_config``; one's own may leave something out of it."""
    optimizer = build("optimizer", description)
    if own := own_targets(description):
        require(isinstance(optimizer, keras.optimizers.Optimizer), "optimizer", own[0], "one of Keras' kind")
        if lost := description.keys() - {TARGET} - optimizer.get_config().keys():
            raise InputError(f"get_config of the optimizer {own[0]} must also give {', '.join(sorted(lost))}")
    return optimizer


def _with_file(start: DictConfig, files: Files) -> dict[str, Any]:
    """The picture to start from is read when the start is built."""
    description = _plain(start)
    found = files.get(description.get("path", ""))
    return description | ({"path": str(found)} if found else {})
