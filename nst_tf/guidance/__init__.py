"""Regions of pictures: who belongs where, at the picture's size and at every layer. NumPy alone."""

from __future__ import annotations

from nst_tf.guidance.regions import (
    MOST_REGIONS,
    PROPAGATIONS,
    LayerWeights,
    Regions,
    flat_colors,
    layer_weights,
    memberships,
)

__all__ = [
    "MOST_REGIONS",
    "PROPAGATIONS",
    "LayerWeights",
    "Regions",
    "flat_colors",
    "layer_weights",
    "memberships",
]
