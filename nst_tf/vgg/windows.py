"""The network over a window of a picture, of which only the middle belongs to the picture's tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from nst_tf.vgg.cropped import cropped
from nst_tf.vgg.extractor import FeatureExtractor
from nst_tf.vgg.reading import Reading


def read_window(
    extractor: FeatureExtractor, window: tf.Tensor, owned: tf.Tensor, readings: Sequence[Reading]
) -> list[Any]:
    """Window [1, h, w, 3] of an image -> what the readings take of the activations that are ``owned``.

    ``owned`` [4] int32 is the first and last (exclusive) row, the first and last column of the tile, in
    pixels of the window; both window and tile start at multiples of the extractor's stride. Targets of
    readings are those of the tile. Heights and widths need not be known when this is traced.
    """
    found: dict[int, Any] = {}
    activations, stride = window, 1
    for block in extractor.blocks:
        for step in block.steps:
            activations = step(activations)
            here = [index for index, reading in enumerate(readings) if reading.layer == step.name]
            if here:
                top, bottom, left, right = tf.unstack(owned // stride)
                tile = cropped(activations, (top, bottom), (left, right))
                found.update({index: readings[index].take(tile, readings[index].target) for index in here})
        stride *= block.stride
    return [found[index] for index in range(len(readings))]
