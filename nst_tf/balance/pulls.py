"""How strongly each term pulls at a picture: the norm of its gradient, measured beside the content."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.objective import BoundObjective
from nst_tf.objective.objective import CONTENT, STYLE

# At the content itself the content term pulls at nothing, whatever its weight. A tenth of the range of the
# pixels is the white noise that Gatys et al. 2016 start from here (conf/init/noise.yaml): far enough that
# the pull is that of a picture which has lost detail, near enough that it is still the content's.
PROBE_DEVIATION = 0.1
# of the probe, in every run: what it measures must not depend on the seed of the run
_SEED = 0


class Pulls(NamedTuple):
    """Euclidean norms of the gradients of content and style term by the pixels, with their weights."""

    content: float
    style: float


def probe(content: np.ndarray) -> np.ndarray:
    """The content [H, W, 3] in [0, 1] in seeded white noise, clipped to [0, 1]; float32."""
    noise = np.random.default_rng(_SEED).standard_normal(content.shape)
    return np.clip(content + PROBE_DEVIATION * noise, 0, 1).astype(np.float32)


def pulls_of(bound: BoundObjective, content: np.ndarray) -> Pulls:
    """Both pulls at the probe of the content [H, W, 3], in two evaluations, nothing of which is compiled.

    Raises InputError if the objective lacks one of the terms, or one pulls at nothing or without bounds.
    """
    image = tf.constant(probe(content)[np.newaxis])
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
