"""The objective: terms bound to their targets, its value, its parts and its gradient for an image."""

from nst_tf.objective.assignment import StyleImage
from nst_tf.objective.objective import BoundObjective, Objective

__all__ = ["BoundObjective", "Objective", "StyleImage"]
