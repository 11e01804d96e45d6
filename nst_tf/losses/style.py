"""The style loss: statistics of the activations must be those of the style image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nst_tf.statistics import Gram, Statistic
from nst_tf.weighting import check_layers, check_weight


@dataclass(frozen=True)
class StyleLoss:
    """weight * sum over styles and layers of style_weight * layer_weight * compare(F, S) / (3 H W)^p.

    Gatys, Ecker, Bethge, CVPR 2016, equations 3 to 5, with any statistic in the place of the Gram
    matrix. H and W are the generated image's: the Keras example divides by (3 H W)^2 of the whole
    picture (``picture_power`` 2), every other source by nothing (0). ``relative_to_content`` divides each
    layer's distance by that between content and style, so that statistics of any unit begin at 1 and one
    weight suits all: for comparing statistics with each other.
    ``normalize_gradients``: see ``gradient_normalization``.
    """

    layers: Mapping[str, float]
    weight: float = 1.0
    statistic: Statistic = field(default_factory=Gram)
    picture_power: float = 0.0
    relative_to_content: bool = False
    normalize_gradients: bool = False

    def __post_init__(self) -> None:
        """Refuse weights that are negative or not finite: InputError."""
        check_weight("style", self.weight)
        check_layers("style", self.layers)

    def scale(self, height: int, width: int) -> float:
        """The factor 1 / (3 H W)^p for a generated image of this size."""
        return float(3 * height * width) ** -self.picture_power
