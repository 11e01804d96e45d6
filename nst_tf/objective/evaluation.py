"""How a picture goes through the network: whole, keeping activations or computing them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import tensorflow as tf

from nst_tf.vgg.extractor import FeatureExtractor
from nst_tf.vgg.reading import Reading, read_whole

if TYPE_CHECKING:
    from nst_tf.objective.objective import Objective

Targets = Mapping[str, Any]


class Evaluation(Protocol):
    """Takes from the network what an objective needs. Two that are equal compile to the same."""

    @property
    def on_host(self) -> bool:
        """Whether it compiles what it runs itself, and can't be part of another compiled function."""
        ...

    def check(self, objective: Objective) -> None:
        """Raise InputError for an objective that can't be evaluated so."""
        ...

    def see(
        self, extractor: FeatureExtractor | None, pixels: np.ndarray, readings: Sequence[Reading]
    ) -> list[Any]:
        """A picture [H, W, 3] -> what each reading takes of it, for a target."""
        ...

    def weighted_parts(
        self, objective: Objective, image: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tf.Tensor:
        """Image [1, H, W, 3] -> parts of the loss [P], float32."""
        ...

    def value_and_gradient(
        self, objective: Objective, image: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32."""
        ...


@dataclass(frozen=True)
class WholePicture:
    """The whole picture at once; ``read`` is ``read_whole`` or ``read_recomputing``.

    ``jit_compile``: whoever compiles it asks XLA to.
    """

    read: Callable[[FeatureExtractor, tf.Tensor, Sequence[Reading]], list[Any]] = read_whole
    on_host: bool = False
    jit_compile: bool = False

    def check(self, objective: Objective) -> None:
        """Every objective can."""

    def see(
        self, extractor: FeatureExtractor | None, pixels: np.ndarray, readings: Sequence[Reading]
    ) -> list[Any]:
        """A picture [H, W, 3] -> what each reading takes of it."""
        if extractor is None:
            return []
        return self.read(extractor, tf.constant(pixels[np.newaxis], tf.float32), readings)

    def weighted_parts(
        self, objective: Objective, image: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tf.Tensor:
        """Image [1, H, W, 3] -> parts of the loss [P], float32."""
        taken = []
        if objective.extractor is not None:
            readings = objective.readings(targets, weights)
            taken = self.read(objective.extractor, image, readings)
        values = objective.values(taken, targets) + objective.of_pixels(image, targets)
        return weights * tf.stack(values)

    def value_and_gradient(
        self, objective: Objective, image: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            parts = self.weighted_parts(objective, image, targets, weights)
            loss = tf.reduce_sum(parts)
        gradient: Any = tape.gradient(loss, image)
        return loss, parts, gradient
