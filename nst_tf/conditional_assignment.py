"""Changing variables if a condition of the device's own numbers holds: by a branch, or by selecting.

A branch computes nothing that is not wanted, but the host must know the condition before it can take one:
on a GPU it would wait for the device at every step, and the device for it. There both values are computed
and the condition selects one of them where it stands. The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

_forced: bool | None = None


def selects() -> bool:
    """Whether conditions select, as on a GPU, in the place of branching, as on a CPU."""
    return bool(tf.config.list_physical_devices("GPU")) if _forced is None else _forced


@contextmanager
def selecting(wanted: bool = True) -> Iterator[None]:
    """Within it what is traced selects, or branches, on any device: to see on a CPU what a GPU gets."""
    global _forced
    before, _forced = _forced, wanted
    try:
        yield
    finally:
        _forced = before


def assign_if(condition: tf.Tensor, new_values: Callable[[], Sequence[tuple[Any, Any]]]) -> None:
    """Assign to variables what ``new_values`` pairs them with if the scalar ``condition`` holds.

    Otherwise they stay, bit for bit, whatever the values are, not-a-number included.
    """
    if selects():
        for variable, value in new_values():
            variable.assign(tf.where(condition, value, tf.convert_to_tensor(variable)))
        return

    def assign() -> tf.Operation:
        for variable, value in new_values():
            variable.assign(value)
        return tf.no_op()

    tf.cond(condition, assign, tf.no_op)
