"""The frozen feature extractor: VGG-19 or VGG-16 of Keras, cut after the deepest layer in use."""

from nst_tf.vgg.extractor import FeatureExtractor
from nst_tf.vgg.layer_names import BEFORE_RELU, convolution_layers

__all__ = ["BEFORE_RELU", "FeatureExtractor", "convolution_layers"]
