"""The image that a size begins from: as `init=` says, or carried over from the size before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.random import Generator

from nst_tf.config.pictures import check_there
from nst_tf.config.schema import picture_path
from nst_tf.errors import InputError, require
from nst_tf.images.pixels import CAFFE_MEAN_BGR
from nst_tf.images.read import Picture, read_picture
from nst_tf.images.resize import resize


class Start(Protocol):
    """The image that the optimization starts from."""

    def __call__(self, content: np.ndarray, styles: Sequence[np.ndarray], random: Generator) -> np.ndarray:
        """Content [H, W, 3] and styles of any sizes, in [0, 1] -> image [H, W, 3] float32."""
        ...


@dataclass(frozen=True)
class ContentStart:
    """The content image, with a share ``noise`` of it replaced by white noise.

    ``noise`` 0 is the picture itself, as in Gatys' notebook and the TensorFlow guide.

    ``dither``: pixels that equal a neighbor get uniform noise of at most so much. Where a picture is flat,
    all four activations under a max pooling are equal and the first of them gets the whole gradient, so that
    a grid with periods of 2 and 4 pixels grows; a little noise spreads it (docs/objectives.md).
    """

    noise: float = 0.0
    dither: float = 0.0

    def __post_init__(self) -> None:
        _check_share(self.noise)
        require(0 <= self.dither <= 1, "init.dither", self.dither, "between 0 and 1")

    def __call__(self, content: np.ndarray, styles: Sequence[np.ndarray], random: Generator) -> np.ndarray:
        image = _blended(content, self.noise, random)
        if self.dither == 0:
            return image
        flat = np.zeros((*image.shape[:2], 1), bool)
        flat[:, :-1] |= (image[:, :-1] == image[:, 1:]).all(2, keepdims=True)
        flat[:-1] |= (image[:-1] == image[1:]).all(2, keepdims=True)
        noise = random.uniform(-self.dither, self.dither, image.shape)
        return np.where(flat, np.clip(image + noise, 0, 1), image).astype(np.float32)


@dataclass(frozen=True)
class StyleStart:
    """The first style image, stretched to the content's size, with a share ``noise`` of white noise.

    Gatys, Ecker, Bethge 2016, figure 6, starts one of its results from the style image.
    """

    noise: float = 0.0

    def __post_init__(self) -> None:
        _check_share(self.noise)

    def __call__(self, content: np.ndarray, styles: Sequence[np.ndarray], random: Generator) -> np.ndarray:
        stretched = tf.image.resize(styles[0], content.shape[:2], "bicubic", antialias=True).numpy()
        return _blended(np.clip(stretched, 0, 1), self.noise, random)


@dataclass(frozen=True)
class MeanColorStart:
    """The content's finest band on the mean color of the first style: outlines on a toned ground.

    The band is the content minus itself halved and enlarged again. Kolkin, Salavon, Shakhnarovich 2019,
    section 2.5 (STROTSS).
    """

    def __call__(self, content: np.ndarray, styles: Sequence[np.ndarray], random: Generator) -> np.ndarray:
        height, width = content.shape[:2]
        halved = tf.image.resize(content, (max(1, height // 2), max(1, width // 2)), "bilinear")
        blurred = tf.image.resize(halved, (height, width), "bilinear").numpy()
        return (content - blurred + styles[0].mean(axis=(0, 1))).astype(np.float32)


@dataclass(frozen=True)
class NoiseStart:
    """White noise: ``center`` plus ``deviation`` times normal (or uniform in [-1, 1]) values.

    ``center`` "mean" is the mean color of ImageNet, which is zero in Caffe pixels, so that neural-style's
    ``torch.randn(...) * 0.001`` is center mean, deviation 0.001 / 255. Values are not clipped here.
    """

    center: str | float = "mean"
    deviation: float = 0.1
    uniform: bool = False

    def __post_init__(self) -> None:
        right = self.center == "mean" or isinstance(self.center, (int, float))
        require(right, "init.center", self.center, "a number or 'mean'")
        require(self.deviation >= 0, "init.deviation", self.deviation, "at least 0")

    def __call__(self, content: np.ndarray, styles: Sequence[np.ndarray], random: Generator) -> np.ndarray:
        imagenet = [value / 255 for value in reversed(CAFFE_MEAN_BGR)]
        center = np.asarray(imagenet if self.center == "mean" else self.center, np.float32)
        shape = content.shape
        values = random.uniform(-1, 1, shape) if self.uniform else random.standard_normal(shape)
        return (center + self.deviation * values).astype(np.float32)


@dataclass(frozen=True)
class FileStart:
    """The picture at ``path``, stretched to the content's size.

    It is read when this is built: InputError if no path is given or it can't be read.
    """

    path: str | None = None
    picture: Picture = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.path, str):
            raise InputError(f"init.path must be the path of a picture, but is {self.path!r}: init.path=FILE")
        check_there(self.path)
        object.__setattr__(self, "picture", read_picture(picture_path(self.path)))

    def __call__(self, content: np.ndarray, styles: Sequence[np.ndarray], random: Generator) -> np.ndarray:
        return resize(self.picture.pixels, content.shape[0], content.shape[1])


def _blended(image: np.ndarray, noise: float, random: Generator) -> np.ndarray:
    if noise == 0:
        return image.astype(np.float32)
    white = random.uniform(0, 1, image.shape)
    return ((1 - noise) * image + noise * white).astype(np.float32)


def _check_share(noise: float) -> None:
    require(0 <= noise <= 1, "init.noise", noise, "between 0 and 1")


# ---- Carrying the image from one size to the next ----


def enlarged(image: np.ndarray, height: int, width: int, *, circular: bool = False) -> np.ndarray:
    """Image [h, w, 3] -> [height, width, 3] float32 by bicubic interpolation, kept in the range it had.

    ``circular``: beyond a border is what is at the opposite one.
    """
    if image.shape[:2] == (height, width):
        return image
    resized = _on_a_torus(image, height, width) if circular else _resized(image, height, width)
    return np.clip(resized, image.min(), image.max()).astype(np.float32)


def with_detail(
    picture: np.ndarray, content: np.ndarray, coarser: np.ndarray, share: float, *, circular: bool = False
) -> np.ndarray:
    """A picture that was enlarged, with what the content has there and did not have at the size before.

    All are [H, W, 3], but ``coarser``, the content [h, w, 3] at the size before. Enlarging leaves the finest
    octave empty, and most of the first steps go into filling it. With a share of 1 the change that was made
    to the content is carried over, in the place of the picture.
    """
    height, width = content.shape[:2]
    detail = content - enlarged(coarser, height, width, circular=circular)
    lowest, highest = min(0.0, picture.min()), max(1.0, picture.max())
    return np.clip(picture + share * detail, lowest, highest).astype(np.float32)


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    return tf.image.resize(image, (height, width), "bicubic").numpy()


def _on_a_torus(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle one of three periods, so that the samples lie where they do in one; a side at a time."""
    tall = _resized(np.concatenate([image] * 3, 0), 3 * height, image.shape[1])[height : 2 * height]
    return _resized(np.concatenate([tall] * 3, 1), height, 3 * width)[:, width : 2 * width]
