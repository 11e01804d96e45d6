"""The contextual loss: every activation vector of the style must have a best match in the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from nst_tf.device import custom_gradient
from nst_tf.errors import check_positive, check_whole
from nst_tf.statistics.maximum_mean_discrepancy import sampled_rows
from nst_tf.statistics.statistic import as_vectors, sizes

# similarities computed at a time, 16 MiB in float32. Measured with 65^2 positions of block3_conv2 and of
# block4_conv2: value and gradient take 260 MiB beside the activations, and 770 with all similarities at once
MOST_SIMILARITIES = 2**22


@dataclass(frozen=True)
class Contextual:
    """-log of the mean over j of max_i w_ij: how well each vector of the style is matched by one of F.

    f_i are the vectors of F [M, C], s_j the style's, both minus the mean of the style's:

        d_ij = (1 - cos(f_i, s_j)) / 2
        e_ij = d_ij / (min_k d_ik + epsilon)
        w_ij = exp((1 - e_ij) / bandwidth) / sum_k exp((1 - e_ik) / bandwidth)

    So w_i says which of the style's vectors f_i is nearest to, compared with all others. Mechrez, Talmi,
    Zelnik-Manor 2018, "The Contextual Loss for Image Transformation with Non-Aligned Data", section 3,
    with the numbers of the authors' code, at block3_conv2 and block4_conv2. There it is the content term
    too, at block4_conv2: as a distance between two layers it is that of all their positions.

    At most ``samples`` positions of each picture stand for all, 65^2 in the authors' code. Departure: they
    are drawn once, by ``seed``, there anew at every step; so a line search sees one function, and of a large
    layer only the sampled positions are moved.
    """

    bandwidth: float = 0.5
    epsilon: float = 1e-5
    samples: int = 4225
    seed: int = 0

    def __post_init__(self) -> None:
        check_positive("bandwidth of the contextual loss", self.bandwidth)
        check_positive("epsilon of the contextual loss", self.epsilon)
        check_whole("samples of the contextual loss", self.samples, 2)
        check_whole("seed of the contextual loss", self.seed, 0)

    def __call__(self, generated: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Two layers [1, H, W, C] -> their distance, for the content term."""
        return self.compare(self.describe(generated), self.describe(target))

    def describe(self, activations: tf.Tensor) -> tf.Tensor:
        """Activations [1, H, W, C] -> a sample of the vectors, [n, C]."""
        return sampled_rows(as_vectors(activations), self.samples, self.seed)

    def compare(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Two samples -> their distance; for the gradient the style is a constant."""
        center = tf.reduce_mean(style, axis=0)
        mine, theirs = (tf.math.l2_normalize(vectors - center, axis=1) for vectors in (generated, style))
        return -tf.math.log(tf.reduce_mean(self._best_matches(mine, theirs)))

    def _best_matches(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Directions [n, C] and [m, C] -> the largest w of each of the style's, [m].

        The rows of w are computed in pieces, and once more for the gradient: kept, they would be many times
        as large as the activations.
        """
        count, others = sizes(generated)[0], sizes(style)[0]
        length = max(1, MOST_SIMILARITIES // others)
        starts = range(0, count, length)

        def pieces(before: list[tf.Tensor]) -> Iterator[tf.Tensor]:
            for start in starts:
                with tf.control_dependencies(before):  # one at a time: its memory is that of the next
                    yield tf.identity(generated[start : start + length])

        @custom_gradient
        def of_all(_: tf.Tensor):
            before: list[tf.Tensor] = []
            found = []
            for rows in pieces(before):
                found.append(self._best_of_piece(rows, style))
                before[:] = found[-1:]
            of_pieces = tf.stack(found)
            best = tf.argmax(of_pieces, axis=0)

            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                before = [upstream]
                slopes = []
                for index, rows in enumerate(pieces(before)):
                    with tf.GradientTape(watch_accessed_variables=False) as tape:
                        tape.watch(rows)
                        matches = self._best_of_piece(rows, style)
                    share = tf.where(best == index, upstream, tf.zeros_like(upstream))
                    slope: Any = tape.gradient([matches], rows, output_gradients=[share])
                    slopes.append(slope)
                    before[:] = [slope]
                return tf.concat(slopes, axis=0)

            return tf.reduce_max(of_pieces, axis=0), gradient

        result: tf.Tensor = of_all(generated)  # pyright: ignore[reportAssignmentType]
        return result

    def _best_of_piece(self, generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        distances = (1 - tf.matmul(generated, style, transpose_b=True)) / 2
        nearest = tf.reduce_min(distances, axis=1, keepdims=True) + self.epsilon
        return tf.reduce_max(tf.nn.softmax((1 - distances / nearest) / self.bandwidth, axis=1), axis=0)
