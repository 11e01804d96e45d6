"""Regions of pictures: who belongs where, at the picture's size and at every layer. NumPy alone.

``masks``, which knows the configuration, is apart.
"""

from __future__ import annotations

from nst_tf.guidance.regions import (
    PROPAGATIONS,
    LayerWeights,
    Regions,
    flat_colors,
    layer_weights,
    memberships,
)

__all__ = ["PROPAGATIONS", "LayerWeights", "Regions", "flat_colors", "layer_weights", "memberships"]
