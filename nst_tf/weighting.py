"""Weights of terms and layers: finite, not negative, at least one layer."""

from __future__ import annotations

import math
from collections.abc import Mapping

from nst_tf.errors import InputError


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
