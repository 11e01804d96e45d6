"""Coarse to fine: which sizes, how many steps at each, and how an image goes from one to the next."""

from nst_tf.pyramid.no_steps import NoSteps
from nst_tf.pyramid.sizes import CoarseToFine, Pyramid, Scale, SingleScale

__all__ = ["CoarseToFine", "NoSteps", "Pyramid", "Scale", "SingleScale"]
