"""Loading TensorFlow without what it prints at its start, and Keras as this package needs it."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nst_tf.errors import InputError

_logger = logging.getLogger("tensorflow")

_BACKEND, _FLOATX, _DATA_FORMAT = "tensorflow", "float32", "channels_last"
# options of TensorFlow's rewriting of graphs; the first is not among them until somebody sets it
_ARITHMETIC, _NO_REWRITING = "arithmetic_optimization", "disable_meta_optimizer"
# what else stops their imports with a traceback
_POSSIBLE = {
    "floatx": ("float16", "float32", "float64"),
    "image_data_format": ("channels_last", "channels_first"),
}


def load_tensorflow() -> None:
    """Import TensorFlow and Keras; what they print while loading is shown only if loading fails.

    Their libraries write to the file descriptor of standard error before any logging can be set. Whatever
    ``KERAS_BACKEND`` and the user's ``keras.json`` say, Keras computes with TensorFlow, in float32 and with
    the channels last, from here on: each of these changes results, or is not possible. TensorFlow computes
    what is written, in the order in which it is written, so that a run gives the same bits every time.
    Raises InputError if Keras was imported with another backend before, or can't read its own settings.
    """
    if "tensorflow" not in sys.modules or "keras" not in sys.modules:
        _import_quietly()
    import keras

    backend = keras.config.backend()
    if backend != _BACKEND:
        raise InputError(
            f"Keras was imported with the backend {backend} before, and nst_tf needs tensorflow: set"
            " KERAS_BACKEND=tensorflow where this program starts, or call nst_tf in a process of its own"
        )
    _logger.setLevel(logging.ERROR)  # of its warnings, those of many sizes being traced are no news
    keras.config.set_floatx(_FLOATX)
    keras.config.set_image_data_format(_DATA_FORMAT)
    _rewrite_graphs_less()


def _rewrite_graphs_less() -> None:
    """Stop TensorFlow from rewriting compiled functions (grappler): on a CPU at all, on a GPU in their sums.

    Its rewriting of arithmetic merges sums of several terms into one, whose order differs from process to
    process: the last bits of float64 statistics did, so that runs of the same words at 512 pixels were 1e-7
    apart in their loss after a few steps and 0.004 in the end. All of its rewritings take half a second at
    every size, and a step on a CPU takes as long without them. On a GPU they choose the layout.
    """
    import tensorflow as tf

    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    tf.config.optimizer.set_experimental_options({_ARITHMETIC: False, _NO_REWRITING: not has_gpu})


@contextmanager
def settings_kept() -> Iterator[None]:
    """Load TensorFlow; afterwards the settings of Keras and TensorFlow that it changes are as they were."""
    if "keras" not in sys.modules:
        _import_quietly()
    import keras
    import tensorflow as tf

    level = _logger.level
    floatx, data_format = keras.config.floatx(), keras.config.image_data_format()
    rewrites = {_ARITHMETIC: True} | tf.config.optimizer.get_experimental_options()
    try:
        load_tensorflow()
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_image_data_format(data_format)
        tf.config.optimizer.set_experimental_options(rewrites)
        _logger.setLevel(level)


def check_settings_of_keras() -> None:
    """Raise InputError for a ``keras.json`` with which neither TensorFlow nor Keras can be imported."""
    path = Path(os.environ.get("KERAS_HOME") or Path("~") / ".keras").expanduser() / "keras.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # they ignore it then
        return
    if not isinstance(settings, dict):
        raise InputError(f"{path} holds no settings of Keras, which can't be imported: delete it")
    if not isinstance(settings.get("epsilon", 1e-7), float):
        raise InputError(f"{path} has epsilon={settings['epsilon']!r}, which Keras refuses: say 1e-07")
    for key, possible in _POSSIBLE.items():
        if key in settings and settings[key] not in possible:
            raise InputError(
                f"{path} has {key}={settings[key]!r}, which Keras refuses: say {' or '.join(possible)}"
            )


def _import_quietly() -> None:
    check_settings_of_keras()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # by itself TensorFlow leaves it off on processors without AVX-512 VNNI, where it is as much faster
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    sys.stderr.flush()
    kept = os.dup(2)
    with _backend_of_keras(), tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            import keras  # noqa: F401
            import tensorflow as tf

            # creating the first tensor starts the device layer, which prints, too
            for device in tf.config.list_physical_devices("GPU"):
                tf.config.experimental.set_memory_growth(device, True)
            tf.constant(0).numpy()
        except BaseException:
            printed.seek(0)
            os.write(kept, printed.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def _backend_of_keras() -> Iterator[None]:
    """Meanwhile KERAS_BACKEND says tensorflow: the first import chooses, maybe TensorFlow's, for good."""
    wanted = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = _BACKEND
    try:
        yield
    finally:
        if wanted is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = wanted
