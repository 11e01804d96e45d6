"""Nearest patches: every neighbourhood of the result must be one that the style has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from nst_tf.errors import InputError, check_whole
from nst_tf.statistics.maximum_mean_discrepancy import sampled_rows
from nst_tf.statistics.statistic import sizes

# similarities held at a time, 64 MiB in float32: those of block3_conv1 of a 512 x 512 picture at stride 2
# with 4096 candidates, 16e6, still are one piece
MOST_SIMILARITIES = 2**24


class Patches(NamedTuple):
    """All patches [P, k k C] of a picture, and at most ``style_patches`` of them as candidates."""

    all: tf.Tensor
    candidates: tf.Tensor


@dataclass(frozen=True)
class NearestPatches:
    """Mean over patches i and their numbers of (Psi_i(F) - Psi_NN(i)(S))^2.

    Psi_i are the patches of ``patch_size`` x ``patch_size`` positions and all C channels, ``stride``
    positions apart; NN(i) is the patch of the style with the largest normalized cross-correlation
    Psi_i . Psi_j / (|Psi_i| |Psi_j|). Li and Wand 2016, "Combining Markov Random Fields and Convolutional
    Neural Networks for Image Synthesis", equations 2 and 3 (there the sum of squares), at block3_conv1 and
    block4_conv1. The paper's 3 x 3 patches; stride 2 is that of the authors' code for the style's patches.
    Unlike every other statistic it knows where the activations are.
    Departure: of a style with more than ``style_patches`` patches, as many are drawn, once, by ``seed``.
    The choice of the neighbour has no gradient: where two are equally near the loss has a kink.
    """

    patch_size: int = 3
    stride: int = 2
    style_patches: int = 4096
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("patch_size of the nearest patches", self.patch_size, 1)
        check_whole("stride of the nearest patches", self.stride, 1)
        check_whole("style_patches of the nearest patches", self.style_patches, 1)
        check_whole("seed of the nearest patches", self.seed, 0)

    def describe(self, activations: tf.Tensor) -> Patches:
        """Activations [1, H, W, C] -> patches; InputError where the layer is smaller than a patch."""
        _, height, width, _ = sizes(activations)
        if min(height, width) < self.patch_size:
            raise InputError(
                f"a patch of the style is {self.patch_size} x {self.patch_size}, but a layer of the picture"
                f" has only {height} x {width} positions: take a larger image.size or shallower layers.style"
            )
        patches = self._patches(activations)
        return Patches(patches, sampled_rows(patches, self.style_patches, self.seed))

    def compare(self, generated: Patches, style: Patches) -> tf.Tensor:
        chosen = tf.gather(style.candidates, nearest(tf.stop_gradient(generated.all), style.candidates))
        return tf.reduce_mean(tf.math.squared_difference(generated.all, chosen))

    def _patches(self, activations: tf.Tensor) -> tf.Tensor:
        # shifted pictures, because the gradient of tf.image.extract_patches is slow and large
        _, height, width, channels = sizes(activations)
        rows, columns = height - self.patch_size + 1, width - self.patch_size + 1
        shifted = [
            activations[0, down : down + rows : self.stride, right : right + columns : self.stride]
            for down in range(self.patch_size)
            for right in range(self.patch_size)
        ]
        return tf.reshape(tf.concat(shifted, axis=-1), [-1, self.patch_size**2 * channels])


def nearest(patches: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
    """Patches [P, D] and candidates [N, D] -> [P]: the number of each patch's most similar candidate."""
    directions = tf.math.l2_normalize(candidates, axis=1)
    count, length = sizes(patches)
    piece = min(count, max(1, MOST_SIMILARITIES // sizes(candidates)[0]))
    pieces = -(-count // piece)

    def nearest_of(some: tf.Tensor) -> tf.Tensor:
        # the norm of the patch itself changes no order
        return tf.argmax(tf.matmul(some, directions, transpose_b=True), axis=1, output_type=tf.int32)

    if pieces == 1:
        return nearest_of(patches)
    padded = tf.pad(patches, [[0, pieces * piece - count], [0, 0]])
    found = tf.map_fn(
        nearest_of,
        tf.reshape(padded, [pieces, piece, length]),
        parallel_iterations=1,  # more at a time would need more memory
        fn_output_signature=tf.int32,
    )
    return tf.reshape(found, [-1])[:count]
