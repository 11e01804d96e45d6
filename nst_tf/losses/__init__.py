"""The terms of an objective: content, style and smoothness, as small frozen objects."""

from nst_tf.losses.content import ContentLoss
from nst_tf.losses.nine_point import NinePointTotalVariation
from nst_tf.losses.smoothness import TotalVariation
from nst_tf.losses.style import StyleLoss
from nst_tf.losses.temporal import TemporalLoss, TemporalTarget
from nst_tf.losses.term import Smoothness

__all__ = [
    "ContentLoss",
    "NinePointTotalVariation",
    "Smoothness",
    "StyleLoss",
    "TemporalLoss",
    "TemporalTarget",
    "TotalVariation",
]
