"""Whether TensorFlow may only use operations that give the same bits every time."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python.framework import config as framework_config  # switching it off is not exported


def set_determinism(wanted: bool) -> None:
    """Make it so for the runs to come in this process.

    On the CPU every operation that a run uses gives the same bits anyway. On a GPU some sum in the order in
    which threads finish, unless told not to, at a cost in speed.
    """
    if wanted:
        tf.config.experimental.enable_op_determinism()
    elif framework_config.is_op_determinism_enabled():  # by a run before this one, in a sweep
        framework_config.disable_op_determinism()
