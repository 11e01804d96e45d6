"""The objective: terms bound to their targets, its value, its parts and its gradient for an image."""

from __future__ import annotations

from nst_tf.objective.objective import BoundObjective, Objective
from nst_tf.objective.style_targets import StyleImage

__all__ = ["BoundObjective", "Objective", "StyleImage"]
