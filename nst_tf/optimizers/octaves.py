"""An initial metric for pictures: what is alike over larger areas may move further."""

from __future__ import annotations

import tensorflow as tf


def over_octaves(image: tf.Tensor, octaves: int) -> tf.Tensor:
    """P v = v + sum for k = 1..octaves of B_k v, for an image v [1, H, W, C] of any size.

    B_k replaces each pixel by the mean of its 2^k x 2^k block (blocks that stick out at the lower and
    right border are filled with zeros). Each B_k is symmetric and has no negative eigenvalue (it is a
    projection where the blocks fit), so that P is symmetric with eigenvalues of at least 1: a metric.

    It is steepest descent on a sum of images at several resolutions (B_k is the upsampling of the k-th,
    by repetition, after the transpose of it, divided by 4^k), seen from the pixels. The loss of style
    transfer is stiff in fine detail and soft in what is coarse: plain gradients move detail first.
    """
    height, width = (int(side) for side in image.shape[1:3])  # pyright: ignore[reportArgumentType]
    total = image
    for octave in range(1, octaves + 1):
        side = 2**octave
        padded = tf.pad(image, [[0, 0], [0, -height % side], [0, -width % side], [0, 0]])
        means = tf.nn.avg_pool2d(padded, side, side, "VALID")
        total += tf.repeat(tf.repeat(means, side, 1), side, 2)[:, :height, :width]
    return total
