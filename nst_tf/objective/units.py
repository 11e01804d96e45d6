"""The unit of a style term that is relative to the content: how far content and style are apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.objective.known_pictures import SeenPicture
from nst_tf.objective.look import Look
from nst_tf.objective.structure import structure_of_term
from nst_tf.statistics import Statistic

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
