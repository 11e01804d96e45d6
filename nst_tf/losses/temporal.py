"""The temporal loss: an image must be where the one before it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from nst_tf.weighting import check_weight


@dataclass(frozen=True)
class TemporalTarget:
    """``pixels`` [H, W, 3] in [0, 1] to stay near, where ``believed`` [H, W] is 1."""

    pixels: np.ndarray
    believed: np.ndarray


@dataclass(frozen=True)
class TemporalLoss:
    """weight * 1 / D * sum_k c_k (x_k - w_k)^2, with D = 3 H W, pixels in [0, 1].

    x is the image, w the previous result as this frame sees it, c in [0, 1] where that is believed.
    Ruder, Dosovitskiy, Brox, "Artistic style transfer for videos", GCPR 2016, equation 5 (L_temporal);
    their gamma = 200 goes with other units of the other terms.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a weight that is negative or not finite: InputError."""
        check_weight("video", self.weight)

    def targets(self, target: TemporalTarget | None, height: int, width: int) -> dict[str, tf.Tensor]:
        """Tensors for a frame; None, of the first one, believes nothing: all share a compiled step."""
        if target is None:
            return {"pixels": tf.zeros((1, height, width, 3)), "believed": tf.zeros((1, height, width, 1))}
        return {
            "pixels": tf.constant(target.pixels[np.newaxis], tf.float32),
            "believed": tf.constant(target.believed[np.newaxis, ..., np.newaxis], tf.float32),
        }

    def __call__(self, image: tf.Tensor, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Image [1, H, W, 3] in [0, 1] -> scalar, without the weight."""
        return tf.reduce_mean(targets["believed"] * (image - targets["pixels"]) ** 2)
