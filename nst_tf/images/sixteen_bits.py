"""Colour with 16 bits a channel, of which Pillow's images hold the high bytes alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import tifffile
from PIL import Image, ImageFile

log = logging.getLogger(__name__)

_SWAPPED = {"B": "L", "L": "B", "N": "B" if np.little_endian else "L"}
"""Pillow's names of byte orders: big, little, and this machine's (of what libtiff decompressed)."""

_DEPTH = ";16"
_COLOUR = ("RGB", "RGBA", "RGBX", "RGBa")  # X: a fourth channel that means nothing; a: premultiplied
_PREMULTIPLIED, _STRAIGHT = "RGBa", "RGBA"
_BITS, _COMPRESSION, _ORIENTATION, _PLANAR = 258, 259, 274, 284  # tags of TIFF 6.0, section 8
_EXTRA_SAMPLES = 338  # section 18
_UNCOMPRESSED, _APART, _ASSOCIATED = 1, 2, 1  # values of them


class Planes(NamedTuple):
    """The ``high`` and the ``low`` byte of every sample, as loaded images of mode RGB or RGBA."""

    high: Image.Image
    low: Image.Image
    premultiplied: bool

    @property
    def samples(self) -> np.ndarray:
        """uint16 (H, W, 3) or (H, W, 4)."""
        high, low = np.asarray(self.high), np.asarray(self.low)
        return (high.astype(np.uint16) << 8) | low


def sixteen_bit_planes(image: ImageFile.ImageFile, content: bytes, name: str) -> Planes | None:
    """Both bytes of a PNG or TIFF of 16-bit RGB, with or without alpha; None for any other picture.

    ``image`` was opened from ``content``, the bytes of the whole file, and is not loaded. Pillow decodes
    such files into 8 bits by the first byte of each sample; told that the bytes stand the other way round,
    it takes the second. So both are had from its decoders, which know every compression, work at the
    speed of C, and never write beyond the picture that the header declares. Other readers do not: pypng
    takes a second a megapixel, tifffile needs imagecodecs (80 MB) for LZW, and both decompress whatever a
    file holds before they look at its size.

    Raises nearly anything, if the data are damaged (see ``nst_tf.images.opening.refusals``).
    """
    tags = getattr(image, "tag_v2", {})  # TIFF alone
    colours, _, order = _raw_mode(image).partition(_DEPTH)
    if tags.get(_PLANAR) == _APART and tags.get(_BITS, (0,))[0] == 16 and image.mode in ("RGB", "RGBA"):
        return _apart(content, tags, name)
    if colours not in _COLOUR or order not in _SWAPPED:
        return None
    straight = _STRAIGHT if colours == _PREMULTIPLIED else colours
    high, low = (
        _decoded(image, content, f"{straight}{_DEPTH}{suffix}") for suffix in (order, _SWAPPED[order])
    )
    return Planes(high, low, colours == _PREMULTIPLIED)


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """How the samples stand in the file, in Pillow's word; empty if it is not said."""
    for tile in image.tile[:1]:
        arguments = tile.args
        first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
        return first if isinstance(first, str) else ""
    return ""


def _decoded(like: ImageFile.ImageFile, content: bytes, raw_mode: str) -> Image.Image:
    with Image.open(BytesIO(content), formats=[str(like.format)]) as image:
        image.tile = [
            tile._replace(args=(raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode)
            for tile in image.tile
        ]
        image.load()
        return image.copy()


def _apart(content: bytes, tags: Mapping[int, Any], name: str) -> Planes | None:
    """A TIFF that stores one channel after the other: Pillow misreads it unless it is compressed."""
    if tags.get(_COMPRESSION) != _UNCOMPRESSED:
        log.warning("%s stores compressed channels apart and is read at 8 bits: save them interleaved", name)
        return None
    with tifffile.TiffFile(BytesIO(content)) as file:
        samples = np.moveaxis(file.pages[0].asarray(), 0, 2)
    high, low = (
        Image.fromarray(np.ascontiguousarray(part, np.uint8)) for part in (samples >> 8, samples & 255)
    )
    for plane in (high, low):
        if _ORIENTATION in tags:
            plane.getexif()[_ORIENTATION] = tags[_ORIENTATION]
    return Planes(high, low, _ASSOCIATED in tags.get(_EXTRA_SAMPLES, ()))
