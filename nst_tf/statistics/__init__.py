"""What style is: statistics of one layer's activations, as small frozen objects.

Every statistic answers two questions:

- ``describe(activations)``: activations [1, H, W, C] -> a tensor (or a structure of tensors) in float32;
- ``compare(generated, style)``: two descriptions -> one scalar, zero where they agree.

The style's description is computed once, the generated image's at every step.
"""

from __future__ import annotations

from nst_tf.statistics.contextual import Contextual
from nst_tf.statistics.distances import AbsoluteError, Distance, RelativeSquaredError, SquaredError
from nst_tf.statistics.gaussian_wasserstein import GaussianWasserstein
from nst_tf.statistics.gram import BatchNormalizationStatistics, ChannelMeans, Correlation, Covariance, Gram
from nst_tf.statistics.maximum_mean_discrepancy import (
    GaussianKernel,
    Kernel,
    MaximumMeanDiscrepancy,
    PolynomialKernel,
)
from nst_tf.statistics.nearest_patches import NearestPatches
from nst_tf.statistics.neural_neighbors import MatchedHypercolumns, NearestFeatures
from nst_tf.statistics.quantiles import HistogramMatching, SlicedWasserstein
from nst_tf.statistics.relaxed_transport import HypercolumnMoments, RelaxedTransport, SelfSimilarity
from nst_tf.statistics.statistic import Statistic

__all__ = [
    "AbsoluteError",
    "BatchNormalizationStatistics",
    "ChannelMeans",
    "Contextual",
    "Correlation",
    "Covariance",
    "Distance",
    "GaussianKernel",
    "GaussianWasserstein",
    "Gram",
    "HistogramMatching",
    "HypercolumnMoments",
    "Kernel",
    "MatchedHypercolumns",
    "MaximumMeanDiscrepancy",
    "NearestFeatures",
    "NearestPatches",
    "PolynomialKernel",
    "RelativeSquaredError",
    "RelaxedTransport",
    "SelfSimilarity",
    "SlicedWasserstein",
    "SquaredError",
    "Statistic",
]
