"""Where the pretrained convolutions of VGG come from, checked by hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nst_tf.weights.architecture import ARCHITECTURES, Architecture
from nst_tf.weights.convolutions import ConvolutionWeights, save_weights

if TYPE_CHECKING:
    from nst_tf.weights.sources import load_weights

__all__ = ["ARCHITECTURES", "Architecture", "ConvolutionWeights", "load_weights", "save_weights"]


def __getattr__(name: str) -> Any:
    # late, for it brings what reads and fetches files: a tenth of a second before a person sees anything
    if name == "load_weights":
        from nst_tf.weights.sources import load_weights

        return load_weights
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
