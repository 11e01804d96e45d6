"""An initial metric for pictures: what is alike over larger areas may move further."""

from __future__ import annotations

import tensorflow as tf


def over_octaves(image: tf.Tensor, octaves: int, *, weight: float = 1.0, circular: bool = False) -> tf.Tensor:
    """P v = v + sum for k = 1..octaves of w^k U_k U_k^T v / 4^k, for an image v [1, H, W, C] of any size.

    ``weight`` w > 0 is how much more an octave counts than the next finer one.

    U_k enlarges an image 2^k times by linear interpolation, so U_k^T / 4^k takes weighted means around the
    points of a coarser grid (beyond the lower and right border v is 0). Each term is symmetric without
    negative eigenvalues, so P is symmetric with eigenvalues of at least 1: a metric.

    It is steepest descent on a sum of images at several resolutions, seen from the pixels. The loss of style
    transfer is stiff in fine detail and soft in what is coarse: plain gradients move detail first. Repeating
    pixels in the place of interpolation leaves the edges of squares in areas without detail.

    ``circular``: beyond a border v is what it is at the opposite one, and octaves whose 2^k does not divide
    both sides, which have no such grid, are left out. On a torus no place then moves in another way.
    """
    height, width = (int(side) for side in image.shape[1:3])  # pyright: ignore[reportArgumentType]
    total = image
    for octave in range(1, octaves + 1):
        side = 2**octave
        if circular:
            if not (height % side or width % side):
                total += weight**octave * _octave_of_torus(image, side)
            continue
        down, across = -(-height // side), -(-width // side)
        padded = tf.pad(image, [[0, 0], [0, down * side - height], [0, across * side - width], [0, 0]])
        coarse = tf.zeros((1, down, across, image.shape[-1]), image.dtype)
        # the gradient of an interpolation is its transpose
        sums = tf.raw_ops.ResizeBilinearGrad(grads=padded, original_image=coarse, half_pixel_centers=True)
        means = weight**octave * sums / side**2
        total += tf.image.resize(means, (down * side, across * side), "bilinear")[:, :height, :width]
    return total


def _octave_of_torus(image: tf.Tensor, side: int) -> tf.Tensor:
    """U U^T v / side^2 for one octave: a cell of the coarser grid reaches half a cell into its neighbours."""
    padded = _wrapped(image, side)
    coarse = tf.zeros_like(padded[:, ::side, ::side])
    sums = tf.raw_ops.ResizeBilinearGrad(grads=padded, original_image=coarse, half_pixel_centers=True)
    means = _wrapped(sums[:, 1:-1, 1:-1] / side**2, 1)
    return tf.image.resize(means, tuple(padded.shape[1:3]), "bilinear")[:, side:-side, side:-side]


def _wrapped(image: tf.Tensor, width: int) -> tf.Tensor:
    tall = tf.concat([image[:, -width:], image, image[:, :width]], 1)
    return tf.concat([tall[:, :, -width:], tall, tall[:, :, :width]], 2)
