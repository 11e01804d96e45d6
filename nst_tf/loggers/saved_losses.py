"""The loss of the saved picture under the names that every logger gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def saved_losses(summary: Mapping[str, Any]) -> dict[str, float]:
    """``as_saved/loss`` and ``as_saved/PART``, from a run's summary; empty for a run without a picture.

    TensorBoard's table shows the metrics that come first in the alphabet.
    """
    if "loss_of_saved_picture" not in summary:
        return {}
    parts = {f"as_saved/{name}": value for name, value in summary["parts_of_saved_picture"].items()}
    return {"as_saved/loss": summary["loss_of_saved_picture"], **parts}
