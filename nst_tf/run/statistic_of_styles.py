"""Whether the statistic of style serves regions and blends."""

from __future__ import annotations

from nst_tf.configuration.checks import Inputs
from nst_tf.configuration.unfit_statistics import not_of_regions
from nst_tf.errors import InputError
from nst_tf.objective.blending import Blending
from nst_tf.statistics import Statistic
from nst_tf.statistics.statistic import takes_weights


def check_statistic(statistic: Statistic, blending: Blending, inputs: Inputs) -> None:
    """Raise InputError for a statistic that can't be taken of regions, or blended, where it should be.

    Those of nst_tf.statistics are refused by their names, before TensorFlow is loaded; this asks the object.
    """
    if inputs.regions is not None and not takes_weights(statistic):
        raise InputError(not_of_regions(type(statistic).__name__))
    if len(inputs.styles) > 1:
        blending.check(statistic)
