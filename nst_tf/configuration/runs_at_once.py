"""The word ``sweep.batch``: how many runs of a sweep are optimized at once."""

from __future__ import annotations

from typing import Any

from nst_tf.errors import InputError

AUTO = "auto"


def runs_at_once(batch: Any) -> int | None:
    """At most so many; None for auto. Raises InputError for anything but auto and whole numbers from 1."""
    if batch == AUTO:
        return None
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InputError(f"sweep.batch must be auto or a whole number of at least 1, but is {batch!r}")
    return batch
