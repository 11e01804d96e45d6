"""Checks that the parameters of statistics share."""

from __future__ import annotations

import math
from typing import Any

from nst_tf.errors import InputError


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
