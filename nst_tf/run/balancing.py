"""balance=auto: what it measures is written into the configuration, so that a run repeats without it."""

from __future__ import annotations

import dataclasses
import logging

from omegaconf import DictConfig

from nst_tf.balance import AutoBalance, Pulls, half_way, pulls_of
from nst_tf.pyramid import Scale
from nst_tf.run.experiment import Experiment
from nst_tf.run.stage import stage_at

_log = logging.getLogger(__name__)


def with_settled_balance(settings: DictConfig, experiment: Experiment) -> Experiment:
    """The experiment with a balance that needs no more measuring, as ``settings`` then say, too.

    Raises InputError where there is nothing to be balanced.
    """
    if experiment.balance.is_settled:
        return experiment
    settled = experiment.balance.settled([_pulls(experiment, scale) for scale in experiment.scales])
    if isinstance(settled, AutoBalance) and settled.calibration is not None:
        settings.balance.calibration = settled.calibration
        for index, scale in enumerate(experiment.scales):
            content, style = settled.factors(experiment.objective, index)
            _log.info("balance at %d pixels: content x %.4g, style x %.4g", scale.size, content, style)
    return dataclasses.replace(experiment, balance=settled)


def _pulls(experiment: Experiment, scale: Scale) -> Pulls:
    """How strongly content and style pull at one size; their targets stay known for the run itself."""
    stage = stage_at(scale, experiment)
    return pulls_of(stage.bound(experiment), stage.canvas.image(half_way(stage.content, stage.styles)))
