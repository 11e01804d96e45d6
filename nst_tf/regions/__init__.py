"""Regions of pictures: who belongs where, at the picture's size and at every layer. NumPy alone."""

from nst_tf.regions.layer_weights import PROPAGATIONS, LayerWeights, layer_weights
from nst_tf.regions.memberships import MOST_REGIONS, flat_colours, memberships
from nst_tf.regions.regions import Regions

__all__ = [
    "MOST_REGIONS",
    "PROPAGATIONS",
    "LayerWeights",
    "Regions",
    "flat_colours",
    "layer_weights",
    "memberships",
]
