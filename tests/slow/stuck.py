"""``nst`` with a step that does not end: after so many calls, the next is a loop within TensorFlow."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import tensorflow as tf

from nst_tf.cli import main
from nst_tf.optim.step import CompiledStep

_advance, _calls = CompiledStep.__call__, []


@tf.function
def _for_ever() -> tf.Tensor:
    return tf.while_loop(lambda count: count >= 0, lambda count: tf.abs(count), (tf.constant(1),))[0]


def _slow(self, *arguments):
    _calls.append(None)
    if len(_calls) > int(os.environ["STUCK_AFTER"]):
        Path(os.environ["STUCK_SIGN"]).touch()
        _for_ever().numpy()
    return _advance(self, *arguments)


CompiledStep.__call__ = _slow
sys.argv[0] = "nst"
main()
