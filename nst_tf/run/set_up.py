"""From a checked configuration and its pictures to an experiment, with what this process has already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from omegaconf import DictConfig

from nst_tf.configuration.checks import NO_FILES, Files, Inputs
from nst_tf.run.device import device_bytes
from nst_tf.run.experiment import Experiment
from nst_tf.run.memory import resolve_memory
from nst_tf.run.precision import in_place_of, resolved_precision
from nst_tf.run.prepare import Parts, build_parts, prepare
from nst_tf.run.typed import Typed, is_typed
from nst_tf.run.warm import WARM
from nst_tf.weights import ConvolutionWeights


@dataclass(frozen=True)
class SetUp:
    """What the configuration describes, the weights of the network, and the experiment of both."""

    parts: Parts
    weights: ConvolutionWeights
    experiment: Experiment
    """Its balance may still have to be settled."""
    said: str | None = None
    """That the convolutions have another precision than the saved one."""


def set_up(
    settings: DictConfig,
    inputs: Inputs,
    files: Files = NO_FILES,
    lap: Callable[[str], None] = lambda name: None,
    typed: Typed = None,
) -> SetUp:
    """Build everything; precision and memory of the settings are resolved. ``lap`` is told what is done.

    Of what was not ``typed``, what is possible here takes the place of what is not.
    Raises InputError for what can't be built, or does not fit.
    """
    parts = build_parts(settings, files)
    saved = settings.precision.name
    # may be refused: before any weights are fetched
    precision = resolved_precision(saved, is_typed("precision", typed))
    wanted = str(files.get(settings.model.weights, settings.model.weights))
    weights = WARM.weights(settings.model.name.name, wanted, settings.seed)
    lap("weights")
    settings.precision = precision
    resolve_memory(settings, inputs, device_bytes(), typed)
    said = None if saved in ("auto", precision) else in_place_of(saved)
    return SetUp(parts, weights, prepare(settings, inputs, parts, weights, WARM), said)
