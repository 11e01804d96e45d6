"""From a checked configuration and its pictures to the objects of an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.building import made as _made
from nst_tf.configuration.checks import NO_FILES, Files, Inputs, layer_weights
from nst_tf.configuration.video import video_of
from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, Smoothness, StyleLoss, TemporalLoss
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.evaluation import Evaluation, WholePicture
from nst_tf.objective.tiles import Tiles
from nst_tf.pyramid import Pyramid
from nst_tf.run.loop import Experiment, check_sizes
from nst_tf.run.memory_estimate import Mode
from nst_tf.run.warm import Warm
from nst_tf.solver import Patience
from nst_tf.start import Start
from nst_tf.vgg.reading import read_whole
from nst_tf.vgg.recompute import read_recomputing
from nst_tf.video import Video
from nst_tf.weights import ConvolutionWeights


@dataclass(frozen=True)
class Parts:
    """What the config groups describe, built; none of it needs pictures or the weights of the network."""

    content: ContentLoss
    style: StyleLoss
    smoothness: Smoothness
    optimizer: keras.optimizers.Optimizer
    start: Start
    pyramid: Pyramid
    video: Video


def build_parts(settings: DictConfig, files: Files = NO_FILES) -> Parts:
    """Build every object that the configuration describes; raises InputError for one that can't be."""
    parts = Parts(
        content=_made("objective.content", _with_layers(settings, "content")),
        style=_made("objective.style", _with_layers(settings, "style")),
        smoothness=_made("objective.smoothness", settings.objective.smoothness),
        optimizer=_made("optimizer", _with_float_rate(settings.optimizer)),
        start=_made("init", _with_file(settings.init, files)),
        pyramid=_made("pyramid", settings.pyramid),
        video=video_of(settings),
    )
    if not any(term.weight > 0 for term in (parts.content, parts.style, parts.smoothness)):
        raise InputError("every term of the objective has weight 0: give content or style a weight above 0")
    return parts


def prepare(
    settings: DictConfig,
    inputs: Inputs,
    parts: Parts,
    weights: ConvolutionWeights,
    warm: Warm | None = None,
) -> Experiment:
    """Put pictures, parts and network together; precision and memory of the settings must be resolved.

    ``warm``: what earlier runs left.
    """
    warm = warm or Warm()
    # cut after the deepest layer that a term with a weight uses
    layers = [layer for term in (parts.content, parts.style) if term.weight > 0 for layer in term.layers]
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
            StyleImage(picture.pixels, weight)
            for picture, weight in zip(inputs.styles, inputs.style_weights, strict=True)
        ),
        objective=Objective(
            extractor,
            parts.content,
            parts.style,
            parts.smoothness,
            warm.pictures,
            _evaluation(settings),
            TemporalLoss(parts.video.temporal_weight),
        ),
        optimizer=parts.optimizer,
        start=parts.start,
        pyramid=parts.pyramid,
        size=settings.image.size,
        style_size=settings.image.style_size or settings.image.size,
        steps=settings.steps,
        seed=settings.seed,
        clip=settings.image.clip,
        keep_best=settings.keep_best,
        average=settings.average,
        stretch=settings.image.stretch.name,
        image_every=settings.record.image_every,
        waiting=warm.steps,
        resize=warm.resized,
        patience=Patience(settings.stop.patience, settings.stop.tolerance)
        if settings.stop.patience
        else None,
    )
    warm.expect(check_sizes(experiment))
    return experiment


def _evaluation(settings: DictConfig) -> Evaluation:
    mode = settings.memory if isinstance(settings.memory, str) else settings.memory.name
    if mode == Mode.tiles.name:
        return Tiles(settings.tile_size)
    return WholePicture(read_recomputing if mode == Mode.recompute.name else read_whole)


def _with_layers(settings: DictConfig, term: str) -> dict[str, Any]:
    description: Any = OmegaConf.to_container(settings.objective[term], resolve=True)
    layers: Any = OmegaConf.to_container(settings.layers, resolve=True)
    return description | {"layers": layer_weights(term, layers[term])}


def _with_float_rate(optimizer: DictConfig) -> dict[str, Any]:
    """Keras refuses a learning rate of 1, and takes 1.0."""
    description: Any = OmegaConf.to_container(optimizer, resolve=True)
    rate = description.get("learning_rate")
    return description | ({"learning_rate": float(rate)} if isinstance(rate, int) else {})


def _with_file(start: DictConfig, files: Files) -> dict[str, Any]:
    """The picture to start from is read when the start is built."""
    description: Any = OmegaConf.to_container(start, resolve=True)
    found = files.get(description.get("path"))
    return description | ({"path": str(found)} if found else {})
