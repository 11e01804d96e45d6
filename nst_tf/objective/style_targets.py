"""The targets of the style term: which style pulls at which region, and what several styles come to."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.checks import check_weight
from nst_tf.errors import InputError
from nst_tf.guidance import LayerWeights, Regions, layer_weights
from nst_tf.losses import StyleLoss
from nst_tf.objective.blending import Blending
from nst_tf.objective.evaluation import Evaluation, KnownPictures, SeenPicture, digest_of
from nst_tf.objective.readings import description, features
from nst_tf.statistics import Statistic
from nst_tf.statistics.statistic import as_target
from nst_tf.vgg.network import FeatureExtractor

# ----------------------------------------------------------------------------
# What of an objective is compiled in: two of one structure share a compiled step.


def structure_of_term(term: Any) -> Hashable:
    """A term without its weight and without the weights of its layers; None for no term.

    A term that is no dataclass, or holds an object without a readable form, is equal to itself only.
    """
    if term is None:
        return None
    if not dataclasses.is_dataclass(term) or " object at 0x" in repr(term):
        return _Same(term)
    fields = {field.name: getattr(term, field.name) for field in dataclasses.fields(term)}
    fields.pop("weight", None)
    layers = fields.pop("layers", {})
    return (
        type(term),
        repr(sorted(fields.items())),
        tuple(layers),
    )


def structure_of_targets(targets: Any) -> Hashable:
    """Nesting, shapes and types of the tensors: what a ``tf.function`` is traced for."""
    tensors = tf.nest.flatten(targets)
    skeleton = tf.nest.map_structure(lambda tensor: f"{tensor.dtype.name}{tuple(tensor.shape)}", targets)
    return (len(tensors), repr(skeleton))


class _Same:
    """Equal only for one and the same object, which it keeps alive so that no other gets its ``id``."""

    def __init__(self, held: object) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other._held is self._held

    def __hash__(self) -> int:
        return id(self._held)


# ----------------------------------------------------------------------------
# Which style pulls at which region of which layer, and how strongly.


@dataclass(frozen=True)
class StyleImage:
    """A style image [H, W, 3], RGB in [0, 1], its share of the style loss, and its layers; None is all."""

    pixels: np.ndarray
    weight: float = 1.0
    layers: frozenset[str] | None = None

    def serves(self, layer: str) -> bool:
        """Whether the style is that of this layer."""
        return self.layers is None or layer in self.layers


@dataclass(frozen=True)
class RegionPull:
    """The numbers of the styles that pull at a region of a layer, and the share of each in the style loss."""

    region: int
    styles: tuple[int, ...]
    shares: tuple[float, ...]


def assignments(
    layers: Iterable[str], styles: Sequence[StyleImage], regions: Regions | None
) -> dict[str, tuple[RegionPull, ...]]:
    """Of each layer, the pulls at its regions, of which there is one, the whole, where regions are None.

    A region's share is divided among its styles of that layer by their weights. Raises InputError without a
    style, for weights that can't be used, and for a layer that no style has.
    """
    if not styles:
        raise InputError("an objective with a style term needs at least one style image, but none is given")
    for style in styles:
        check_weight("a style image", style.weight)
    if sum(style.weight for style in styles) == 0:
        raise InputError("the weights of the style images are all 0: give at least one a weight above 0")
    styles_of = regions.styles_of if regions else (tuple(range(len(styles))),)
    shares = regions.shares if regions else (1.0,)
    return {layer: _pulls(layer, styles, styles_of, shares) for layer in layers}


def _pulls(
    layer: str, styles: Sequence[StyleImage], styles_of: Sequence[Sequence[int]], shares: Sequence[float]
) -> tuple[RegionPull, ...]:
    pulls = []
    for region, (numbers, share) in enumerate(zip(styles_of, shares, strict=True)):
        here = tuple(number for number in numbers if styles[number].serves(layer))
        total = sum(styles[number].weight for number in here)
        if total > 0:
            parts = tuple(share * (styles[number].weight / total) for number in here)
            pulls.append(RegionPull(region, here, parts))
    if not pulls:
        raise InputError(f"no style with a weight above 0 has the layer {layer}: see style_layers")
    return tuple(pulls)


# ----------------------------------------------------------------------------
# One pass of a picture through the network, for what the targets need of it, unless that is known.


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


# ----------------------------------------------------------------------------
# The unit of a style term that is relative to the content: how far content and style are apart.

# Of a style's strength: from here on content and style are apart enough for their distance to be the unit.
# Of the bundled pictures no two are nearer than 0.03, in any statistic and layer (0.007 with random weights);
# an 8-bit rounding comes to 1e-4 at most, rounding in the statistics to 1e-5.
_APART = 1e-3
_SIDE = 16  # positions a side of the layers that strength is measured with: usual sizes of patches fit
# Of activations, which reach hundreds: where a style is not even as strong as that, as the covariance of a
# flat picture is not, nothing but rounding may be left of it.
_FAINT = 1e-2
_SMALLEST = 1e-30  # a statistic that sees nothing in dead and in faint layers has no strength


def unit_of(statistic: Statistic, content: Any, style: Any, layer: str, look: Look) -> float:
    """By what the distance to a style is divided: the content's distance to it, unless both are the same.

    ``content`` and ``style`` are descriptions of the ``layer``. Where they agree up to rounding, as those of
    a picture that is its own style do, their distance d is rounding too, and no unit: divided by it, style
    would outweigh everything else, or be infinite. Then the unit is the style's strength s, its distance from
    a layer of zeros. From d = 0 to d = s / 1000 it goes linearly from s to d, so that nothing jumps; above it
    is d itself, bit for bit.
    """
    distance = float(statistic.compare(content, style))
    strength = _strength(statistic, style, layer, look)
    apart = _APART * strength
    if distance >= apart or not math.isfinite(distance):
        return max(distance, _SMALLEST)
    return strength - (strength - apart) * max(distance, 0.0) / apart


def _strength(statistic: Statistic, style: Any, layer: str, look: Look) -> float:
    """How far the style is from nothing, or a faint layer, whichever is farther."""
    try:
        dead, faint = _dead_and_faint(statistic, layer, look)
    except InputError:  # patches that are larger than these layers
        return _SMALLEST
    found = [float(statistic.compare(dead, one)) for one in (style, faint)]
    return max([_SMALLEST, *(one for one in found if math.isfinite(one))])


def _dead_and_faint(statistic: Statistic, layer: str, look: Look) -> tuple[Any, Any]:
    """Descriptions of a layer of zeros and of one of faint noise; the same for every picture."""
    assert look.extractor is not None, "there is no layer without a network"  # noqa: S101
    channels = look.extractor.channels_of_layer(layer)
    key = ("dead and faint", structure_of_term(statistic), channels)
    known = look.known.get(key)
    if known is None:
        noise = np.random.default_rng(0).standard_normal((1, _SIDE, _SIDE, channels)).astype(np.float32)
        described = [statistic.describe(tf.constant(factor * noise)) for factor in (0.0, _FAINT)]
        known = SeenPicture({}, {"": described})
        look.known.put(key, known)
    dead, faint = known.description[""]
    return dead, faint


# ----------------------------------------------------------------------------
# The targets of the style term: what the styles' statistics are, in each region, and what each counts.

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
