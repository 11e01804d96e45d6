"""The targets of the style term: what the styles' statistics are, in each region, and what each counts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.losses import StyleLoss
from nst_tf.objective.assignment import StyleImage, assignments
from nst_tf.objective.blending import Blending
from nst_tf.objective.look import Look
from nst_tf.objective.units import unit_of
from nst_tf.regions import LayerWeights, Regions, layer_weights
from nst_tf.statistics.statistic import as_target
from nst_tf.vgg.extractor import FeatureExtractor

_log = logging.getLogger(__name__)

STYLE, SHARES, REGIONS = "style", "style_shares", "regions"
"""The keys of the style's targets."""

Weights = Mapping[str, LayerWeights]


def weights_of(
    memberships: np.ndarray, regions: Regions, layers: Sequence[str], extractor: FeatureExtractor | None
) -> Weights:
    """Memberships [H, W, R] of a picture's pixels -> those of the positions of each style layer."""
    found = {
        layer: layer_weights(
            memberships, extractor.reach_of_layer(layer), regions.propagation, regions.names, layer
        )
        for layer in layers
        if extractor is not None
    }
    height, width = memberships.shape[:2]
    for note in (note for one in found.values() for note in one.notes):
        _log.info("guidance, picture of %d x %d: %s", width, height, note)
    return found


def style_targets(
    term: StyleLoss,
    blending: Blending,
    styles: Sequence[StyleImage],
    regions: Regions | None,
    weights: Weights | None,
    start: Mapping[str, Sequence[Any]],
    look: Look,
) -> dict[str, Any]:
    """Descriptions and shares by layer and region, and the weights [1, h, w, R] of the regions by layer.

    ``weights`` are those of the content's regions; ``start`` has the content's own descriptions where the
    term is relative to them. A region that has no style at a layer is left out there. Raises InputError as
    ``assignments`` does.
    """
    targets: dict[str, Any] = {STYLE: {}, SHARES: {}}
    if regions is not None:
        targets[REGIONS] = {}
    assigned = assignments(term.layers, styles, regions)
    described = _described(term, styles, regions, look)
    for layer, pulls in assigned.items():
        targets[STYLE][layer], targets[SHARES][layer] = [], []
        for pull in pulls:
            theirs, shares = blending(
                term.statistic, [described[style](layer, pull.region) for style in pull.styles], pull.shares
            )
            if weights is not None and weights[layer].empty[pull.region]:
                shares = [0.0] * len(theirs)
            units = [1.0] * len(theirs)
            if term.relative_to_content:
                mine = start[layer][pull.region]
                units = [unit_of(term.statistic, mine, one, layer, look) for one in theirs]
            targets[STYLE][layer].append([as_target(term.statistic, one) for one in theirs])
            targets[SHARES][layer].append(
                tf.constant([share / unit for share, unit in zip(shares, units, strict=True)])
            )
        if weights is not None:
            chosen = weights[layer].values[..., [pull.region for pull in pulls]]
            targets[REGIONS][layer] = tf.constant(chosen[np.newaxis])
    return targets


def _described(
    term: StyleLoss, styles: Sequence[StyleImage], regions: Regions | None, look: Look
) -> list[Any]:
    """Of each style a function of layer and region, that gives its description there."""
    found = []
    for number, style in enumerate(styles):
        mask = None if regions is None else regions.styles[number]
        if regions is None or mask is None:
            seen = look.at(style.pixels, style=term).description
            found.append(lambda layer, region, seen=seen: seen[layer][0])
            continue
        columns = [region for region, numbers in enumerate(regions.styles_of) if number in numbers]
        names = [f"{regions.names[region]} of style {number}" for region in columns]
        masked = Regions(tuple(names), mask, (), (), (), propagation=regions.propagation)
        weights = weights_of(mask[..., columns], masked, tuple(term.layers), look.extractor)
        seen = look.at(style.pixels, style=term, weights=weights).description
        found.append(lambda layer, region, seen=seen, at=columns.index: seen[layer][at(region)])
    return found
