"""Where the pretrained convolutions of VGG come from, checked by hash."""

from __future__ import annotations

from nst_tf.weights.architecture import ARCHITECTURES, Architecture
from nst_tf.weights.convolutions import ConvolutionWeights, save_weights
from nst_tf.weights.sources import load_weights

__all__ = ["ARCHITECTURES", "Architecture", "ConvolutionWeights", "load_weights", "save_weights"]
