"""What the statistics of style cost beside the network: the default's decomposes matrices at every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from benchmarks.transfer import steps_of

from gpu_checks.device import Device
from nst_tf.statistics import Covariance, GaussianWasserstein, Gram, SlicedWasserstein, Statistic

STATISTICS: dict[str, Statistic] = {
    "gram": Gram(),
    "covariance": Covariance(),
    "wasserstein (the default)": GaussianWasserstein(epsilon=0.0),
    "sliced_wasserstein": SlicedWasserstein(),
}
_STEPS_A_CALL, _CALLS = 4, 2


def measure(device: Device, size: int, precision: str) -> Iterator[dict[str, Any]]:
    """Milliseconds of a step of ``size`` x ``size`` pixels, by statistic."""
    for name, statistic in STATISTICS.items():
        with tf.device(device.name):
            seconds = steps_of(size, precision, statistic=statistic).seconds_a_step(_STEPS_A_CALL, _CALLS)
        yield {"statistic_of_style": name, "size": size, "precision": precision, "ms_a_step": 1e3 * seconds}
