"""What one run leaves to the next one in the same process: nothing that changes its result, only time."""

from __future__ import annotations

import gc
import os
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nst_tf.bounded_cache import BoundedCache
from nst_tf.images.resize import resize
from nst_tf.objective.evaluation import KnownPictures
from nst_tf.optim.step import CompiledSteps
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.weights import ConvolutionWeights, load_weights

# VGG-19 has 80 MB of convolution weights in float32: two networks, or two files to compare
_MOST_WEIGHTS = 2
# each holds the weights anew in its precision: a grid over poolings, say
_MOST_EXTRACTORS = 4
_EXTRACTOR_BYTES = 80_100_000
# content and styles, at each size of a pyramid; at 1024 x 1024 each has 12.6 MB
_MOST_RESIZED_BYTES, _MOST_RESIZED = 1 << 28, 32
# the sizes of a pyramid, of two kinds of batches in turn; one of 16 pictures of 256 x 256, with L-BFGS of 20
# pairs, has 0.55 GB
_MOST_BATCHES = 8


@dataclass
class ProcessCache:
    """Weights, networks, what they saw in pictures, and compiled steps, of earlier runs; all bounded."""

    steps: CompiledSteps = field(default_factory=CompiledSteps)
    batches: CompiledSteps = field(default_factory=lambda: CompiledSteps(_MOST_BATCHES))
    pictures: KnownPictures = field(default_factory=KnownPictures)
    _weights: BoundedCache[ConvolutionWeights] = field(
        default_factory=lambda: BoundedCache(_MOST_WEIGHTS * _EXTRACTOR_BYTES, _MOST_WEIGHTS)
    )
    _extractors: BoundedCache[FeatureExtractor] = field(
        default_factory=lambda: BoundedCache(_MOST_EXTRACTORS * _EXTRACTOR_BYTES, _MOST_EXTRACTORS)
    )
    _resized: BoundedCache[tuple[np.ndarray, np.ndarray]] = field(
        default_factory=lambda: BoundedCache(_MOST_RESIZED_BYTES, _MOST_RESIZED)
    )
    _shapes: Hashable = None

    def weights(self, architecture: str, wanted: str, seed: int) -> ConvolutionWeights:
        """As ``load_weights``; read again only if the file was changed since."""
        key = (
            architecture,
            wanted,
            seed if wanted == "random" else None,
            os.environ.get("NST_TF_WEIGHTS"),
            _state_of(os.environ.get("NST_TF_WEIGHTS", wanted) if wanted == "auto" else wanted),
        )
        return self._weights.get_or_make(
            key, lambda: load_weights(architecture, wanted, seed), _EXTRACTOR_BYTES
        )

    def extractor(
        self, weights: ConvolutionWeights, layers: tuple[str, ...], **options: str
    ) -> FeatureExtractor:
        """As ``FeatureExtractor``."""
        key = (weights, layers, tuple(sorted(options.items())))
        return self._extractors.get_or_make(
            key, lambda: FeatureExtractor(weights, layers, **options), _EXTRACTOR_BYTES
        )

    def resized(self, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
        """As ``resize``; read-only, for a picture that is read-only itself is resized once."""
        if pixels.flags.writeable:
            return resize(pixels, height, width)
        key = (id(pixels), height, width)
        source, found = self._resized.get(key) or (None, None)
        if source is not pixels or found is None:
            found = resize(pixels, height, width)
            found.setflags(write=False)
            # with the picture itself, so that no other one gets its identity
            self._resized.put(key, (pixels, found), pixels.nbytes + found.nbytes)
        return found

    def expect(self, shapes: Hashable) -> None:
        """A run of these sizes comes: if the last one had others, free what was made for them."""
        if shapes != self._shapes:
            self.forget_sizes()
        self._shapes = shapes

    def forget_sizes(self) -> None:
        """Free everything that has the size of a picture, graphs too, which hold each other in circles."""
        self.steps.clear()
        self.batches.clear()
        self.pictures.clear()
        self._resized.clear()
        gc.collect()


CACHE = ProcessCache()
"""Of this process."""


def _state_of(file: str) -> Hashable:
    try:
        state = Path(file).expanduser().stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
