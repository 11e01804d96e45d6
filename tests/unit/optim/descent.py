"""Run an optimizer on a function of a vector, compiled once, and keep what it was told and where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Path:
    """For every evaluation: its loss, its point, and the accepted loss after it (else the loss)."""

    losses: np.ndarray
    points: np.ndarray
    accepted: np.ndarray
    end: np.ndarray

    def evaluations_to(self, level: float) -> float:
        """How many evaluations it took until the loss was at most ``level``; infinity if it never was."""
        return evaluations_to(self.losses, level)


def evaluations_to(losses: np.ndarray, level: float) -> float:
    """1 + the index of the first loss of at most ``level``; infinity without one."""
    reached = np.flatnonzero(losses <= level)
    return reached[0] + 1 if reached.size else np.inf


class Descent:
    """``function(point [size], *parameters)`` -> loss, or (loss, gradient) to give the gradient oneself.

    Parameters are arrays or structures of them; they become tensors, so new values compile nothing.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, function: Callable, size: int) -> None:
        self.optimizer = optimizer
        self.point = tf.Variable(tf.zeros([size]))
        optimizer.build([self.point])
        self._initial_state = [variable.numpy() for variable in optimizer.variables]
        self._function = function
        self._compiled = tf.function(self._several, autograph=False)

    def run(self, start: np.ndarray, evaluations: int, *parameters) -> Path:
        """From ``start``, with a fresh state of the optimizer."""
        for variable, value in zip(self.optimizer.variables, self._initial_state, strict=True):
            variable.assign(value)
        self.point.assign(np.float32(start))
        return self.go_on(evaluations, *parameters)

    def go_on(self, evaluations: int, *parameters) -> Path:
        """From where it stands."""
        tensors = tf.nest.map_structure(lambda one: tf.convert_to_tensor(one, tf.float32), parameters)
        found = self._compiled(tf.constant(evaluations), *tensors)
        return Path(*(one.numpy() for one in found), self.point.numpy())

    def _several(self, evaluations: tf.Tensor, *parameters):
        size = self.point.shape[0]
        losses = tf.TensorArray(tf.float32, evaluations, element_shape=())
        points = tf.TensorArray(tf.float32, evaluations, element_shape=(size,))
        accepted = tf.TensorArray(tf.float32, evaluations, element_shape=())

        def evaluation(index, losses, points, accepted):
            point = tf.convert_to_tensor(self.point)
            loss, gradient = self._evaluated(point, parameters)
            self.optimizer.apply([gradient], [self.point], loss=loss)
            losses, points = losses.write(index, loss), points.write(index, point)
            accepted = accepted.write(index, getattr(self.optimizer, "accepted_loss", loss))
            return index + 1, losses, points, accepted

        begin = (tf.constant(0), losses, points, accepted)
        _, losses, points, accepted = tf.while_loop(lambda index, *_: index < evaluations, evaluation, begin)
        return losses.stack(), points.stack(), accepted.stack()

    def _evaluated(self, point: tf.Tensor, parameters) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(point)
            found = self._function(point, *parameters)
            loss = found[0] if isinstance(found, tuple) else found
        return loss, found[1] if isinstance(found, tuple) else tape.gradient(loss, point)
