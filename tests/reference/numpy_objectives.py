"""The objectives of the sources as formulas in float64 NumPy, not from our code.

Activations have axes [H, W, C]; C channels, M = H W positions, G = F^T F the Gram matrix [C, C], A the style
image's. The value of a term is written as its source writes it, and its gradient through the factor in
front of the bare sum of squares: two transcriptions, which ``test_reference.py`` holds against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))

Features = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Preset:
    """One source: its content term, and its style term of one layer.

    ``content(f, p)`` and ``style(difference, channels, picture)`` are values, where ``difference`` is
    G / M - A / M' with each picture's own number of positions, or G - A where ``raw_grams``, and
    ``picture`` is the number of pixels of the generated image. ``content_factor(channels, positions)`` and
    ``style_factor(channels, picture)`` are what multiplies the sum of squares in each.
    """

    content_layer: str
    content: Callable[[np.ndarray, np.ndarray], float]
    style: Callable[[np.ndarray, int, int], float]
    content_factor: Callable[[int, int], float]
    style_factor: Callable[[int, int], float]
    raw_grams: bool = False
    style_layers: tuple[str, ...] = STYLE_LAYERS


def _half_sum(f, p):
    return 0.5 * np.sum((f - p) ** 2)


def _sum(f, p):
    return np.sum((f - p) ** 2)


def _mean(f, p):
    return np.mean((f - p) ** 2)


PRESETS = {
    # equations 1, 4, 5 and 7 with alpha = 1, beta = 1000, w_l = 1/5
    "gatys2016": Preset(
        "block4_conv2",
        content=lambda f, p: 1 * _half_sum(f, p),
        style=lambda d, c, _: 1000 * 1 / 5 * 1 / (4 * c**2) * np.sum(d**2),
        content_factor=lambda c, m: 1 / 2,
        style_factor=lambda c, _: 1000 / (20 * c**2),
    ),
    "b06b01073": Preset(
        "block4_conv1",
        content=lambda f, p: 1 * _mean(f, p),
        style=lambda d, c, _: 1e4 * np.mean(d**2) / c**4,
        content_factor=lambda c, m: 1 / (c * m),
        style_factor=lambda c, _: 1e4 / c**6,
        raw_grams=True,
    ),
    "book_vgg16": Preset(
        "block5_conv2",
        content=lambda f, p: 0.025 * _sum(f, p),
        style=lambda d, c, picture: 1.0 / 5 * np.sum(d**2) / (4 * 3**2 * picture**2),
        content_factor=lambda c, m: 0.025,
        style_factor=lambda c, picture: 1 / (180 * picture**2),
        raw_grams=True,
    ),
    "tf_tutorial": Preset(
        "block5_conv2",
        content=lambda f, p: 1e4 * _mean(f, p),
        style=lambda d, c, _: 1e-2 / 5 * np.mean(d**2),
        content_factor=lambda c, m: 1e4 / (c * m),
        style_factor=lambda c, _: 2e-3 / c**2,
    ),
    "keras_io": Preset(
        "block5_conv2",
        content=lambda f, p: 2.5e-8 * _sum(f, p),
        style=lambda d, c, picture: 1e-6 / 5 * np.sum(d**2) / (4 * 3**2 * picture**2),
        content_factor=lambda c, m: 2.5e-8,
        style_factor=lambda c, picture: 1e-6 / (180 * picture**2),
        raw_grams=True,
    ),
    "johnson": Preset(
        "block4_conv2",
        content=lambda f, p: 5 * _mean(f, p),
        style=lambda d, c, _: 100 * np.mean((d / c) ** 2),
        content_factor=lambda c, m: 5 / (c * m),
        style_factor=lambda c, _: 100 / c**4,
    ),
    "gatys_pytorch": Preset(
        "block4_conv2",
        content=lambda f, p: 1 * _mean(f, p),
        style=lambda d, c, _: 1e3 / c**2 * np.mean(d**2),
        content_factor=lambda c, m: 1 / (c * m),
        style_factor=lambda c, _: 1e3 / c**4,
    ),
    "pastiche": Preset(
        "block4_conv2",
        content=lambda f, p: 0.01 * _mean(f, p),
        style=lambda d, c, _: 10 / c**2 * np.mean(d**2),
        content_factor=lambda c, m: 0.01 / (c * m),
        style_factor=lambda c, _: 10 / c**4,
    ),
    "cysmith": Preset(
        "block4_conv2_before_relu",
        content=lambda f, p: 5 * 1 / (2 * f.shape[2] ** 0.5 * (f.shape[0] * f.shape[1]) ** 0.5) * _sum(f, p),
        style=lambda d, c, _: 1e4 / 5 * 1 / 5 * 1 / (4 * c**2) * np.sum(d**2),
        content_factor=lambda c, m: 2.5 / np.sqrt(c * m),
        style_factor=lambda c, _: 100 / c**2,
    ),
    "gordicaleksa": Preset(
        "block4_conv2",
        content=lambda f, p: 1e5 * _mean(f, p),
        style=lambda d, c, _: 3e4 / 5 * np.sum((d / c) ** 2),
        content_factor=lambda c, m: 1e5 / (c * m),
        style_factor=lambda c, _: 6e3 / c**2,
    ),
    "pytorch_tutorial": Preset(
        "block2_conv2_before_relu",
        content=lambda f, p: 1 * _mean(f, p),
        style=lambda d, c, _: 1e6 * np.mean((d / c) ** 2),
        content_factor=lambda c, m: 1 / (c * m),
        style_factor=lambda c, _: 1e6 / c**4,
        style_layers=tuple(
            f"block{block}_conv{place}_before_relu"
            for block, place in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1))
        ),
    ),
    "d2l": Preset(
        "block4_conv4",
        content=lambda f, p: 1 * _mean(f, p),
        style=lambda d, c, _: 1e4 * np.mean((d / c) ** 2),
        content_factor=lambda c, m: 1 / (c * m),
        style_factor=lambda c, _: 1e4 / c**4,
        style_layers=(*STYLE_LAYERS[:4], "block5_conv1_before_relu"),
    ),
    "anishathalye": Preset(
        "block4_conv2",
        content=lambda f, p: 5 * _mean(f, p),
        style=lambda d, c, _: 500 * 1 / 5 * np.mean((d / c) ** 2),
        content_factor=lambda c, m: 5 / (c * m),
        style_factor=lambda c, _: 100 / c**4,
    ),
}


def gram(features: np.ndarray) -> np.ndarray:
    """G_ij = sum over positions of f_i f_j, outer product by outer product; [H, W, C] -> [C, C]."""
    matrix = np.zeros((features.shape[2], features.shape[2]))
    for vector in features.reshape(-1, features.shape[2]):
        matrix += np.outer(vector, vector)
    return matrix


def value(
    preset: Preset,
    generated: Features,
    content: Features,
    styles: Sequence[tuple[float, Features]],
    picture: int,
) -> float:
    """The loss; ``styles`` are (share, activations), ``picture`` the number of pixels generated."""
    layer = preset.content_layer
    total = preset.content(generated[layer], content[layer])
    for name in preset.style_layers:
        for share, style in styles:
            difference = _gram_difference(preset, generated[name], style[name])
            total += share * preset.style(difference, generated[name].shape[2], picture)
    return float(total)


def gradients(
    preset: Preset,
    generated: Features,
    content: Features,
    styles: Sequence[tuple[float, Features]],
    picture: int,
) -> dict[str, np.ndarray]:
    """The derivative of ``value`` with respect to the generated image's activations, by layer."""
    layer = preset.content_layer
    height, width, channels = generated[layer].shape
    found = {name: np.zeros(generated[name].shape) for name in {layer, *preset.style_layers}}
    found[layer] += 2 * preset.content_factor(channels, height * width) * (generated[layer] - content[layer])
    for name in preset.style_layers:
        height, width, channels = generated[name].shape
        positions = 1 if preset.raw_grams else height * width
        for share, style in styles:
            difference = _gram_difference(preset, generated[name], style[name])
            # d/dF of lambda * sum (F^T F / m - B)^2 is (4 lambda / m) F (F^T F / m - B)
            factor = 4 * share * preset.style_factor(channels, picture) / positions
            found[name] += factor * generated[name] @ difference
    return found


def total_variation(image: np.ndarray, power: float) -> float:
    """sum |dx|^power + |dy|^power over neighbouring pixels of [H, W, 3]."""
    return float(
        np.sum(np.abs(np.diff(image, axis=0)) ** power) + np.sum(np.abs(np.diff(image, axis=1)) ** power)
    )


def coupled_total_variation(image: np.ndarray, exponent: float) -> float:
    """sum (dx^2 + dy^2)^exponent over the pixels of [H, W, 3] that have both neighbours."""
    total = 0.0
    for row in range(image.shape[0] - 1):
        for column in range(image.shape[1] - 1):
            dx = image[row, column + 1] - image[row, column]
            dy = image[row + 1, column] - image[row, column]
            total += np.sum((dx**2 + dy**2) ** exponent)
    return float(total)


def _gram_difference(preset: Preset, generated: np.ndarray, style: np.ndarray) -> np.ndarray:
    if preset.raw_grams:
        return gram(generated) - gram(style)
    return gram(generated) / (generated.shape[0] * generated.shape[1]) - gram(style) / (
        style.shape[0] * style.shape[1]
    )
