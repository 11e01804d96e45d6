"""Checks of numbers that a user gives: weights, counts, shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nst_tf.errors import InputError

# ----------------------------------------------------------------------------
# Weights of terms and layers: finite, not negative, at least one layer.


def check_weight(name: str, weight: float) -> None:
    """Raise InputError unless ``weight`` is a finite number >= 0."""
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise InputError(f"the weight of {name} must be a number, but is {weight!r}")
    if not math.isfinite(weight) or weight < 0:
        raise InputError(f"the weight of {name} must be finite and at least 0, but is {weight}")


def check_layers(name: str, layers: Mapping[str, float]) -> None:
    """Raise InputError unless there is a layer and each layer's weight is a finite number >= 0."""
    if not layers:
        raise InputError(f"layers.{name} names no layer: give at least one, such as [block4_conv2]")
    for layer, weight in layers.items():
        check_weight(f"layers.{name}.{layer}", weight)


# ----------------------------------------------------------------------------
# Checks that the parameters of statistics share.


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise InputError unless ``value`` is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, but is {value!r}")


def check_at_least_zero(name: str, value: Any) -> None:
    """Raise InputError unless ``value`` is a finite number >= 0."""
    if not _is_finite(value) or value < 0:
        raise InputError(f"{name} must be a finite number of at least 0, but is {value!r}")


def check_positive(name: str, value: Any) -> None:
    """Raise InputError unless ``value`` is a finite number > 0."""
    if not _is_finite(value) or value <= 0:
        raise InputError(f"{name} must be a finite number above 0, but is {value!r}")


def _is_finite(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)
