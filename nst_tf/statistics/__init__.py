"""What style is: statistics of one layer's activations, as small frozen objects.

Every statistic answers two questions:

- ``describe(activations)``: activations [1, H, W, C] -> a tensor (or a structure of tensors) in float32;
- ``compare(generated, style)``: two descriptions -> one scalar, zero where they agree.

The style's description is computed once, the generated image's at every step.
"""

from nst_tf.statistics.distances import AbsoluteError, Distance, SquaredError
from nst_tf.statistics.gram import Gram
from nst_tf.statistics.statistic import Statistic

__all__ = ["AbsoluteError", "Distance", "Gram", "SquaredError", "Statistic"]
