"""The Wasserstein-2 barycentre of Gaussians: the one whose squared distances to all have the least mean."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from nst_tf.statistics.symmetric_roots import symmetric_power

# two matrices need one step; three of VGG's layers had converged after 6 to 10
_MOST_STEPS = 30
# of the trace: what a loss of single precision can't see
_TOLERANCE = 1e-7


def barycentre(matrices: Sequence[tf.Tensor], shares: Sequence[float], least: tf.Tensor | float) -> tf.Tensor:
    """Covariance matrices [C, C] float64 and their shares, which sum to 1 -> that of the barycentre, [C, C].

    S is the fixed point of S <- S^-1/2 (sum_k share_k (S^1/2 S_k S^1/2)^1/2)^2 S^-1/2, Alvarez-Esteban,
    del Barrio, Cuesta-Albertos, Matran 2016, "A fixed-point approach to barycenters in Wasserstein space",
    equation 7. From the first matrix, one step is exact for two. ``least`` is what every eigenvalue of the
    matrices reaches. It loops in Python: the target of a run is computed once, outside compiled functions.
    """
    used = [(one, share) for one, share in zip(matrices, shares, strict=True) if share > 0]
    found = used[0][0]
    if len(used) == 1:
        return found
    for _ in range(_MOST_STEPS):
        root, inverse = symmetric_power(found, 0.5, least), symmetric_power(found, -0.5, least)
        middle = tf.add_n(
            [
                share * symmetric_power(tf.matmul(root, tf.matmul(one, root)), 0.5, least**2)
                for one, share in used
            ]
        )
        half = tf.matmul(inverse, middle)
        before, found = found, tf.matmul(half, half, transpose_b=True)
        moved = tf.linalg.norm(found - before) / tf.linalg.trace(found)
        if len(used) == 2 or float(moved) < _TOLERANCE:
            break
    return found
