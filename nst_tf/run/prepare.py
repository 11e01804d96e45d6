"""From a checked configuration and its pictures to the objects of an experiment."""

from __future__ import annotations

from omegaconf import DictConfig

from nst_tf.configuration.checks import Inputs
from nst_tf.objective import StyleImage
from nst_tf.run.build import build, build_objective
from nst_tf.run.loop import Experiment
from nst_tf.weights import ConvolutionWeights


def prepare(settings: DictConfig, inputs: Inputs, weights: ConvolutionWeights) -> Experiment:
    """Build every object; ``settings.precision`` must be resolved. Raises InputError."""
    return Experiment(
        content=inputs.content.pixels,
        styles=tuple(
            StyleImage(picture.pixels, weight)
            for picture, weight in zip(inputs.styles, inputs.style_weights, strict=True)
        ),
        objective=build_objective(settings, weights, settings.precision.name),
        optimizer=build(settings, "optimizer"),
        start=build(settings, "init"),
        pyramid=build(settings, "pyramid"),
        size=settings.image.size,
        style_size=settings.image.style_size or settings.image.size,
        steps=settings.steps,
        seed=settings.seed,
        clip=settings.image.clip,
        keep_best=settings.keep_best,
        image_every=settings.record.image_every,
    )
