"""neural-style's option ``-normalize_gradients``: each layer pulls with the force of its weight."""

from __future__ import annotations

import tensorflow as tf

from nst_tf.custom_gradient import custom_gradient

_SMALLEST_NORM = 1e-8  # jcjohnson/neural-style, ContentLoss:updateGradInput: "+ 1e-8"


def with_normalized_gradient(activations: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
    """The activations themselves, with dL/dF replaced by strength * dL/dF / (norm1(dL/dF) + 1e-8).

    What comes back is no longer the gradient of the loss that is reported: methods with a line search
    (LBFGS, SciPy's) can't use it.
    """

    @custom_gradient
    def unchanged(values: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            norm = tf.reduce_sum(tf.abs(upstream)) + _SMALLEST_NORM
            return tf.cast(strength, upstream.dtype) * upstream / norm

        return tf.identity(values), gradient

    result: tf.Tensor = unchanged(activations)  # pyright: ignore[reportAssignmentType]
    return result
