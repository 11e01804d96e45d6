"""What belongs to one picture under optimization, and what becomes of it when the objective has spoken."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_tf.conditional_assignment import assign_if
from nst_tf.solver.health import Health, Verdict
from nst_tf.solver.moving_average import MovingAverage


class PictureState:
    """``tf.Variable`` image, Keras optimizer, best image so far, moving average and health of one picture."""

    def __init__(
        self,
        height_and_width: tuple[int, int],
        prototype: keras.optimizers.Optimizer,
        *,
        clip: bool,
        average: float | None,
    ) -> None:
        """Make the variables; call ``reset`` before the first step."""
        shape = (1, *height_and_width, 3)
        self.image = tf.Variable(tf.zeros(shape), name="image")
        self.best_image = tf.Variable(tf.zeros(shape), name="best_image")
        self.best_loss = tf.Variable(tf.constant(np.inf, tf.float32), name="best_loss")
        self.optimizer: keras.optimizers.Optimizer = type(prototype).from_config(prototype.get_config())
        self.optimizer.build([self.image])
        self._initial = [_constant_or_copy(one) for one in self.optimizer.variables]
        self.average = MovingAverage(shape, average) if average else None
        self.health = Health(takes_back=getattr(self.optimizer, "needs_loss", False))
        self._clip = clip
        self._fresh = True

    def reset(self, start: np.ndarray, prototype: keras.optimizers.Optimizer) -> None:
        """Begin anew at ``start`` [H, W, 3], with the learning rate of ``prototype``."""
        self.close()
        self.image.assign(start[np.newaxis])
        self.best_image.assign(self.image)
        self.best_loss.assign(np.inf)
        self.health.reset()
        if (
            not self._fresh
        ):  # a history of L-BFGS can be most of the memory there is: write it only if need be
            for variable, value in zip(self.optimizer.variables, self._initial, strict=True):
                variable.assign(tf.fill(variable.shape, value) if np.ndim(value) == 0 else value)
        self._fresh = False
        rate = prototype.get_config().get("learning_rate")
        if isinstance(rate, float):
            self.optimizer.learning_rate = rate
        if self.average is not None:
            self.average.reset(tf.convert_to_tensor(self.image))

    @property
    def variables(self) -> list[Any]:
        """Everything that changes from step to step, in an order that equal steps share."""
        average = self.average.variables if self.average is not None else []
        image = [self.image, self.best_image, self.best_loss]
        return [*image, *self.optimizer.variables, *average, *self.health.variables]

    @property
    def named_variables(self) -> dict[str, Any]:
        """They by name, for a checkpoint."""
        return {f"variable_{index:03d}": one for index, one in enumerate(self.variables)}

    @property
    def learning_rate(self) -> float | None:
        """The optimizer's for the next update; None where there is none."""
        rate = getattr(self.optimizer, "learning_rate", None)
        return None if rate is None else float(rate)

    @property
    def bytes(self) -> int:
        """What the variables take."""
        return sum(int(np.prod(one.shape)) * 4 for one in self.variables)

    def close(self) -> None:
        """Let go of what the optimizer holds besides its variables, such as a thread."""
        close = getattr(self.optimizer, "close", None)
        if close is not None:
            close()

    def judge(
        self, loss: tf.Tensor, parts: tf.Tensor, gradient: tf.Tensor, may_improve: Any = True
    ) -> tf.Tensor:
        """What the objective said of the image -> [2 + P]: verdict, loss and parts.

        The image is the best one if it is, and if it ``may_improve`` [] on that.
        """
        present = tf.convert_to_tensor(self.image)
        verdict, finite = self.health.verdict(loss, gradient, tf.convert_to_tensor(self.best_loss))
        improved = may_improve & finite & (loss < tf.convert_to_tensor(self.best_loss))
        assign_if(improved, lambda: [(self.best_image, present), (self.best_loss, loss)])
        return tf.concat([verdict[tf.newaxis], loss[tf.newaxis], parts], 0)

    def tell(self, loss: tf.Tensor, gradient: tf.Tensor) -> None:
        """Move the image."""
        optimizer: Any = self.optimizer  # Keras' own know no `loss`
        if getattr(optimizer, "needs_loss", False):
            optimizer.apply([gradient], [self.image], loss=loss)
        else:
            optimizer.apply([gradient], [self.image])
        if self._clip:
            self.image.assign(tf.clip_by_value(self.image, 0.0, 1.0))
        if self.average is not None:
            self.average.update(tf.convert_to_tensor(self.image))

    def step_without_host(
        self, good: tf.Tensor, loss: tf.Tensor, parts: tf.Tensor, gradient: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """``judge`` and ``tell`` where all was ``good`` [] before -> (whether it still is, verdict and loss).

        The host learns at the end of the call that a step was bad: until then all stays as it was.
        """
        judged = [(one, tf.identity(one)) for one in self.health.variables]
        row = self.judge(loss, parts, gradient, good)
        assign_if(tf.logical_not(good), lambda: judged)
        good &= tf.equal(row[0], float(Verdict.GOOD))
        held = [(one, tf.identity(tf.convert_to_tensor(one))) for one in self._told]
        self.tell(loss, gradient)
        assign_if(tf.logical_not(good), lambda: held)
        return good, row

    @property
    def _told(self) -> list[Any]:
        """What must be as it was after a step that was bad.

        An optimizer that takes bad trials back does so by itself, and what could not be taken back begins
        anew: its history need not be copied at every step.
        """
        if getattr(self.optimizer, "needs_loss", False):
            return []
        average = self.average.variables if self.average is not None else []
        return [self.image, *self.optimizer.variables, *average]


def _constant_or_copy(variable: Any) -> float | np.ndarray:
    """Histories and moments begin as one number: keep that, not a second history."""
    values = tf.reshape(tf.convert_to_tensor(variable), [-1])  # shares the variable's memory
    lowest, highest = tf.reduce_min(values).numpy(), tf.reduce_max(values).numpy()
    return lowest if lowest == highest else np.asarray(variable)


def view_of(variable: Any) -> np.ndarray:
    """The variable's values now; a history of gigabytes is not copied for a checkpoint."""
    tensor: Any = tf.convert_to_tensor(variable)  # has the buffer interface
    return np.asarray(memoryview(tensor))
