"""What the statistics of style cost beside the network: the default's decomposes matrices at every step."""

from __future__ import annotations

import tensorflow as tf

from gpu_checks.device import Device
from gpu_checks.steps import steps_of
from nst_tf.statistics import Covariance, GaussianWasserstein, Gram, SlicedWasserstein, Statistic

STATISTICS: dict[str, Statistic] = {
    "gram": Gram(),
    "covariance": Covariance(),
    "wasserstein (the default)": GaussianWasserstein(epsilon=0.0),
    "sliced_wasserstein": SlicedWasserstein(),
}
_STEPS_A_CALL, _CALLS = 4, 2


def measure(device: Device, size: int, precision: str) -> dict[str, float]:
    """Milliseconds of a step of ``size`` x ``size`` pixels, by statistic."""
    found = {}
    with tf.device(device.name):
        for name, statistic in STATISTICS.items():
            steps = steps_of(size, precision, statistic=statistic)
            found[name] = 1e3 * steps.seconds_a_step(_STEPS_A_CALL, _CALLS)
    return found
