"""The frozen feature extractor: VGG-19 or VGG-16 of Keras, cut after the deepest layer in use.

This file imports nothing: the names of layers are checked before TensorFlow is loaded.
"""

from __future__ import annotations
