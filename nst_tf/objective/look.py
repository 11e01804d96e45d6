"""One pass of a picture through the network, for what the targets need of it, unless that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.losses import StyleLoss
from nst_tf.objective.evaluation import Evaluation
from nst_tf.objective.known_pictures import KnownPictures, SeenPicture, digest_of
from nst_tf.objective.readings import description, features
from nst_tf.objective.structure import structure_of_term
from nst_tf.regions import LayerWeights
from nst_tf.vgg.extractor import FeatureExtractor


@dataclass(frozen=True)
class Look:
    """At pictures, through one extractor; what was seen is kept in ``known``."""

    extractor: FeatureExtractor | None
    evaluation: Evaluation
    known: KnownPictures

    def at(
        self,
        pixels: np.ndarray,
        content_layers: tuple[str, ...] = (),
        style: StyleLoss | None = None,
        weights: Mapping[str, LayerWeights] | None = None,
    ) -> SeenPicture:
        """A picture [H, W, 3] -> activations of ``content_layers``, and the style's statistic of its layers.

        ``weights`` are those of each style layer's positions in regions, each of which has a statistic of its
        own; None is one region, the whole.
        """
        if not content_layers and style is None:
            return SeenPicture({}, {})
        if self.extractor is None:
            raise InputError("an objective with a content or style term needs an extractor")
        style_layers = tuple(style.layers) if style else ()
        statistic = structure_of_term(style.statistic) if style else None
        of_regions = tuple(digest_of(one.values) for one in weights.values()) if weights and style else None
        key = (
            *(self.extractor, self.evaluation, content_layers, style_layers, statistic),
            *(digest_of(pixels), of_regions),
        )
        known = self.known.get(key)
        if known is not None:
            return known
        tensors = {layer: tf.constant(one.values[np.newaxis]) for layer, one in (weights or {}).items()}
        tensors = {layer: tf.constant(one.values[np.newaxis]) for layer, one in (weights or {}).items()}
        described = [
            description(style.statistic, layer, tensors.get(layer)) for layer in style_layers if style
        ]
        readings = [*(features(layer) for layer in content_layers), *(reading for reading, _ in described)]
        found = self.evaluation.see(self.extractor, pixels, readings)
        of_style = zip(style_layers, described, found[len(content_layers) :], strict=True)
        seen = SeenPicture(
            dict(zip(content_layers, found, strict=False)),
            {layer: finish(taken) for layer, (_, finish), taken in of_style},
        )
        self.known.put(key, seen)
        return seen
