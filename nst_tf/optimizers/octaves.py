"""An initial metric for pictures: what is alike over larger areas may move further."""

from __future__ import annotations

import tensorflow as tf


def over_octaves(image: tf.Tensor, octaves: int) -> tf.Tensor:
    """P v = v + sum for k = 1..octaves of U_k U_k^T v / 4^k, for an image v [1, H, W, C] of any size.

    U_k enlarges an image 2^k times by linear interpolation, so U_k^T / 4^k takes weighted means around the
    points of a coarser grid (beyond the lower and right border v is 0). Each term is symmetric without
    negative eigenvalues, so P is symmetric with eigenvalues of at least 1: a metric.

    It is steepest descent on a sum of images at several resolutions, seen from the pixels. The loss of style
    transfer is stiff in fine detail and soft in what is coarse: plain gradients move detail first. Repeating
    pixels in the place of interpolation leaves the edges of squares in areas without detail.
    """
    height, width = (int(side) for side in image.shape[1:3])  # pyright: ignore[reportArgumentType]
    total = image
    for octave in range(1, octaves + 1):
        side = 2**octave
        down, across = -(-height // side), -(-width // side)
        padded = tf.pad(image, [[0, 0], [0, down * side - height], [0, across * side - width], [0, 0]])
        coarse = tf.zeros((1, down, across, image.shape[-1]), image.dtype)
        # the gradient of an interpolation is its transpose
        sums = tf.raw_ops.ResizeBilinearGrad(grads=padded, original_image=coarse, half_pixel_centers=True)
        means = sums / side**2
        total += tf.image.resize(means, (down * side, across * side), "bilinear")[:, :height, :width]
    return total
