"""The device that TensorFlow runs on, and how much memory it has for a run."""

from __future__ import annotations

import tensorflow as tf

from nst_tf.available_memory import available_bytes
from nst_tf.visible_gpus import gpu_bytes


def device_bytes() -> int | None:
    """Of the GPU where TensorFlow sees one, else of this machine; None where nothing tells."""
    if tf.config.list_physical_devices("GPU"):
        return gpu_bytes()
    return available_bytes()
