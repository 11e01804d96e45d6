"""Watchers that tell other programs of a run: TensorBoard, MLflow."""

from __future__ import annotations

from nst_tf.loggers.loggers import LoggedRun, Logger, Loggers, loggers_of

__all__ = ["LoggedRun", "Logger", "Loggers", "loggers_of"]
