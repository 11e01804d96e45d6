"""From the pixels of a file to an array: depths, transparency, 16 bits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import tifffile
from PIL import Image, ImageCms, ImageFile, ImageOps

from nst_tf.errors import InputError
from nst_tf.images.icc import (
    UNUSABLE_PROFILE,
    MatrixProfile,
    color_to_srgb,
    converted,
    grey_to_srgb,
    moves_colors,
    srgb_matrix_profile,
    warn_of_profile,
)
from nst_tf.images.pixels import levels_of
from nst_tf.images.tiff import FloatTiff, decoded_floats

# ----------------------------------------------------------------------------
# Transparency of the content picture, given back to the result.


def alpha_at(alpha: np.ndarray, height: int, width: int) -> np.ndarray:
    """Opacity (H, W) in [0, 1] at another size, float32; itself where the size is the same.

    By a triangle that widens with the reduction. Lanczos' filter, which serves the colors, would ring: a
    faint ghost of every outline, in the middle of what is transparent.
    """
    if alpha.shape == (height, width):
        return alpha
    plane = Image.fromarray(np.ascontiguousarray(alpha, np.float32))  # mode 'F'
    resized = np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR))
    return np.clip(resized, 0, 1)


def over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels (H, W, 3) of opacity (H, W) laid over white: alpha * pixels + 1 - alpha."""
    opacity = alpha[..., None]
    return pixels * opacity + (1 - opacity)


def lay_over_white(pixels: np.ndarray, alpha: np.ndarray) -> None:
    """The same in place: another picture of the largest size would take 2.1 GB."""
    for row, opacity in zip(pixels, alpha[..., None], strict=True):
        row *= opacity
        row += 1 - opacity


def without_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colors that give ``pixels`` (H, W, 3) when they are laid over white with opacity (H, W), clipped.

    The network sees the content laid over white, and so the result's soft edges are mixed with white:
    kept, they would be a pale rim on any dark ground. Where nothing is opaque, any color gives white, and
    the picture's own is kept: it goes on with the strokes beside it, for whoever enlarges the mask.
    """
    opacity = np.asarray(alpha, np.float32)[..., None]
    visible = np.where(opacity > 0, opacity, 1)
    unmixed = np.where(opacity > 0, (pixels - (1 - opacity)) / visible, pixels)
    return np.clip(unmixed, 0, 1).astype(np.float32)


# ----------------------------------------------------------------------------
# Color with 16 bits a channel, of which Pillow's images hold the high bytes alone.

log = logging.getLogger(__name__)

_SWAPPED = {"B": "L", "L": "B", "N": "B" if np.little_endian else "L"}
"""Pillow's names of byte orders: big, little, and this machine's (of what libtiff decompressed)."""

_DEPTH = ";16"
_COLOR = ("RGB", "RGBA", "RGBX", "RGBa")  # X: a fourth channel that means nothing; a: premultiplied
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
    colors, _, order = _raw_mode(image).partition(_DEPTH)
    if tags.get(_PLANAR) == _APART and tags.get(_BITS, (0,))[0] == 16 and image.mode in ("RGB", "RGBA"):
        return _apart(content, tags, name)
    if colors not in _COLOR or order not in _SWAPPED:
        return None
    straight = _STRAIGHT if colors == _PREMULTIPLIED else colors
    high, low = (
        _decoded(image, content, f"{straight}{_DEPTH}{suffix}") for suffix in (order, _SWAPPED[order])
    )
    return Planes(high, low, colors == _PREMULTIPLIED)


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


# ----------------------------------------------------------------------------
# From a Pillow image in any of its modes to upright sRGB floats and their transparency.

_BAND = 1 << 22  # pixels that are converted at a time: what that takes beside the picture is 70 MB at most
_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # Pillow's modes with more than 8 bits
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF 6.0, section 8
_WHITE_IS_ZERO = 0  # a value of _PHOTOMETRIC


class Decoded(NamedTuple):
    """What an image shows: ``rgb`` float32 (H, W, 3) and ``alpha`` float32 (H, W) or None, in [0, 1].

    ``rgb`` is not yet laid over anything. ``alpha`` is None where every pixel is opaque.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None


class _Header(NamedTuple):
    """What Pillow knows only before loading, or ignores."""

    grey_levels: int  # the value of full scale in a deep integer picture
    white_is_zero: bool
    sixteen_bit_rgb: bool


def decode(image: Image.Image, name: str, content: bytes = b"") -> Decoded:
    """Load ``image``, turn a copy upright, and convert it to sRGB; ``name`` stands in the messages.

    ``content`` are the bytes of the file that it was opened from, if they are known: of 16-bit color an
    image of Pillow's has 8 bits. With them the image is not the caller's any more: it is turned itself, for
    a copy of a large one takes 4 bytes a pixel.

    Raises:
        InputError: a float picture outside [0, 1], a 32-bit integer picture outside 0..65535, or a mode
            with no agreed conversion to RGB.
        Exception: nearly anything, if the data are damaged (see ``nst_tf.images.opening.refusals``).
    """
    header = _header(image)
    if content and isinstance(image, ImageFile.ImageFile):
        planes = sixteen_bit_planes(image, content, name)
        if planes is not None:
            rgb, alpha = _sixteen_bits(planes, image, name)
            return Decoded(rgb, None if alpha is None or alpha.min() == 1 else alpha)
    if content:
        image.load()
    else:
        image = image.copy()  # the caller's own image is not turned
    _turn_upright(image, name)
    profile = image.info.get("icc_profile")
    if image.mode in _DEEP_GREY:
        grey, alpha = _deep_grey(image, header, name)
        rgb = grey_to_srgb(grey, profile, name)
    else:
        alpha = _alpha(image, header)
        rgb = _eight_bits(image, profile, name)
    return Decoded(rgb, None if alpha is None or alpha.min() == 1 else alpha)


def decode_floats(tiff: FloatTiff, name: str) -> Decoded:
    """The same for a TIFF of floating point, in which 0 is black and 1 is white."""
    color, alpha, bits = decoded_floats(tiff, name)
    low, high = color.min(), color.max()
    if not (low >= 0 and high <= 1) or (alpha is not None and np.isnan(alpha).any()):  # also refuses NaN
        raise InputError(
            f"{name} is a TIFF of {bits}-bit floating point with values from {low} to {high} where 0 to 1 is"
            " expected: map its tones into that range, or export it with 16 bits a channel"
        )
    profile = tiff.profile
    if color.shape[2] == 1:
        rgb = grey_to_srgb(color[..., 0], profile, name)
    else:
        rgb = _deep_to_srgb(color, profile, lambda: Image.fromarray(levels_of(color)), name)
    return Decoded(rgb, None if alpha is None or alpha.min() == 1 else alpha)


def _header(image: Image.Image) -> _Header:
    tags = getattr(image, "tag_v2", {})  # TIFF alone
    bits = tags.get(_BITS_PER_SAMPLE) or (16,)
    tiles = getattr(image, "tile", None) or [()]
    return _Header(
        # Pillow unpacks 12 bits of TIFF without scaling them to 16.
        grey_levels=4095 if bits[0] == 12 else 65535,
        # Pillow inverts such pictures at 8 bits, not beyond.
        white_is_zero=tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO,
        sixteen_bit_rgb="RGB;16B" in tiles[0],
    )


def _turn_upright(image: Image.Image, name: str, quiet: bool = False) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception as error:  # damaged EXIF raises as many kinds as damaged pixels
        if quiet:
            return
        log.warning("%s: its EXIF data are damaged (%s) and are ignored", name, error)


def _deep_grey(image: Image.Image, header: _Header, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    values = np.asarray(image)
    transparent = image.info.get("transparency")
    alpha = (values != transparent).astype(np.float32) if isinstance(transparent, int) else None
    full = 1 if image.mode == "F" else header.grey_levels
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= full):  # also refuses NaN
        kind = "float" if image.mode == "F" else "integer"
        raise InputError(
            f"{name} holds {kind} values from {low} to {high} where 0 to {full} is expected: "
            "rescale it, or export it with 8 bits"
        )
    grey = values.astype(np.float32) / np.float32(full)
    return (1 - grey if header.white_is_zero else grey), alpha


def _sixteen_bits(planes: Planes, image: Image.Image, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """SRGB and alpha of a picture with 16 bits a channel, at that depth."""
    _turn_upright(planes.high, name)
    _turn_upright(planes.low, name, quiet=True)
    samples = planes.samples
    rgb = samples[..., :3].astype(np.float32)
    rgb /= 65535
    alpha = None
    if samples.shape[2] == 4:
        alpha = samples[..., 3].astype(np.float32) / np.float32(65535)
        if planes.premultiplied:
            rgb = np.clip(rgb / np.where(alpha > 0, alpha, 1)[..., None], 0, 1)
    elif isinstance(transparent := image.info.get("transparency"), tuple):  # PNG's tRNS, of 16 bits each
        alpha = (samples != np.array(transparent, np.uint16)).any(axis=2).astype(np.float32)
    return _deep_to_srgb(rgb, image.info.get("icc_profile"), lambda: planes.high, name), alpha


def _deep_to_srgb(
    rgb: np.ndarray, profile: bytes | None, at_8_bits: Callable[[], Image.Image], name: str
) -> np.ndarray:
    """By the profile's curves and matrix in floating point; through tables LittleCMS goes, at 8 bits."""
    if not profile:
        return rgb
    try:
        if not moves_colors(ImageCms.ImageCmsProfile(BytesIO(profile))):
            return rgb
    except UNUSABLE_PROFILE as error:
        warn_of_profile(name, error)
        return rgb
    matrix = MatrixProfile.parsed(profile)
    if matrix is not None:
        return converted(rgb, matrix, srgb_matrix_profile())
    log.warning("%s: its color profile has tables, which are applied at 8 bits", name)
    return _in_bands(at_8_bits(), _to_srgb("RGB", profile, name))


def _alpha(image: Image.Image, header: _Header) -> np.ndarray | None:
    if not image.has_transparency_data:
        return None
    transparent = image.info.get("transparency")
    if header.sixteen_bit_rgb and isinstance(transparent, tuple):
        # Pillow keeps the high byte of each sample, but not of the color declared transparent.
        image.info["transparency"] = tuple(sample >> 8 for sample in transparent)
    if image.mode == "La":  # converts to nothing but LA
        image = image.convert("LA")
    return _in_bands(image, lambda band: band.convert("RGBA").getchannel("A"))


def _eight_bits(image: Image.Image, profile: bytes | None, name: str) -> np.ndarray:
    if image.mode == "LAB":
        raise InputError(f"{name} is a CIELAB picture: export it as RGB")
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode in ("1", "L", "LA"):
        return grey_to_srgb(_in_bands(image, lambda band: band.convert("L")), profile, name)
    return _in_bands(image, _to_srgb("CMYK" if image.mode == "CMYK" else "RGB", profile, name))


def _to_srgb(mode: str, profile: bytes | None, name: str) -> Callable[[Image.Image], Image.Image]:
    """Of an image in any mode, taken as one in ``mode``, or of a band of it."""
    convert = color_to_srgb(mode, profile, name)
    return lambda band: convert(band if band.mode == mode else band.convert(mode))


def _in_bands(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    """The converted image in [0, 1], float32, without a second one of its size beside it."""
    width, height = image.size
    rows = max(1, _BAND // width)
    found: np.ndarray | None = None
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        levels = np.asarray(convert(image.crop((0, top, width, bottom))))
        if found is None:
            found = np.empty((height, *levels.shape[1:]), np.float32)
        np.divide(levels, 255, out=found[top:bottom], dtype=np.float32)
    assert found is not None, "a picture has at least one row"  # noqa: S101
    return found
