"""What style is: statistics of one layer's activations, as small frozen objects.

Every statistic answers two questions:

- ``describe(activations)``: activations [1, H, W, C] -> a tensor (or a structure of tensors) in float32;
- ``compare(generated, style)``: two descriptions -> one scalar, zero where they agree.

The style's description is computed once, the generated image's at every step.
"""

from nst_tf.statistics.batch_normalization import BatchNormalizationStatistics
from nst_tf.statistics.channel_means import ChannelMeans
from nst_tf.statistics.correlation import Correlation
from nst_tf.statistics.covariance import Covariance
from nst_tf.statistics.distances import AbsoluteError, Distance, RelativeSquaredError, SquaredError
from nst_tf.statistics.gaussian_wasserstein import GaussianWasserstein
from nst_tf.statistics.gram import Gram
from nst_tf.statistics.histogram_matching import HistogramMatching
from nst_tf.statistics.kernels import GaussianKernel, Kernel, PolynomialKernel
from nst_tf.statistics.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from nst_tf.statistics.nearest_patches import NearestPatches
from nst_tf.statistics.sliced_wasserstein import SlicedWasserstein
from nst_tf.statistics.statistic import Statistic

__all__ = [
    "AbsoluteError",
    "BatchNormalizationStatistics",
    "ChannelMeans",
    "Correlation",
    "Covariance",
    "Distance",
    "GaussianKernel",
    "GaussianWasserstein",
    "Gram",
    "HistogramMatching",
    "Kernel",
    "MaximumMeanDiscrepancy",
    "NearestPatches",
    "PolynomialKernel",
    "RelativeSquaredError",
    "SlicedWasserstein",
    "SquaredError",
    "Statistic",
]
