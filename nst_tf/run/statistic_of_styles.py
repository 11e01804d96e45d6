"""Whether the statistic of style serves regions and blends."""

from __future__ import annotations

from nst_tf.configuration.checks import Inputs
from nst_tf.errors import InputError
from nst_tf.objective.blending import Blending
from nst_tf.statistics import Statistic
from nst_tf.statistics.statistic import takes_weights


def check_statistic(statistic: Statistic, blending: Blending, inputs: Inputs) -> None:
    """Raise InputError for a statistic that can't be taken of regions, or blended, where it should be."""
    if inputs.regions is not None and not takes_weights(statistic):
        raise InputError(
            f"guidance=masks is not possible with the statistic {type(statistic).__name__}, which knows no"
            " weights of positions: it is with gram, covariance, correlation, channel_means,"
            " batch_normalization, mmd_linear, mmd_polynomial up to degree 2, gaussian_wasserstein,"
            " sliced_wasserstein and histogram_matching"
        )
    if len(inputs.styles) > 1:
        blending.check(statistic)
