"""Where the optimization starts: the word ``init`` of the command line."""

from nst_tf.start.images import ContentStart, NoiseStart, Start, StyleStart

__all__ = ["ContentStart", "NoiseStart", "Start", "StyleStart"]
