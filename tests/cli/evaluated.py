"""The loss of picture files by other means: Pillow, NumPy and float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

PARTS = ["content/block2_conv2", "style/block1_conv1", "style/block2_conv1"]


def unit(path: Path) -> np.ndarray:
    """The pixels of a file by Pillow alone."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float64) / 255


def size_and_format(path: Path) -> tuple[tuple[int, int], str | None]:
    with Image.open(path) as image:
        return image.size, image.format


def numpy_loss(generated: Path, content: Path, style: Path, network) -> float:
    """objective=pastiche in float64: 0.01 mean (F - P)^2 + 10 sum of 1/2 mean (G/CM - A/CM)^2 of two layers.

    The content must have the size of the result, and the style its long side.
    """

    def gram(features: np.ndarray) -> np.ndarray:
        flat = features.reshape(-1, features.shape[-1])
        return flat.T @ flat / flat.size

    def at(path: Path) -> dict[str, np.ndarray]:
        return dict(network.forward(unit(path)))

    x, p, a = at(generated), at(content), at(style)
    loss = 0.01 * np.mean((x["block2_conv2"] - p["block2_conv2"]) ** 2)
    for layer in ("block1_conv1", "block2_conv1"):
        loss += 5 * np.mean((gram(x[layer]) - gram(a[layer])) ** 2)
    return float(loss)
