"""Watchers that tell other programs of a run: TensorBoard, MLflow."""

from nst_tf.loggers.logger import LoggedRun, Logger
from nst_tf.loggers.loggers import Loggers, loggers_of

__all__ = ["LoggedRun", "Logger", "Loggers", "loggers_of"]
