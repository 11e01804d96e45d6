"""The content loss: activations must be where the content image's are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nst_tf.statistics import Distance, SquaredError
from nst_tf.weighting import check_layers, check_weight


@dataclass(frozen=True)
class ContentLoss:
    """weight * sum over layers of layer_weight * distance(F, P).

    F and P are the activations [1, H, W, C] of the generated and of the content image.
    Gatys, Ecker, Bethge, CVPR 2016, equation 1 (there: half the sum of squares).
    ``normalize_gradients``: see ``gradient_normalization``.
    """

    layers: Mapping[str, float]
    weight: float = 1.0
    distance: Distance = field(default_factory=SquaredError)
    normalize_gradients: bool = False

    def __post_init__(self) -> None:
        """Refuse weights that are negative or not finite: InputError."""
        check_weight("content", self.weight)
        check_layers("content", self.layers)
