"""Coarse to fine: which sizes, how many steps at each, and how an image goes from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nst_tf.pyramid.no_steps import NoSteps
from nst_tf.pyramid.sizes import CoarseToFine, Pyramid, Scale, SingleScale

if TYPE_CHECKING:
    from nst_tf.pyramid.carry import enlarged

__all__ = ["CoarseToFine", "NoSteps", "Pyramid", "Scale", "SingleScale", "enlarged"]


def __getattr__(name: str) -> Any:
    # late, for it brings TensorFlow: sizes are told of before that is loaded
    if name == "enlarged":
        from nst_tf.pyramid.carry import enlarged

        return enlarged
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
