"""Reading pictures: from a file, a Pillow image or an array to the project's pixels."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from nst_tf.bounded_cache import BoundedCache
from nst_tf.errors import InputError
from nst_tf.images.decode import Decoded, decode, decode_floats, unless_opaque
from nst_tf.images.opening import check_area, check_header, opened, read_data, refusals
from nst_tf.images.pixels import SMALLEST_SIDE, over_white
from nst_tf.images.tiff import float_tiff, shown_page

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in the project's pixels; its arrays are read-only.

    Attributes:
        pixels: float32 (H, W, 3), RGB in [0, 1], sRGB; transparent parts are laid over white.
        alpha: float32 (H, W) in [0, 1], 1 where opaque; None if every pixel is opaque.
        name: the file's name, or 'array'.
        sha256: hexadecimal; of the file's bytes, or of the array's bytes.
        file: the file's bytes as they were read, hashed and decoded; empty if there is no file.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    name: str
    sha256: str
    file: bytes = field(default=b"", repr=False)

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return self.pixels.shape[1]


# a sweep reads the same few pictures in every job; at 1024 x 768 each has 9.4 MB
_DECODED: BoundedCache[Picture] = BoundedCache(most_bytes=1 << 27, most_entries=16)


def read_picture(path: str | Path) -> Picture:
    """Read a JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC file; of an animation the first frame.

    EXIF orientation is applied. An embedded ICC profile is converted to sRGB; a broken one is ignored with a
    warning in the log; a color space declared in any other way (PNG's gAMA and cHRM, EXIF's) is not looked
    at. Grey, palette and CMYK pictures become RGB. CMYK JPEG files are taken in Adobe's polarity (255 is no
    ink), as Pillow takes all of them. Transparency is laid over white on the encoded values, as browsers do.
    Of a TIFF whose first page is a preview, the largest page is read (see ``nst_tf.images.tiff``).

    Depth: grey of 12 and 16 bits, RGB of 16 bits a channel with or without alpha, and TIFF of floating point
    keep their depth. CMYK of 16 bits, grey of 16 bits with alpha, and AVIF and HEIC of more than 8 bits are
    read at 8 bits. A float file must lie within [0, 1], and is taken as encoded like sRGB where it has no
    profile: a scale guessed from the values would make brightness depend on what the picture shows.

    Raises:
        InputError: the file is missing, a folder, unreadable, empty, no picture, damaged or cut short; a side
            is under ``SMALLEST_SIDE`` (16) pixels; its header declares more than 178,956,970 pixels; or its
            values cannot be taken as a picture (float outside [0, 1], CIELAB, a raw picture). Or it is AVIF
            or HEIC, and the decoder is not installed.
    """
    path = Path(path)
    return picture_from_bytes(read_data(path), path.name, str(path))


def picture_from_bytes(data: bytes, name: str, place: str) -> Picture:
    """Read a picture from the bytes of a file called ``name``; messages say that it is at ``place``."""
    sha256 = hashlib.sha256(data).hexdigest()
    known = _DECODED.get((sha256, name))
    if known is not None:
        return known
    page = shown_page(data, place)
    floats = float_tiff(page.data)
    if floats is not None:
        with refusals(place, data):
            check_header(floats.width, floats.height, len(data), place)
            _check_sides(floats.height, floats.width, place)
            picture = _picture(decode_floats(floats, place), name, sha256, data)
    else:
        with opened(page.data, place) as image:
            _check_sides(image.height, image.width, place)
            picture = _picture(decode(image, place, page.data), name, sha256, data)
    if page.note:
        log.warning("%s", page.note)
    _DECODED.put((sha256, name), picture, picture.pixels.nbytes + len(data))
    return picture


def picture_from_pillow(image: Image.Image, name: str | None = None, file: bytes = b"") -> Picture:
    """Read a Pillow image, which is left as it was.

    Its ``sha256`` is that of its float RGB and alpha; of a frame of an animation, that of the animation's
    ``file``, whose bytes are given.

    Raises:
        InputError: as :func:`read_picture`, as far as it applies.
    """
    filename = getattr(image, "filename", "")
    if name is None:
        name = Path(filename).name if isinstance(filename, str) and filename else "array"
    _check_sides(image.height, image.width, name)
    check_area(image.width, image.height, name)
    with refusals(name):
        decoded = decode(image, name)
        digest = hashlib.sha256(file or decoded.rgb.tobytes())
        if decoded.alpha is not None and not file:
            digest.update(decoded.alpha.tobytes())
        return _picture(decoded, name, digest.hexdigest(), file)


def picture_from_array(array: np.ndarray) -> Picture:
    """Read an array (H, W), or (H, W, C) with 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels.

    Values are sRGB: uint8 in 0..255, or floats in [0, 1]. The array is copied.

    Raises:
        InputError: another shape or dtype, a float that is not finite or not within [0, 1], or a side under
            ``SMALLEST_SIDE`` pixels.
    """
    array = np.asarray(array)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InputError(
            f"a picture array has shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), received {array.shape}"
        )
    _check_sides(array.shape[0], array.shape[1], "array")
    values = _unit_values(array)
    samples = values[..., None] if values.ndim == 2 else values
    alpha = np.ascontiguousarray(samples[..., 3]) if samples.shape[2] == 4 else None
    rgb = np.repeat(samples, 3, axis=2) if samples.shape[2] == 1 else np.ascontiguousarray(samples[..., :3])
    return _picture(Decoded(rgb, unless_opaque(alpha)), "array", hashlib.sha256(array.tobytes()).hexdigest())


def _unit_values(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"a picture array is uint8 in 0..255 or float in [0, 1], received {array.dtype}")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # also refuses NaN
        raise InputError(
            f"a float picture array lies within [0, 1], received values from {low} to {high}: divide by its "
            "full scale, or pass uint8"
        )
    return array.astype(np.float32)


def _check_sides(height: int, width: int, name: str | Path) -> None:
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"{name} has {height} x {width} pixels (height x width): both sides must have at least "
            f"{SMALLEST_SIDE}, for the network halves them four times"
        )


def _picture(decoded: Decoded, name: str, sha256: str, file: bytes = b"") -> Picture:
    rgb, alpha = decoded
    if alpha is not None:
        for row, opacity in zip(rgb, alpha, strict=True):  # another picture of the largest size takes 2.1 GB
            row[:] = over_white(row, opacity)
        alpha.flags.writeable = False
    rgb.flags.writeable = False
    return Picture(rgb, alpha, name, sha256, file)
