"""Statistics that can't be taken of regions, or blended, by their names: their classes bring TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig

from nst_tf.errors import InputError

FIT = (
    "gram, covariance, correlation, channel_means, batch_normalization, mmd_linear, mmd_polynomial up to"
    " degree 2, gaussian_wasserstein, sliced_wasserstein and histogram_matching"
)
"""The options of objective/style whose positions can have weights, and of which there is a mean."""

# any other is asked when it is built: nst_tf.run.statistic_of_styles
_UNFIT = ("NearestPatches",)
_WITH_KERNEL = "MaximumMeanDiscrepancy"


def check_statistic_of_regions(style: DictConfig) -> None:
    """Raise InputError for an ``objective.style`` whose statistic is known to take no weights."""
    if name := _unfit(style):
        raise InputError(not_of_regions(name))


def check_statistic_of_blends(style: DictConfig, blending: DictConfig) -> None:
    """Raise InputError for an ``objective.style`` whose statistic is known to have no mean of styles."""
    if _named(blending)[0] == "BlendedStatistics" and (name := _unfit(style)):
        raise InputError(not_blended(name))


def not_of_regions(name: str) -> str:
    """The sentence for a statistic that knows no weights of positions."""
    return (
        f"guidance=masks is not possible with the statistic {name}, which knows no weights of positions: it"
        f" is with {FIT}"
    )


def not_blended(name: str) -> str:
    """The sentence for a statistic that has no mean of several styles."""
    return (
        f"blending=statistics is not possible with the statistic {name}, of which there is no mean: it is"
        f" with {FIT}; say blending=losses"
    )


def _unfit(style: DictConfig) -> str | None:
    """The name of the statistic, with its kernel, if it is known to be unfit."""
    name, statistic = _named(style.get("statistic"))
    if name in _UNFIT:
        return name
    kernel, parameters = _named(statistic.get("kernel"))
    degree = parameters.get("degree", math.inf)
    if name == _WITH_KERNEL and isinstance(degree, (int, float)) and degree > 2:
        return f"{name} of the {kernel}"
    return None


def _named(description: Any) -> tuple[str, Mapping[Any, Any]]:
    """The class that a description names, without its module, and the description; empty if it is none."""
    if not isinstance(description, DictConfig):
        return "", {}
    return str(description.get("_target_")).rpartition(".")[2], description
