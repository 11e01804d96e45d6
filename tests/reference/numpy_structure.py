"""Terms of the content's pixels from their formulas, in float64 and with loops."""

from __future__ import annotations

import numpy as np


def laplacian_loss(image: np.ndarray, content: np.ndarray, pool: int) -> float:
    """mean (K * P(x) - K * P(c))^2 of Li et al. 2017, pixels 0..255; images [H, W, 3] in [0, 1]."""
    filtered = []
    for picture in (image, content):
        height, width = picture.shape[0] // pool, picture.shape[1] // pool
        pooled = np.zeros((height, width, 3))
        for row in range(height):
            for column in range(width):
                square = picture[pool * row : pool * (row + 1), pool * column : pool * (column + 1)]
                pooled[row, column] = 255 * square.astype(np.float64).mean((0, 1))
        found = np.zeros((height - 2, width - 2))
        for row in range(1, height - 1):
            for column in range(1, width - 1):
                beside = pooled[row - 1, column] + pooled[row + 1, column]
                beside = beside + pooled[row, column - 1] + pooled[row, column + 1]
                found[row - 1, column - 1] = (4 * pooled[row, column] - beside).sum()
        filtered.append(found)
    return float(np.mean((filtered[0] - filtered[1]) ** 2))


def _windows(height: int, width: int) -> list[np.ndarray]:
    """The nine numbers of the pixels of every 3 x 3 window."""
    numbers = np.arange(height * width).reshape(height, width)
    return [
        numbers[row : row + 3, column : column + 3].ravel()
        for row in range(height - 2)
        for column in range(width - 2)
    ]


def matting_matrix(content: np.ndarray, epsilon: float) -> np.ndarray:
    """Levin et al. 2008, equation 12: content [H, W, 3] float64 -> L [H W, H W]."""
    height, width = content.shape[:2]
    matrix = np.zeros((height * width, height * width))
    for window in _windows(height, width):
        colors = content.reshape(-1, 3)[window]
        colors = colors - colors.mean(0)
        inverse = np.linalg.inv(colors.T @ colors / 9 + epsilon / 9 * np.eye(3))
        matrix[np.ix_(window, window)] += np.eye(9) - (1 + colors @ inverse @ colors.T) / 9
    return matrix


def matting_fit(image: np.ndarray, content: np.ndarray, epsilon: float) -> float:
    """The same quadratic form as what it means: ridge regressions, solved one by one."""
    total = 0.0
    for window in _windows(*content.shape[:2]):
        colors = content.astype(np.float64).reshape(-1, 3)[window]
        for channel in range(3):
            wanted = image.astype(np.float64).reshape(-1, 3)[window, channel]
            # rows for the pixels, and three for epsilon |a|^2
            left = np.block([[colors, np.ones((9, 1))], [np.sqrt(epsilon) * np.eye(3), np.zeros((3, 1))]])
            right = np.concatenate([wanted, np.zeros(3)])
            found = np.linalg.lstsq(left, right, rcond=None)[0]
            total += float(((left @ found - right) ** 2).sum())
    return total
