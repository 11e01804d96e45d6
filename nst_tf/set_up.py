"""From checked settings and their pictures to an experiment that is ready to be optimized."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from nst_tf.balance import AutoBalance
from nst_tf.check_before_run import CheckedRun
from nst_tf.config.overrides import is_explicit
from nst_tf.config.schema import Settings, with_values
from nst_tf.device import device_bytes, in_place_of, resolved_precision, set_determinism
from nst_tf.experiment import Experiment, Parts, build_parts, prepare
from nst_tf.process_cache import CACHE
from nst_tf.runs.memory import chosen_memory
from nst_tf.style_transfer import with_settled_balance
from nst_tf.vgg.weights import ConvolutionWeights

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SetUp:
    """What the settings describe, the weights of the network, and the experiment of both.

    ``settings`` are those of the run with what it found out itself: precision, memory, balance. ``said``:
    that the convolutions have another precision than the saved one.
    """

    settings: Settings
    parts: Parts
    weights: ConvolutionWeights
    experiment: Experiment
    said: str | None = None


def set_up(run: CheckedRun) -> SetUp:
    """Build everything, and settle what a run finds out itself; the log says what is worth a line.

    Raises InputError for what can't be built, does not fit, or leaves nothing to be balanced.
    """
    set_determinism(run.settings.deterministic)
    built = set_up_unbalanced(run)
    if built.said:
        _log.warning("%s", built.said)
    CACHE.expect(built.experiment.shapes)
    if built.experiment.skipped:
        _log.info("%s", built.experiment.skipped)
    settled = _with_settled_balance(built)
    if run.follows_each_step:
        settled = replace(settled, experiment=replace(settled.experiment, image_every=1))
    run.timings.lap("network")
    return settled


def set_up_unbalanced(run: CheckedRun) -> SetUp:
    """As ``set_up``, but for the balance, which may still have to be measured."""
    settings = run.settings
    parts = build_parts(settings, run.files)
    saved = settings.precision.name
    # may be refused: before any weights are fetched
    precision = resolved_precision(saved, is_explicit("precision", run.explicit))
    wanted = str(run.files.get(settings.model.weights, settings.model.weights))
    weights = CACHE.weights(settings.model.name.name, wanted, settings.seed)
    run.timings.lap("weights")
    memory = chosen_memory(settings, run.inputs, device_bytes(), precision, run.explicit)
    if memory.reason:
        _log.info("%s", memory.reason)
    settings = with_values(
        settings, {"precision": precision, "memory": memory.mode.name, "tile_size": memory.tile_size}
    )
    said = None if saved in ("auto", precision) else in_place_of(saved)
    return SetUp(settings, parts, weights, prepare(settings, run.inputs, parts, weights, CACHE), said)


def _with_settled_balance(built: SetUp) -> SetUp:
    """What balance=auto measures becomes part of the settings, so that the run repeats without it."""
    if built.experiment.balance.is_settled:
        return built
    experiment, settings = with_settled_balance(built.experiment), built.settings
    balance = experiment.balance
    if isinstance(balance, AutoBalance) and balance.calibration is not None:
        settings = with_values(settings, {"balance.calibration": balance.calibration})
        for index, scale in enumerate(experiment.scales):
            content, style = balance.factors(experiment.objective, index)
            _log.info("balance at %d pixels: content x %.4g, style x %.4g", scale.size, content, style)
    return replace(built, settings=settings, experiment=experiment)
