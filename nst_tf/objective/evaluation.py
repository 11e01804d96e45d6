"""One pass of a picture through the network: whole, recomputed, or remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import tensorflow as tf

from nst_tf.bounded_cache import BoundedCache
from nst_tf.vgg.network import FeatureExtractor, Reading, read_whole

if TYPE_CHECKING:
    from nst_tf.objective.objective import Objective


# ----------------------------------------------------------------------------
# What of the optimized image the objective sees: a grey of each pixel's own range, or all of it.

VIEW = "view"
"""The key of ``base`` and ``span`` [1, H, W, 1] among the targets: arguments, so that nothing is retraced."""


def view_target(base: np.ndarray, span: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """``base`` and ``span`` [H, W, 1] as a target."""
    return tf.constant(base[np.newaxis], tf.float32), tf.constant(span[np.newaxis], tf.float32)


def seen(image: tf.Tensor, targets: Mapping[str, Any]) -> tuple[tf.Tensor, Mapping[str, Any]]:
    """Image [1, H, W, 3] -> what is seen of it, and the targets of what is seen.

    base + span * m in every channel, with m the mean of the image's channels; without a view the image.
    """
    if VIEW not in targets:
        return image, targets
    base, span = targets[VIEW]
    grey = base + span * tf.reduce_mean(image, axis=-1, keepdims=True)
    return tf.repeat(grey, 3, axis=-1), {name: one for name, one in targets.items() if name != VIEW}


def gradient_of_image(gradient: tf.Tensor, targets: Mapping[str, Any]) -> tf.Tensor:
    """The gradient by the image [1, H, W, 3], from that by what is seen of it."""
    if VIEW not in targets:
        return gradient
    _, span = targets[VIEW]
    return tf.repeat(span * tf.reduce_mean(gradient, axis=-1, keepdims=True), 3, axis=-1)


def seeing_all(targets: dict[str, Any]) -> dict[str, Any]:
    """Targets for a picture that is already what is seen, of three equal channels; of the same structure."""
    if VIEW not in targets:
        return targets
    base, span = targets[VIEW]
    return {**targets, VIEW: (tf.zeros_like(base), tf.ones_like(span))}


# ----------------------------------------------------------------------------
# What the network saw in a picture, kept for the next objective that asks.

# of a 512 x 512 picture block4_conv2 has 8 MB and the five Gram matrices have 2.4 MB
_MOST_BYTES = 1 << 29
# a sweep of that many pictures at one size, before the first ones are computed again
_MOST_PICTURES = 256


@dataclass(frozen=True)
class SeenPicture:
    """Activations [1, h, w, C] by content layer, and the statistics of each style layer, one a region."""

    features: dict[str, tf.Tensor]
    description: dict[str, list[Any]]


class KnownPictures:
    """Pictures that were seen, by extractor, layers, statistic and content; bounded."""

    def __init__(self) -> None:
        """None yet."""
        self._seen: BoundedCache[SeenPicture] = BoundedCache(_MOST_BYTES, _MOST_PICTURES)

    def get(self, key: Hashable) -> SeenPicture | None:
        """What was seen, or None."""
        return self._seen.get(key)

    def put(self, key: Hashable, seen: SeenPicture) -> None:
        """Keep it as long as there is room."""
        tensors = tf.nest.flatten((seen.features, seen.description))
        size = sum(int(np.prod(tensor.shape)) * tensor.dtype.size for tensor in tensors)
        self._seen.put(key, seen, size)

    @property
    def bytes(self) -> int:
        """What they take."""
        return self._seen.bytes

    def clear(self) -> None:
        """Free them all."""
        self._seen.clear()


def digest_of(pixels: np.ndarray) -> bytes:
    """The identity of an array: of its shape, type and numbers."""
    hashed = hashlib.sha256(f"{pixels.dtype} {pixels.shape}".encode())
    hashed.update(np.ascontiguousarray(pixels).data)
    return hashed.digest()


# ----------------------------------------------------------------------------
# How a picture goes through the network: whole, keeping activations or computing them again.

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
