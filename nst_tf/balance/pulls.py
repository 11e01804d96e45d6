"""How strongly each term pulls at a picture: the norm of its gradient, half way from content to style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.objective import BoundObjective, StyleImage
from nst_tf.objective.objective import CONTENT, STYLE

_SAME = 1 / 255  # nowhere do two pictures differ by more that are the same to 8 bits


class Pulls(NamedTuple):
    """Euclidean norms of the gradients of content and style term by the pixels, with their weights."""

    content: float
    style: float


def half_way(content: np.ndarray, styles: Sequence[StyleImage]) -> np.ndarray:
    """The mean of the content [H, W, 3] and the styles, stretched to its shape and weighted; [H, W, 3].

    At the content itself the content term pulls at nothing, whatever its weight, and the style term mostly
    at what the first few steps mend, such as brightness. Half way both have something to say. Where the
    styles are the content up to the rounding of 8 bits, it is half way to white noise.
    """
    total = sum(style.weight for style in styles)
    blend = np.zeros_like(content)
    for style in styles:
        stretched = tf.image.resize(style.pixels, content.shape[:2], "bicubic", antialias=True).numpy()
        blend += style.weight / total * np.clip(stretched, 0, 1)
    if np.max(np.abs(blend - content)) < _SAME:
        blend = np.random.default_rng(0).uniform(size=content.shape)
    return ((content + blend) / 2).astype(np.float32)


def pulls_of(bound: BoundObjective, probe: np.ndarray) -> Pulls:
    """Both pulls at an image of the objective [H, W, C], in two evaluations, nothing of which is compiled.

    Raises InputError if the objective lacks one of the terms, or one pulls at nothing or without bounds.
    """
    image = tf.constant(probe[np.newaxis], tf.float32)
    return Pulls(*(_pull(bound, term, image) for term in (CONTENT, STYLE)))


def mask_of(bound: BoundObjective, term: str) -> np.ndarray:
    """1 for the parts of the loss that belong to the term, 0 for the others; [P] float32."""
    return np.array([name.partition("/")[0] == term for name in bound.parts], np.float32)


def _pull(bound: BoundObjective, term: str, image: tf.Tensor) -> float:
    mask = mask_of(bound, term)
    if not mask.any():
        raise InputError(
            f"balance=auto weighs content against style, but objective.{term}.weight is 0: give it a weight"
            " above 0, or say balance=given"
        )
    _, _, gradient = bound.objective.value_and_gradient(image, bound.targets, bound.weights * mask)
    norm = float(tf.norm(gradient))
    if not (norm > 0 and math.isfinite(norm)):
        raise InputError(
            f"balance=auto measures a gradient of {norm} for objective.{term}: give it another weight, or say"
            " balance=given"
        )
    return norm
