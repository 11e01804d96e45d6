"""How a picture goes through the network: whole, keeping activations or computing them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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


def over_pictures(function: Callable[[Any], Any], given: Any) -> Any:
    """``function`` of each picture's share of ``given``, whose tensors have an axis of pictures first.

    All at once by ``tf.vectorized_map``, or one after another where TensorFlow has no vectorized form of an
    operation: in 2.21 it has none of the gradient of sorting (ScatterNd).
    """
    try:
        return tf.vectorized_map(function, given, fallback_to_while_loop=False)
    except ValueError:
        count = tf.nest.flatten(given)[0].shape[0]
        each = [function(tf.nest.map_structure(lambda one, at=at: one[at], given)) for at in range(count)]
        return tf.nest.map_structure(lambda *ones: tf.stack(ones), *each)


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

    @property
    def takes_several(self) -> bool:
        """Whether ``values_and_gradients`` is possible: nothing must be computed again in bands."""
        return self.read is read_whole

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

    def values_and_gradients(
        self, objective: Objective, images: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Images [N, 1, H, W, 3] -> losses [N], parts [N, P], gradients [N, 1, H, W, 3]; all float32.

        ``targets`` and ``weights`` have the axis of the pictures, too. The network sees one batch, as it is
        made to; each picture's terms, and the gradients by its activations, are computed ``over_pictures``,
        and so without a word about batches in statistics and losses.
        """
        names = tuple(objective.extractor.layers) if objective.extractor is not None else ()
        flat = images[:, 0]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(flat)
            features = objective.extractor(flat) if objective.extractor is not None else {}

        def of_one(given: Any) -> Any:
            image, activations, its_targets, its_weights = given

            def read(extractor: Any, image: tf.Tensor, readings: Sequence[Reading]) -> list[Any]:
                return [reading.take(activations[reading.layer], reading.target) for reading in readings]

            known = replace(self, read=read)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch((image, activations))
                parts = known.weighted_parts(objective, image, its_targets, its_weights)
                loss = tf.reduce_sum(parts)
            by_image, by_activations = tape.gradient(
                loss, (image, activations), unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return loss, parts, by_image, by_activations

        losses, parts, gradients, by_features = over_pictures(
            of_one, (images, {name: features[name][:, tf.newaxis] for name in names}, targets, weights)
        )
        if names:
            pulls = [by_features[name][:, 0] for name in names]
            through: Any = tape.gradient([features[name] for name in names], flat, output_gradients=pulls)
            gradients += through[:, tf.newaxis]
        return losses, parts, gradients
