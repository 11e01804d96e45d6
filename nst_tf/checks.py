"""Checks of values that a user gives: InputError with the value received and what would be right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nst_tf.errors import InputError


def require(right: bool, name: str, value: object, wanted: str, advice: str = "") -> None:
    """Raise InputError unless ``right``: that ``name`` must be what is ``wanted``, but is ``value``."""
    if not right:
        raise InputError(f"{name} must be {wanted}, but is {value!r}{advice}")


def is_number(value: Any) -> bool:
    """Whether it is a finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: Any, least: int) -> bool:
    """Whether it is a whole number of at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise InputError unless ``value`` is a whole number of at least ``least``."""
    require(is_whole(value, least), name, value, f"a whole number of at least {least}")


def check_at_least_zero(name: str, value: Any) -> None:
    """Raise InputError unless ``value`` is a finite number >= 0."""
    require(is_number(value) and value >= 0, name, value, "a finite number of at least 0")


def check_positive(name: str, value: Any) -> None:
    """Raise InputError unless ``value`` is a finite number > 0."""
    require(is_number(value) and value > 0, name, value, "a finite number above 0")


def check_weight(name: str, weight: Any) -> None:
    """Raise InputError unless ``weight`` is a finite number >= 0."""
    name = f"the weight of {name}"
    require(isinstance(weight, (int, float)) and not isinstance(weight, bool), name, weight, "a number")
    require(math.isfinite(weight) and weight >= 0, name, weight, "finite and at least 0")


def check_layers(name: str, layers: Mapping[str, float]) -> None:
    """Raise InputError unless there is a layer, and each layer's weight is a finite number >= 0."""
    if not layers:
        raise InputError(f"layers.{name} names no layer: give at least one, such as [block4_conv2]")
    for layer, weight in layers.items():
        check_weight(f"layers.{name}.{layer}", weight)
