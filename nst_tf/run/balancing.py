"""balance=auto: what it measures is written into the configuration, so that a run repeats without it."""

from __future__ import annotations

import dataclasses
import logging

from omegaconf import DictConfig

from nst_tf.balance import AutoBalance
from nst_tf.run.loop import Experiment, pulls_at_every_size

_log = logging.getLogger(__name__)


def with_settled_balance(settings: DictConfig, experiment: Experiment) -> Experiment:
    """The experiment with a balance that needs no more measuring, as ``settings`` then say, too.

    Raises InputError where there is nothing to be balanced.
    """
    if experiment.balance.is_settled:
        return experiment
    settled = experiment.balance.settled(pulls_at_every_size(experiment))
    if isinstance(settled, AutoBalance) and settled.calibration is not None:
        settings.balance.calibration = settled.calibration
        scales = experiment.pyramid.scales(experiment.size, experiment.style_size, experiment.steps)
        for index, scale in enumerate(scales):
            content, style = settled.factors(index)
            _log.info("balance at %d pixels: content x %.4g, style x %.4g", scale.size, content, style)
    return dataclasses.replace(experiment, balance=settled)
