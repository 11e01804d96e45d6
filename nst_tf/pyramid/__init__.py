"""Coarse to fine: which sizes, how many steps at each, and how an image goes from one to the next."""

from __future__ import annotations

from nst_tf.pyramid.sizes import CoarseToFine, NoSteps, Pyramid, Scale, SingleScale

__all__ = ["CoarseToFine", "NoSteps", "Pyramid", "Scale", "SingleScale"]
