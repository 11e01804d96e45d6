"""A part of a layer."""

from __future__ import annotations

import tensorflow as tf

_TO_THE_END = -1  # as tf.slice has it


def cropped(
    activations: tf.Tensor,
    rows: tuple[int | tf.Tensor, int | tf.Tensor],
    columns: tuple[int | tf.Tensor, int | tf.Tensor] | None = None,
) -> tf.Tensor:
    """Activations [1, H, W, C] -> those of rows first to last (exclusive), and of such columns: [1, h, w, C].

    What ``activations[:, first:last]`` gives. But the gradient of that is TensorFlow's StridedSliceGrad,
    which runs on one thread and took a fifth of a step; that of tf.slice is a padding with zeros.
    """
    left, width = (0, _TO_THE_END) if columns is None else (columns[0], columns[1] - columns[0])
    part = tf.slice(activations, [0, rows[0], left, 0], [_TO_THE_END, rows[1] - rows[0], width, _TO_THE_END])
    # with rows that are tensors, tf.slice forgets what is known of the other sides
    part.set_shape([activations.shape[0], None, None, activations.shape[3]])
    return part
