"""The measures of the yardstick that look through the network."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.bounded_cache import BoundedCache
from nst_tf.device import tensor_float_32
from nst_tf.images.read import Picture
from nst_tf.images.resize import fit_long_side, resize
from nst_tf.losses import TotalVariation
from nst_tf.statistics import Gram, RelativeSquaredError, SlicedWasserstein
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.weights import ConvolutionWeights

# directions: as many as block1_conv1 has channels; the same ones for every run, so that their choice
# favours none. More would cost memory: 64 at 512 x 384 pixels take 50 MB in the first layer
_DIRECTIONS, _SEED = 64, 0
# runs with the same targets are measured one after the other: one content and its styles must fit in; a
# style of 2048 x 1536 pixels takes 1.1 GB
_KEPT_BYTES, _KEPT_TARGETS = 2_500_000_000, 32


class NetworkDistances:
    """Content and style distances through one network, with targets computed once a picture and size."""

    def __init__(self, weights: ConvolutionWeights, content_layer: str, style_layers: Sequence[str]) -> None:
        """Build VGG-19 up to the deepest of the layers: max pooling, zero padding, float32."""
        self._content_layer, self._style_layers = content_layer, tuple(style_layers)
        self._extractor = FeatureExtractor(
            weights, [content_layer, *style_layers], pixels=weights.pixels or "caffe"
        )
        self._gram = Gram(positions_power=1.0, distance=RelativeSquaredError())
        self._sliced = SlicedWasserstein(_DIRECTIONS, _SEED)
        self._smoothness = TotalVariation(power=1.0, reduction="mean")
        self._targets: BoundedCache[Any] = BoundedCache(_KEPT_BYTES, _KEPT_TARGETS)

    def distances(
        self, picture: Picture, content: Picture | None, styles: Sequence[Picture], shares: Sequence[float]
    ) -> dict[str, float]:
        """Every measure of ``nst_tf.compare.yardstick.measure`` but ssim and colour_distance."""
        with tensor_float_32(False):
            found = {"total_variation": float(self._smoothness(_batch(picture.pixels)))}
            features = self._extractor(_batch(picture.pixels)) if content or styles else {}
            if content:
                target = self._content(content, picture.height, picture.width)
                distance = RelativeSquaredError()(features[self._content_layer], target)
                found["content_distance"] = float(distance)
            if styles:
                size = max(picture.height, picture.width)
                targets = [self._target(style, size) for style in styles]
                found |= self._style_distances(features, targets, shares)
        return found

    def _style_distances(
        self, features: dict[str, Any], targets: Sequence[dict[str, Any]], shares: Sequence[float]
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        sliced: list[float] = []
        for layer in self._style_layers:
            gram, projections = self._gram.describe(features[layer]), self._sliced.describe(features[layer])
            of_grams, of_projections = 0.0, 0.0
            for share, target in zip(shares, targets, strict=True):
                style_gram, style_projections, from_zero = target[layer]
                of_grams += share * float(self._gram.compare(gram, style_gram))
                of_projections += (
                    share * float(self._sliced.compare(projections, style_projections)) / from_zero
                )
            found[f"style_distance/{layer}"] = of_grams
            sliced.append(of_projections)
        found["style_distance"] = float(np.mean(list(found.values())))
        found["sliced_wasserstein"] = float(np.mean(sliced))
        return found

    def _content(self, content: Picture, height: int, width: int) -> tf.Tensor:
        def compute() -> tf.Tensor:
            resized = resize(content.pixels, height, width)
            return self._extractor(_batch(resized))[self._content_layer]

        return self._kept((content.sha256, height, width), compute)

    def _target(self, style: Picture, size: int) -> dict[str, Any]:
        """Layer -> Gram matrix, sorted projections, and the mean square of these."""

        def compute() -> dict[str, Any]:
            resized = resize(style.pixels, *fit_long_side(style.height, style.width, size))
            features = self._extractor(_batch(resized))
            target = {}
            for layer in self._style_layers:
                projections: Any = self._sliced.describe(features[layer])
                from_zero = max(float(tf.reduce_mean(projections**2)), np.finfo(np.float32).tiny)
                target[layer] = (self._gram.describe(features[layer]), projections, float(from_zero))
            return target

        return self._kept((style.sha256, size), compute)

    def _kept(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        found = self._targets.get(key)
        if found is None:
            found = compute()
            tensors = tf.nest.flatten(found)
            self._targets.put(key, found, sum(4 * int(tf.size(tensor)) for tensor in tensors))  # float32
        return found


def _batch(pixels: np.ndarray) -> tf.Tensor:
    return tf.constant(pixels[np.newaxis])
