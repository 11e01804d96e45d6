"""From a configuration to the objects of a run."""

from __future__ import annotations

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.checks import layer_weights
from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective
from nst_tf.vgg.extractor import FeatureExtractor
from nst_tf.weights import ConvolutionWeights


def build(settings: DictConfig, name: str) -> Any:
    """The object that the group ``name`` of the configuration describes; InputError if it can't be made."""
    return _made(name, OmegaConf.to_container(settings[name], resolve=True))


def build_objective(settings: DictConfig, weights: ConvolutionWeights, precision: str) -> Objective:
    """The objective with its extractor, cut after the deepest layer that a term with a weight uses."""
    content: ContentLoss = _term(settings, "content")
    style: StyleLoss = _term(settings, "style")
    smoothness: TotalVariation = _made(
        "objective.smoothness", OmegaConf.to_container(settings.objective.smoothness, resolve=True)
    )
    layers = [layer for term in (content, style) if term.weight > 0 for layer in term.layers]
    extractor = None
    if layers:
        extractor = FeatureExtractor(
            weights,
            layers,
            architecture=settings.model.name.name,
            pooling=settings.model.pooling.name,
            padding=settings.model.padding.name,
            pixels=settings.model.pixels.name,
            precision=precision,
        )
    return Objective(extractor, content, style, smoothness)


def _term(settings: DictConfig, name: str) -> Any:
    description: Any = OmegaConf.to_container(settings.objective[name], resolve=True)
    effective = OmegaConf.to_container(settings.layers, resolve=True)[name]  # type: ignore[index]
    return _made(f"objective.{name}", description | {"layers": layer_weights(name, effective)})


def _made(name: str, description: Any) -> Any:
    try:
        return instantiate(description, _convert_="all")
    except InstantiationException as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        reason = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
        raise InputError(f"{name} can't be built: {reason}") from error
