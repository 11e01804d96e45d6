"""What the numbers are that the optimizer changes: the pixels themselves, or others that make an image.

An optimizer that moves every number by about as much, as Adam does, moves pixels one by one, and a large area
only as fast as each of its pixels. Where some of the numbers stand for large areas, these move as fast as
pixels do. The config group ``parameterization`` of the command line chooses one of the classes below.

Each is a linear map from parameters [1, H', W', 3] to the image [1, H, W, 3], which an optimizer need not
know of: its state has the shape of the parameters, and its gradient is that by the parameters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import tensorflow as tf

from nst_tf.errors import InputError, check_whole


class Parameterization(Protocol):
    """A linear map from parameters to the image, with a parameter for each pixel or more; all float32."""

    are_pixels: ClassVar[bool]
    """Whether a parameter is a pixel's value: it then has bounds, and is resampled like an image."""

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the parameters of an image with these."""
        ...

    def image(self, parameters: tf.Tensor, height: int, width: int) -> tf.Tensor:
        """Parameters [1, H', W', 3] -> image [1, height, width, 3]."""
        ...

    def parameters(self, image: tf.Tensor) -> tf.Tensor:
        """Parameters [1, H', W', 3] that make this image [1, H, W, 3]."""
        ...

    def gradient(self, of_image: tf.Tensor) -> tf.Tensor:
        """The gradient by the parameters [1, H', W', 3], from that by the image [1, H, W, 3]."""
        ...


@dataclass(frozen=True)
class Pixels:
    """The pixels themselves."""

    are_pixels: ClassVar[bool] = True

    def shape(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def image(self, parameters: tf.Tensor, height: int, width: int) -> tf.Tensor:
        return parameters

    def parameters(self, image: tf.Tensor) -> tf.Tensor:
        return image

    def gradient(self, of_image: tf.Tensor) -> tf.Tensor:
        return of_image


PIXELS = Pixels()


def _sides(pictures: tf.Tensor) -> tuple[int, int]:
    """Height and width of [1, H, W, C], which are always known."""
    shape: Any = pictures.shape
    return shape[1], shape[2]


# ---- parameterization=laplacian ----


@dataclass(frozen=True)
class Laplacian:
    """The bands of a Laplacian pyramid (Burt and Adelson 1983) and its rest, which is the coarsest picture.

    A band is a picture minus its half-size copy enlarged again; the image is the sum of all bands and of the
    rest, each enlarged. Both resizings are bilinear, without smoothing; sides are halved and rounded down, to
    no less than 1. A picture of a single pixel is not halved, so small images have fewer than ``bands``.

    Kolkin et al. 2022, "Neural neighbor style transfer": 8 bands, pixels have their centers in their middle.
    Kolkin, Salavon, Shakhnarovich 2019, "Style transfer by relaxed optimal transport and self-similarity"
    (STROTSS): 5 bands, and ``align_corners``: the corner pixels of a picture and its half coincide.

    The parameters are one picture, which holds the finest band above and all others below, side by side; what
    is left over between them is 0 and has no effect. They are about one and a half times the image.
    """

    bands: int = 8
    align_corners: bool = False
    are_pixels: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Raise InputError for less than one band, or corners that are neither aligned nor not."""
        check_whole("parameterization.bands", self.bands, 1)
        if not isinstance(self.align_corners, bool):
            raise InputError(
                f"parameterization.align_corners must be true or false, but is {self.align_corners!r}"
            )

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Height and width of every band, fine to coarse, and of the rest."""
        sizes = [(height, width)]
        while len(sizes) <= self.bands and max(sizes[-1]) > 1:
            sizes.append((max(1, sizes[-1][0] // 2), max(1, sizes[-1][1] // 2)))
        return sizes

    def shape(self, height: int, width: int) -> tuple[int, int]:
        _, *coarser = self.sizes(height, width)
        below = coarser[0][0] if coarser else 0
        # the halves of a picture go below it, unless it is so narrow that widths of 1 pile up
        return height + below, max(width, sum(one for _, one in coarser))

    def image(self, parameters: tf.Tensor, height: int, width: int) -> tf.Tensor:
        *bands, present = self._unpacked(parameters, height, width)
        for band in reversed(bands):
            present = band + self._resized(present, *_sides(band))
        return present

    def parameters(self, image: tf.Tensor) -> tf.Tensor:
        levels, present = [], image
        for finer, coarser in itertools.pairwise(self.sizes(*_sides(image))):
            half = self._resized(present, *coarser)
            levels.append(present - self._resized(half, *finer))
            present = half
        return self._packed([*levels, present])

    def gradient(self, of_image: tf.Tensor) -> tf.Tensor:
        """That by a coarser level is that by the next finer one, with the enlargement transposed."""
        levels = [of_image]
        for height, width in self.sizes(*_sides(of_image))[1:]:
            levels.append(
                tf.raw_ops.ResizeBilinearGrad(
                    grads=levels[-1],
                    original_image=tf.zeros((1, height, width, 3)),  # only its shape counts
                    align_corners=self.align_corners,
                    half_pixel_centers=not self.align_corners,
                )
            )
        return self._packed(levels)

    def _resized(self, picture: tf.Tensor, height: int, width: int) -> tf.Tensor:
        return tf.raw_ops.ResizeBilinear(
            images=picture,
            size=(height, width),
            align_corners=self.align_corners,
            half_pixel_centers=not self.align_corners,
        )

    def _places(self, height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
        """Top, left, height and width of every level in the parameters, fine to coarse."""
        finest, *coarser = self.sizes(height, width)
        yield (0, 0, *finest)
        left = 0
        for size in coarser:
            yield (height, left, *size)
            left += size[1]

    def _unpacked(self, parameters: tf.Tensor, height: int, width: int) -> list[tf.Tensor]:
        return [
            parameters[:, top : top + tall, left : left + wide]
            for top, left, tall, wide in self._places(height, width)
        ]

    def _packed(self, levels: list[tf.Tensor]) -> tf.Tensor:
        finest, *coarser = levels
        height, width = _sides(finest)
        tall, wide = self.shape(height, width)
        rows: list[Any] = [tf.pad(finest, [[0, 0], [0, 0], [0, wide - width], [0, 0]])]
        if coarser:
            row = tf.concat(
                [
                    tf.pad(one, [[0, 0], [0, tall - height - _sides(one)[0]], [0, 0], [0, 0]])
                    for one in coarser
                ],
                axis=2,
            )
            rows.append(tf.pad(row, [[0, 0], [0, 0], [0, wide - _sides(row)[1]], [0, 0]]))
        return tf.concat(rows, axis=1)


# ---- parameterization=fourier ----


@dataclass(frozen=True)
class Fourier:
    """Coefficients of the Hartley transform, each divided by a scale that falls with its frequency.

        image = h(s c),   h(x)[p] = sum_q x[q] (cos + sin)(2 pi (p_y q_y / H + p_x q_x / W)) / sqrt(H W)
        s = a / max(f, 1 / max(H, W)),   f = the frequency of q, in cycles a pixel

    h is the real form of the Fourier transform (Bracewell 1983, "Discrete Hartley transform"): orthonormal,
    symmetric and its own inverse, with as many real coefficients as there are pixels. Scaling by 1/f, as the
    spectra of photographs fall, is that of Olah, Mordvintsev, Schubert 2017, "Feature visualization", and of
    Mordvintsev et al. 2018, "Differentiable image parameterizations" (both Distill); as there, the mean color
    has the scale of the lowest frequency and not an infinite one. ``a`` makes the mean square of s 1: when
    all coefficients change by as much, pixels change by as much in root mean square, so learning rates keep
    their meaning. Departures: colors are not decorrelated, and no sigmoid bounds the image.
    """

    are_pixels: ClassVar[bool] = False

    def shape(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def image(self, parameters: tf.Tensor, height: int, width: int) -> tf.Tensor:
        return _hartley(parameters * _scale_of_frequencies(height, width))

    def parameters(self, image: tf.Tensor) -> tf.Tensor:
        return _hartley(image) / _scale_of_frequencies(*_sides(image))

    def gradient(self, of_image: tf.Tensor) -> tf.Tensor:
        return _hartley(of_image) * _scale_of_frequencies(*_sides(of_image))


def _hartley(images: tf.Tensor) -> tf.Tensor:
    """The orthonormal discrete Hartley transform of [1, H, W, C] over H and W: real minus imaginary part."""
    spectrum = tf.signal.fft2d(tf.cast(tf.transpose(images, (0, 3, 1, 2)), tf.complex64))
    real = tf.transpose(tf.math.real(spectrum) - tf.math.imag(spectrum), (0, 2, 3, 1))
    return real / math.sqrt(math.prod(_sides(images)))


def _scale_of_frequencies(height: int, width: int) -> tf.Tensor:
    """``s`` of ``Fourier``, [1, H, W, 1]."""

    def cycles(side: int) -> tf.Tensor:
        index = tf.range(side)
        return tf.cast(tf.minimum(index, side - index), tf.float32) / side

    frequency = tf.sqrt(cycles(height)[:, tf.newaxis] ** 2 + cycles(width)[tf.newaxis] ** 2)
    scale = 1 / tf.maximum(frequency, 1 / max(height, width))
    return tf.reshape(scale / tf.sqrt(tf.reduce_mean(tf.square(scale))), (1, height, width, 1))
