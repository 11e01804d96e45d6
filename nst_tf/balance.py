"""How the weights of the terms are found: as given, or from the gradients at the start."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError, counted, is_number
from nst_tf.objective import BoundObjective, Objective, StyleImage
from nst_tf.objective.objective import CONTENT, STYLE
from nst_tf.statistics import GaussianWasserstein, SlicedWasserstein


class Balance(Protocol):
    """Reweighs an objective that was bound at one of a run's sizes."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing must be measured before ``applied``."""
        ...

    def settled(self, norms: Sequence[GradientNorms]) -> Balance:
        """The same with what was measured, of each size from coarse to fine."""
        ...

    def check(self, sizes: int) -> None:
        """Raise InputError if what was measured before is not that of so many sizes."""
        ...

    def applied(self, bound: BoundObjective, index: int) -> BoundObjective:
        """The objective with the weights of the size ``index``; its structure stays, so nothing retraces."""
        ...


@dataclass(frozen=True)
class GivenBalance:
    """The weights are those of the objective, and nothing is ever measured."""

    @property
    def is_settled(self) -> bool:
        return True

    def settled(self, norms: Sequence[GradientNorms]) -> GivenBalance:
        return self

    def check(self, sizes: int) -> None:
        """Nothing was measured."""

    def applied(self, bound: BoundObjective, index: int) -> BoundObjective:
        return bound


@dataclass(frozen=True)
class AutoBalance:
    """``style`` s in [0, 1], from content alone to style alone, whatever pictures, objective and size.

    Terms are weighed by their pulls |dL_c/dx| and |dL_s/dx| half way from content to style, measured at
    each size (``gradient_norms_of``) with the weights as configured: factors f_c and f_s on these make

        f_s |dL_s/dx| / (f_c |dL_c/dx|) = K s / (1 - s),   K = style_at_the_middle(objective)

    and keep f_c |dL_c/dx| + f_s |dL_s/dx| what it was, so that smoothness and learning rates mean what they
    did. Weighing losses by norms of gradients is that of Chen et al. 2018, "GradNorm", there between tasks
    in training; here once a size, so that the objective stays one with a minimum.

    ``calibration`` has both pulls of each size, coarse to fine, as they were measured: with it nothing is
    measured again, and a run repeats bit for bit. None is not yet known.
    """

    style: float = 0.5
    calibration: Sequence[Sequence[float]] | None = None

    def __post_init__(self) -> None:
        """Refuse a knob outside [0, 1] and pulls that are no pairs of positive numbers: InputError."""
        if not is_number(self.style) or not 0 <= self.style <= 1:
            raise InputError(f"balance.style must be between 0, content, and 1, style, but is {self.style!r}")
        if self.calibration is not None and not _are_pairs(self.calibration):
            raise InputError(
                "balance.calibration must be null or a list of pairs of positive numbers, but is"
                f" {self.calibration!r}"
            )

    @property
    def is_settled(self) -> bool:
        return self.calibration is not None

    def settled(self, norms: Sequence[GradientNorms]) -> AutoBalance:
        return dataclasses.replace(self, calibration=[list(one) for one in norms])

    def check(self, sizes: int) -> None:
        known = len(self.calibration or ())
        if self.is_settled and known != sizes:
            raise InputError(
                f"balance.calibration has {counted(known, 'pair')} for {counted(sizes, 'size')} of the"
                " pyramid: say balance.calibration=null to measure anew"
            )

    def factors(self, objective: Objective, index: int) -> tuple[float, float]:
        """What the weights of content and style are multiplied by at the size ``index``."""
        assert self.calibration is not None, "the pulls must be known"  # noqa: S101
        content, style = self.calibration[index]
        share = self.style * style_at_the_middle(objective)
        share /= share + 1 - self.style  # of style in the sum of both pulls
        return (1 - share) * (content + style) / content, share * (content + style) / style

    def applied(self, bound: BoundObjective, index: int) -> BoundObjective:
        """The objective with both terms multiplied by their factors."""
        of_content, of_style = self.factors(bound.objective, index)
        content, style = mask_of(bound, CONTENT), mask_of(bound, STYLE)
        factors = np.where(content, of_content, np.where(style, of_style, 1.0)).astype(np.float32)
        return dataclasses.replace(bound, weights=bound.weights * factors)


# By how much style pulls more than content at the probe where the knob is at the middle, chosen by looking
# (docs/balance.md). objective=relative, whose weights were chosen by looking as well, pulls 6 to 11 times
# more for style there, and weights of gatys2016 and crowson that hold its results in place pull 4 to 6 times
# more. Not 1: a blend has none of the style's texture yet, most of which a few steps bring.
STYLE_AT_THE_MIDDLE = 6.0
# A squared error of products of activations falls with the fourth power of what is missing, and its pull is
# far less near the end than at the probe; Wasserstein distances, like the content's, fall with the second.
# The default objective, chosen by looking, pulls 1.4 to 2.5 times more for style; with 6 no content was left.
OF_WASSERSTEIN = 2.0


def style_at_the_middle(objective: Objective) -> float:
    """By how much style pulls more than content at the probe where the knob is at the middle."""
    statistics = [term.statistic for term in objective.styles.values()]
    is_wasserstein = bool(statistics) and isinstance(statistics[0], (GaussianWasserstein, SlicedWasserstein))
    return OF_WASSERSTEIN if is_wasserstein else STYLE_AT_THE_MIDDLE


def _are_pairs(calibration: Any) -> bool:
    return (
        isinstance(calibration, Sequence)
        and not isinstance(calibration, str)
        and all(isinstance(pair, Sequence) and len(pair) == 2 for pair in calibration)
        and all(is_number(one) and one > 0 for pair in calibration for one in pair)
    )


# ---- how strongly each term pulls: the norm of its gradient, half way from content to style ----

_SAME = 1 / 255  # nowhere do two pictures differ by more that are the same to 8 bits


class GradientNorms(NamedTuple):
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


def gradient_norms_of(bound: BoundObjective, probe: np.ndarray) -> GradientNorms:
    """Both norms at an image of the objective [H, W, C], in two evaluations, nothing of which is compiled.

    Raises InputError if the objective lacks one of the terms, or a gradient is 0 or not finite.
    """
    image = tf.constant(probe[np.newaxis], tf.float32)
    return GradientNorms(*(_norm(bound, term, image) for term in (CONTENT, STYLE)))


def mask_of(bound: BoundObjective, term: str) -> np.ndarray:
    """1 for the parts of the loss that belong to the term, 0 for the others; [P] float32."""
    names = bound.objective.styles if term == STYLE else (term,)
    return np.array([name.partition("/")[0] in names for name in bound.parts], np.float32)


def _norm(bound: BoundObjective, term: str, image: tf.Tensor) -> float:
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
