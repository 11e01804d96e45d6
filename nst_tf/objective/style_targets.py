"""The targets of the style term: the statistics of the styles, by layer and region, and what each counts."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError, check_weight
from nst_tf.guidance import LayerWeights, Regions, layer_weights
from nst_tf.losses import StyleLoss
from nst_tf.objective.blending import Blending
from nst_tf.objective.evaluation import Evaluation, KnownPictures, SeenPicture, digest_of
from nst_tf.statistics import Statistic
from nst_tf.statistics.statistic import as_target, is_joint
from nst_tf.vgg.network import FeatureExtractor, Reading, joined


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
class RegionStyles:
    """The numbers of the styles that a region of a layer has, and the share of each in the style loss."""

    region: int
    styles: tuple[int, ...]
    shares: tuple[float, ...]


def styles_by_region(
    layer: str, styles: Sequence[StyleImage], regions: Regions | None
) -> tuple[RegionStyles, ...]:
    """The styles of each region of a layer that has any; without regions there is one, the whole.

    A region's share is divided among its styles of that layer by their weights. Raises InputError for a
    layer that no style has.
    """
    styles_of = regions.styles_of if regions else (tuple(range(len(styles))),)
    found = []
    for region, (numbers, share) in enumerate(
        zip(styles_of, regions.shares if regions else (1.0,), strict=True)
    ):
        here = tuple(number for number in numbers if styles[number].serves(layer))
        total = sum(styles[number].weight for number in here)
        if total > 0:
            shares = tuple(share * (styles[number].weight / total) for number in here)
            found.append(RegionStyles(region, here, shares))
    if not found:
        raise InputError(f"no style with a weight above 0 has the layer {layer}: see style_layers")
    return tuple(found)


# ---- what the network sees in content and styles ---------------------------


@dataclass(frozen=True)
class PictureReader:
    """Takes from one extractor what targets need of a picture, unless it is among the pictures ``known``."""

    extractor: FeatureExtractor | None
    evaluation: Evaluation
    known: KnownPictures

    def read(
        self,
        pixels: np.ndarray,
        content_layers: tuple[str, ...] = (),
        styles: Mapping[str, StyleLoss] = MappingProxyType({}),
        weights: Mapping[str, LayerWeights] | None = None,
        *,
        as_style: bool = False,
    ) -> SeenPicture:
        """A picture [H, W, 3] -> activations of ``content_layers``, statistics of the parts of ``styles``.

        ``as_style``: the statistics are those of a target, which others are compared with.
        ``weights`` are those of each style layer's positions in regions, each of which has a statistic of its
        own; None is one region, the whole.
        """
        if not content_layers and not styles:
            return SeenPicture({}, {})
        if self.extractor is None:
            raise InputError("an objective with a content or style term needs an extractor")
        statistics_of = tuple(
            (name, tuple(term.layers), structure_of_term(term.statistic)) for name, term in styles.items()
        )
        of_regions = tuple(digest_of(one.values) for one in weights.values()) if weights and styles else None
        key = (
            *(self.extractor, self.evaluation, content_layers, statistics_of),
            *(digest_of(pixels), of_regions, as_style),
        )
        known = self.known.get(key)
        if known is not None:
            return known
        tensors = {layer: tf.constant(one.values[np.newaxis]) for layer, one in (weights or {}).items()}
        readings = [Reading(layer, lambda activations, _: activations, joined) for layer in content_layers]
        # a picture that stays has no gradient
        terms = {name: replace(term, normalize_gradients=False) for name, term in styles.items()}
        for term in terms.values():
            readings += [term.reading(layer, tensors.get(layer)) for layer in term.layers]
        taken = iter(self.evaluation.see(self.extractor, pixels, readings))
        features = {layer: next(taken) for layer in content_layers}
        statistics: dict[str, list[Any]] = {}
        for name, term in terms.items():
            for part, layers in term.groups(name).items():
                regions = term.described([next(taken) for _ in layers], tensors.get(layers[0]))
                statistics[part] = (
                    [as_target(term.statistic, one) for one in regions] if as_style else regions
                )
        seen = SeenPicture(features, statistics)
        self.known.put(key, seen)
        return seen


# ---- the unit of a style term that is relative to the content --------------

# The fraction of the style's strength above which the distance of content and style is the unit. No two of
# the bundled pictures are nearer than 0.03, in any statistic and layer (0.007 with random weights); rounding
# to 8 bits comes to 1e-4 at most, rounding in the statistics to 1e-5.
_APART = 1e-3
_SIDE = 16  # positions a side of the layers that strength is measured with: usual sizes of patches fit
# Activations reach hundreds. A style with a strength below that of activations of this size, such as the
# covariance of a flat picture, may consist of rounding alone.
_FAINT = 1e-2
_SMALLEST = 1e-30  # a statistic that sees nothing in dead and in faint layers has no strength


def unit_of(statistic: Statistic, content: Any, style: Any, layer: str, reader: PictureReader) -> float:
    """The normalizer of the distance to a style: the content's distance to it, unless both are the same.

    ``content`` and ``style`` are descriptions of the ``layer``. Where they agree up to rounding, as those of
    a picture that is its own style do, their distance d is rounding too, and no unit: divided by it, style
    would outweigh everything else, or be infinite. Then the unit is the style's strength s, its distance from
    a layer of zeros. From d = 0 to d = s / 1000 it goes linearly from s to d, so that nothing jumps; above it
    is d itself, bit for bit. The strength for a statistic of all layers together, which compares directions,
    is 1, the distance of two that have nothing in common.
    """
    distance = float(statistic.compare(content, style))
    strength = 1.0 if is_joint(statistic) else _strength(statistic, style, layer, reader)
    apart = _APART * strength
    if distance >= apart or not math.isfinite(distance):
        return max(distance, _SMALLEST)
    return strength - (strength - apart) * max(distance, 0.0) / apart


def _strength(statistic: Statistic, style: Any, layer: str, reader: PictureReader) -> float:
    """How far the style is from nothing, or a faint layer, whichever is farther."""
    try:
        dead, of_faint = _dead_and_faint(statistic, layer, reader)
    except InputError:  # patches that are larger than these layers
        return _SMALLEST
    return max(
        one for one in (_SMALLEST, float(statistic.compare(dead, style)), of_faint) if math.isfinite(one)
    )


def _dead_and_faint(statistic: Statistic, layer: str, reader: PictureReader) -> tuple[Any, float]:
    """The description of a layer of zeros, and the strength of faint noise; the same for every picture."""
    assert reader.extractor is not None, "there is no layer without a network"  # noqa: S101
    channels = reader.extractor.channels_of_layer(layer)
    key = ("dead and faint", structure_of_term(statistic), channels)
    known = reader.known.get(key)
    if known is None:
        noise = np.random.default_rng(0).standard_normal((1, _SIDE, _SIDE, channels)).astype(np.float32)
        dead, faint = (statistic.describe(tf.constant(factor * noise)) for factor in (0.0, _FAINT))
        known = SeenPicture({}, {"": [dead, statistic.compare(dead, faint)]})
        reader.known.put(key, known)
    dead, of_faint = known.statistics[""]
    return dead, float(of_faint)


# ---- the targets: the styles' statistics, in each region, and what each counts ----

_log = logging.getLogger(__name__)

STYLE, SHARES, REGIONS = "style", "style_shares", "regions"
"""The keys of the targets of style: statistics and shares by part, and weights of regions by layer."""

Weights = Mapping[str, LayerWeights]


@dataclass(frozen=True)
class Seen:
    """What the targets of style need of the other pictures, at one size.

    ``content`` [H, W, 3] has the regions with ``weights``, and ``statistics`` by part of those terms that are
    relative to it; ``start`` [H, W, 3] is what the image begins as, None where nothing asks for it.
    """

    content: np.ndarray
    statistics: Mapping[str, Sequence[Any]]
    weights: Weights | None = None
    start: np.ndarray | None = None


def style_targets(
    terms: Mapping[str, StyleLoss],
    blending: Blending,
    styles: Sequence[StyleImage],
    regions: Regions | None,
    seen: Seen,
    reader: PictureReader,
) -> dict[str, Any]:
    """Statistics and shares by part and region, and the weights [1, h, w, R] of the regions by layer.

    ``terms`` are those of style by name, and ``regions`` are those of the content and of the styles. A region
    that has no style at a layer is left out there. Raises InputError without a style, for weights that can't
    be used, and for a layer that no style has.
    """
    if not styles:
        raise InputError("an objective with a style term needs at least one style image, but none is given")
    for style in styles:
        check_weight("a style image", style.weight)
    if sum(style.weight for style in styles) == 0:
        raise InputError("the weights of the style images are all 0: give at least one a weight above 0")
    by_layer = {
        layer: styles_by_region(layer, styles, regions) for term in terms.values() for layer in term.layers
    }
    targets: dict[str, Any] = {STYLE: {}, SHARES: {}}
    statistics_of = _statistics_of_styles(terms, styles, regions, reader)
    for name, term in terms.items():
        for part, layers in term.groups(name).items():
            found = [
                _targets_of_region(term, blending, part, layers[0], one, seen, statistics_of, reader)
                for one in by_layer[layers[0]]
            ]
            targets[STYLE][part] = [theirs for theirs, _ in found]
            targets[SHARES][part] = [tf.constant(shares) for _, shares in found]
    if seen.weights is not None:
        targets[REGIONS] = {
            layer: tf.constant(seen.weights[layer].values[np.newaxis][..., [one.region for one in by_region]])
            for layer, by_region in by_layer.items()
        }
    return targets


def _targets_of_region(
    term: StyleLoss,
    blending: Blending,
    part: str,
    layer: str,
    of_region: RegionStyles,
    seen: Seen,
    statistics_of: Callable[[int, str, int], Any],
    reader: PictureReader,
) -> tuple[Sequence[Any], list[float]]:
    """Targets of a part in one region, one a style unless they are blended, and what each counts."""
    region = of_region.region
    descriptions = [statistics_of(style, part, region) for style in of_region.styles]
    theirs, shares = blending(term.statistic, descriptions, of_region.shares)
    if (matched := getattr(term.statistic, "matched", None)) is not None:
        query = _query(term, part, seen, reader)
        theirs = [matched(query, one) for one in theirs]
    if seen.weights is not None and seen.weights[layer].empty[region]:
        shares = [0.0] * len(theirs)
    units = [1.0] * len(theirs)
    if term.relative_to_content:
        mine = seen.statistics[part][region]
        units = [unit_of(term.statistic, mine, style, layer, reader) for style in theirs]
    return theirs, [share / unit for share, unit in zip(shares, units, strict=True)]


def _query(term: StyleLoss, part: str, seen: Seen, reader: PictureReader) -> Any:
    """The description of the picture that says what of a style fits where."""
    start = seen.content if seen.start is None else seen.start
    statistic: Any = term.statistic
    query = statistic.query(seen.content, start)
    return reader.read(query, styles={part.partition("/")[0]: term}).statistics[part][0]


def _statistics_of_styles(
    terms: Mapping[str, StyleLoss],
    styles: Sequence[StyleImage],
    regions: Regions | None,
    reader: PictureReader,
) -> Callable[[int, str, int], Any]:
    """What gives the statistic of a style, by its number, for a part and a region."""
    layers = tuple(dict.fromkeys(layer for term in terms.values() for layer in term.layers))
    seen: list[tuple[Mapping[str, list[Any]], list[int] | None]] = []
    for number, style in enumerate(styles):
        mask = None if regions is None else regions.styles[number]
        if regions is None or mask is None:
            found = reader.read(style.pixels, styles=terms, as_style=True).statistics
            seen.append(({**found, **_turned(style.pixels, terms, found, reader)}, None))
            continue
        columns = [region for region, numbers in enumerate(regions.styles_of) if number in numbers]
        names = [f"{regions.names[region]} of style {number}" for region in columns]
        masked = Regions(tuple(names), mask, (), (), (), propagation=regions.propagation)
        weights = weights_of(mask[..., columns], masked, layers, reader.extractor)
        found = reader.read(style.pixels, styles=terms, weights=weights, as_style=True).statistics
        seen.append((found, columns))

    def statistic_of(number: int, part: str, region: int) -> Any:
        statistics, columns = seen[number]
        return statistics[part][0 if columns is None else columns.index(region)]

    return statistic_of


def _turned(
    pixels: np.ndarray,
    terms: Mapping[str, StyleLoss],
    upright: Mapping[str, list[Any]],
    reader: PictureReader,
) -> dict[str, list[Any]]:
    """By part, the statistics of the style [H, W, 3] in all of the quarter turns that its term asks for."""
    found: dict[str, list[Any]] = {}
    for name, term in terms.items():
        statistic: Any = term.statistic
        pictures = [np.rot90(pixels, turn).copy() for turn in range(1, getattr(statistic, "turns", 1))]
        turned = [reader.read(one, styles={name: term}, as_style=True).statistics for one in pictures]
        if turned:
            for part in term.groups(name):
                found[part] = [statistic.united([one[part][0] for one in (upright, *turned)])]
    return found


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


# ---- what is compiled in: two objectives of one structure share a compiled step ----


def structure_of_term(term: Any) -> Hashable:
    """A term without its weight and without the weights of its layers; None for no term.

    A term that is no dataclass, or holds an object without a readable form, is equal to itself only.
    """
    if term is None:
        return None
    if not dataclasses.is_dataclass(term) or " object at 0x" in repr(term):
        return _Same(term)
    fields = {field.name: getattr(term, field.name) for field in dataclasses.fields(term)}
    for weight in ("weight", "weight_by_size"):
        fields.pop(weight, None)
    layers = fields.pop("layers", {})
    return type(term), _form(fields), tuple(layers)


def _form(value: Any) -> Hashable:
    """The value with the classes in it: two modules may each have a class of the same name."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), _form({one.name: getattr(value, one.name) for one in dataclasses.fields(value)})
    if isinstance(value, dict):
        return tuple((name, _form(value[name])) for name in sorted(value))
    return type(value), repr(value)


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
