"""VGG in float64 NumPy, forwards and backwards: from Simonyan and Zisserman 2015, not from our code.

One image at a time, axes [H, W, C]. Convolutions are 3 x 3 cross-correlations with one zero around the
border and a bias, then ReLU; after each block comes a 2 x 2 pooling with stride 2 that drops an odd last row
or column.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

CONVOLUTIONS_OF_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68])


def correlate(image: np.ndarray, kernel: np.ndarray, mode: str = "constant") -> np.ndarray:
    """[H, W, C] with a kernel [3, 3, C, D] -> [H, W, D]; ``mode`` is what np.pad puts around the border."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode=mode)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    return np.tensordot(windows, kernel, axes=((3, 4, 2), (0, 1, 2)))


def correlate_gradient(gradient: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The adjoint of ``correlate`` with zeros around the border: the kernel turned by 180 degrees."""
    return correlate(gradient, kernel[::-1, ::-1].swapaxes(2, 3))


def windows_of_four(image: np.ndarray) -> np.ndarray:
    """[H, W, C] -> [H // 2, W // 2, C, 4]."""
    height, width, channels = image.shape[0] // 2, image.shape[1] // 2, image.shape[2]
    cut = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels)
    return cut.transpose(0, 2, 4, 1, 3).reshape(height, width, channels, 4)


def from_windows_of_four(windows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The adjoint of ``windows_of_four``: [H // 2, W // 2, C, 4] -> ``shape`` [H, W, C]."""
    height, width, channels, _ = windows.shape
    image = np.zeros(shape)
    cut = windows.reshape(height, width, channels, 2, 2).transpose(0, 3, 1, 4, 2)
    image[: 2 * height, : 2 * width] = cut.reshape(2 * height, 2 * width, channels)
    return image


class NumpyVgg:
    """``forward`` gives the activations of every layer, ``backward`` the gradient of the image.

    Those before ReLU have the suffix ``_before_relu``.
    """

    def __init__(
        self,
        kernels: Mapping[str, np.ndarray],
        biases: Mapping[str, np.ndarray],
        pooling: str = "max",
        blocks: int = 5,
    ) -> None:
        self._kernels = {name: kernel.astype(np.float64, copy=False) for name, kernel in kernels.items()}
        self._biases = {name: bias.astype(np.float64, copy=False) for name, bias in biases.items()}
        self._average = {"avg": True, "max": False}[pooling]
        architecture = {13: "vgg16", 16: "vgg19"}[len(kernels)]
        self._chain: list[str] = []
        for block, convolutions in enumerate(CONVOLUTIONS_OF_BLOCKS[architecture][:blocks], start=1):
            self._chain += [f"block{block}_conv{index}" for index in range(1, convolutions + 1)] + ["pool"]

    def forward(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Image [H, W, 3], RGB in [0, 1] -> activations [h, w, C] of every layer."""
        present = image.astype(np.float64)[..., ::-1] * 255 - CAFFE_MEAN_BGR
        self._inputs, features = [], {}
        for name in self._chain:
            self._inputs.append(present)
            if name == "pool":
                four = windows_of_four(present)
                present = four.mean(-1) if self._average else four.max(-1)
            else:
                before_relu = correlate(present, self._kernels[name]) + self._biases[name]
                present = np.maximum(before_relu, 0)
                features[f"{name}_before_relu"], features[name] = before_relu, present
        self._features = features
        return features

    def backward(self, gradients: Mapping[str, np.ndarray]) -> np.ndarray:
        """Gradients with respect to the last forward's activations -> that of the image [H, W, 3]."""
        gradient: np.ndarray | None = None
        for name, given in zip(reversed(self._chain), reversed(self._inputs), strict=True):
            if name == "pool":
                if gradient is not None:
                    gradient = self._pool_backward(given, gradient)
                continue
            if name in gradients:
                gradient = gradients[name] if gradient is None else gradient + gradients[name]
            if gradient is not None:
                gradient = gradient * (self._features[name] > 0)
            if (before_relu := f"{name}_before_relu") in gradients:
                gradient = gradients[before_relu] + (0 if gradient is None else gradient)
            if gradient is not None:
                gradient = correlate_gradient(gradient, self._kernels[name])
        assert gradient is not None
        return 255 * gradient[..., ::-1]

    def _pool_backward(self, given: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        four = windows_of_four(given)
        if self._average:
            shares = np.full_like(four, 0.25)
        else:
            shares = np.arange(4) == four.argmax(-1)[..., np.newaxis]
        return from_windows_of_four(shares * gradient[..., np.newaxis], given.shape)
