"""From the pixels of an image, of any mode and depth, to upright sRGB floats and their transparency."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageFile, ImageOps
from PIL.ExifTags import Base
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, PLANARCONFIG, TiffFile

from nst_tf.errors import InputError
from nst_tf.images.icc import color_to_srgb, converted_in_bands, deep_color_to_srgb, grey_to_srgb
from nst_tf.images.pixels import levels_of, straight
from nst_tf.images.tiff import FloatTiff, float_samples, upright

log = logging.getLogger(__name__)

_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # Pillow's modes with more than 8 bits


class Decoded(NamedTuple):
    """What an image shows: ``rgb`` float32 (H, W, 3) and ``alpha`` float32 (H, W) or None, in [0, 1].

    ``rgb`` is not yet laid over anything. ``alpha`` is None where every pixel is opaque.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None


def decode(image: Image.Image, name: str, data: bytes = b"") -> Decoded:
    """Load ``image``, turn a copy upright, and convert it to sRGB; ``name`` stands in the messages.

    ``data`` are the bytes of the file that it was opened from, if they are known: they are needed for 16-bit
    color, of which Pillow's images hold 8 bits. With them ``image`` itself is loaded and turned, because a
    copy of a large one would take 4 bytes a pixel.

    Raises:
        InputError: a float picture outside [0, 1], a 32-bit integer picture outside 0..65535, or a mode
            with no agreed conversion to RGB.
        Exception: nearly anything, if the data are damaged (see ``nst_tf.images.opening.refusals``).
    """
    # what Pillow knows only before loading, or ignores
    tags = getattr(image, "tag_v2", {})  # TIFF alone
    # Pillow unpacks 12 bits of TIFF without scaling them to 16
    full = 4095 if (tags.get(Base.BitsPerSample) or (16,))[0] == 12 else 65535
    # Pillow inverts such pictures at 8 bits, not beyond
    white_is_zero = tags.get(Base.PhotometricInterpretation) == PHOTOMETRIC.MINISWHITE
    sixteen_bit_rgb = "RGB;16B" in (getattr(image, "tile", None) or [()])[0]
    if data and isinstance(image, ImageFile.ImageFile):
        deep = _sixteen_bit_color(image, data, name)
        if deep is not None:
            return deep
    if data:
        image.load()
    else:
        image = image.copy()  # the caller's own image is not turned
    _turn_upright(image, name)
    if image.mode == "La":  # converts to nothing but LA
        image = image.convert("LA")
    profile = image.info.get("icc_profile")
    if image.mode in _DEEP_GREY:
        grey, alpha = _deep_grey(image, full, name)
        return Decoded(grey_to_srgb(1 - grey if white_is_zero else grey, profile, name), unless_opaque(alpha))
    alpha = _eight_bit_alpha(image, sixteen_bit_rgb)
    return Decoded(_eight_bits(image, profile, name), unless_opaque(alpha))


def decode_floats(tiff: FloatTiff, name: str) -> Decoded:
    """Decode a TIFF of floating point, in which 0 is black and 1 is white.

    Raises InputError for values outside [0, 1].
    """
    color, alpha, bits = float_samples(tiff, name)
    low, high = color.min(), color.max()
    if not (low >= 0 and high <= 1) or (alpha is not None and np.isnan(alpha).any()):  # also refuses NaN
        raise InputError(
            f"{name} is a TIFF of {bits}-bit floating point with values from {low} to {high} where 0 to 1 is"
            " expected: map its tones into that range, or export it with 16 bits a channel"
        )
    if color.shape[2] == 1:
        rgb = grey_to_srgb(color[..., 0], tiff.profile, name)
    else:
        rgb = deep_color_to_srgb(color, tiff.profile, lambda: Image.fromarray(levels_of(color)), name)
    return Decoded(rgb, unless_opaque(alpha))


def unless_opaque(alpha: np.ndarray | None) -> np.ndarray | None:
    """Opacity, None where every pixel is opaque."""
    return None if alpha is None or alpha.min() == 1 else alpha


def _turn_upright(image: Image.Image, name: str, quiet: bool = False) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception as error:  # damaged EXIF raises as many kinds as damaged pixels
        if not quiet:
            log.warning("%s: its EXIF data are damaged (%s) and are ignored", name, error)


def _eight_bits(image: Image.Image, profile: bytes | None, name: str) -> np.ndarray:
    if image.mode == "LAB":
        raise InputError(f"{name} is a CIELAB picture: export it as RGB")
    if image.mode in ("1", "L", "LA"):
        return grey_to_srgb(converted_in_bands(image, lambda band: band.convert("L")), profile, name)
    return color_to_srgb(image, "CMYK" if image.mode == "CMYK" else "RGB", profile, name)


def _eight_bit_alpha(image: Image.Image, sixteen_bit_rgb: bool) -> np.ndarray | None:
    if not image.has_transparency_data:
        return None
    transparent = image.info.get("transparency")
    if sixteen_bit_rgb and isinstance(transparent, tuple):
        # Pillow keeps the high byte of each sample, but not of the color declared transparent.
        image.info["transparency"] = tuple(sample >> 8 for sample in transparent)
    return converted_in_bands(image, lambda band: band.convert("RGBA").getchannel("A"))


def _deep_grey(image: Image.Image, full: int, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    values = np.asarray(image)
    transparent = image.info.get("transparency")
    alpha = (values != transparent).astype(np.float32) if isinstance(transparent, int) else None
    full = 1 if image.mode == "F" else full
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= full):  # also refuses NaN
        kind = "float" if image.mode == "F" else "integer"
        raise InputError(
            f"{name} holds {kind} values from {low} to {high} where 0 to {full} is expected: "
            "rescale it, or export it with 8 bits"
        )
    return values.astype(np.float32) / np.float32(full), alpha


# ---- color with 16 bits a channel, of which Pillow's images hold the high bytes alone ----

_SWAPPED = {"B": "L", "L": "B", "N": "B" if np.little_endian else "L"}
"""Pillow's names of byte orders: big, little, and this machine's (of what libtiff decompressed)."""

_COLOR = ("RGB", "RGBA", "RGBX", "RGBa")  # X: a fourth channel that means nothing; a: premultiplied


def _sixteen_bit_color(image: ImageFile.ImageFile, data: bytes, name: str) -> Decoded | None:
    """A PNG or TIFF of 16-bit RGB, with or without alpha, at that depth; None for any other picture.

    ``image`` was opened from ``data``, the bytes of the whole file, and is not loaded.
    """
    tags = getattr(image, "tag_v2", {})  # TIFF alone
    apart = tags.get(Base.PlanarConfiguration) == PLANARCONFIG.SEPARATE and image.mode in ("RGB", "RGBA")
    if apart and tags.get(Base.BitsPerSample, (0,))[0] == 16:
        found = _channels_apart(data, tags, name)
    else:
        found = _both_bytes(image, data, name)
    if found is None:
        return None
    samples, premultiplied = found
    rgb = samples[..., :3].astype(np.float32)
    rgb /= 65535
    alpha = None
    if samples.shape[2] == 4:
        alpha = samples[..., 3].astype(np.float32) / np.float32(65535)
        if premultiplied:
            rgb = straight(rgb, alpha)
    elif isinstance(transparent := image.info.get("transparency"), tuple):  # PNG's tRNS, of 16 bits each
        alpha = (samples != np.array(transparent, np.uint16)).any(axis=2).astype(np.float32)

    def at_8_bits() -> Image.Image:
        return Image.fromarray((samples[..., :3] >> 8).astype(np.uint8))

    rgb = deep_color_to_srgb(rgb, image.info.get("icc_profile"), at_8_bits, name)
    return Decoded(rgb, unless_opaque(alpha))


def _both_bytes(image: ImageFile.ImageFile, data: bytes, name: str) -> tuple[np.ndarray, bool] | None:
    """Upright samples, uint16 (H, W, 3 or 4), and whether they are multiplied by their opacity.

    Pillow decodes such files into 8 bits by the first byte of each sample; told that the bytes stand the
    other way round, it takes the second. So both are had from its decoders, which know every compression,
    work at the speed of C, and never write beyond the picture that the header declares. Other readers do
    not: pypng takes a second a megapixel, tifffile needs imagecodecs (80 MB) for LZW, and both decompress
    whatever a file holds before they look at its size.
    """
    arguments: Any = image.tile[0].args if image.tile else ""
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    colors, _, order = str(raw_mode).partition(";16")  # how the samples stand in the file, in Pillow's word
    if colors not in _COLOR or order not in _SWAPPED:
        return None
    as_stored = "RGBA" if colors == "RGBa" else colors
    high, low = (_decoded_as(f"{as_stored};16{one}", image, data) for one in (order, _SWAPPED[order]))
    _turn_upright(high, name)
    _turn_upright(low, name, quiet=True)
    return (np.asarray(high).astype(np.uint16) << 8) | np.asarray(low), colors == "RGBa"


def _decoded_as(raw_mode: str, like: ImageFile.ImageFile, data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=[str(like.format)]) as image:
        image.tile = [
            tile._replace(args=(raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode)
            for tile in image.tile
        ]
        image.load()
        return image.copy()


def _channels_apart(data: bytes, tags: Mapping[int, Any], name: str) -> tuple[np.ndarray, bool] | None:
    """The same of a TIFF that stores its channels one after the other: uncompressed, Pillow misreads it."""
    if tags.get(Base.Compression) != COMPRESSION.NONE:
        log.warning("%s stores compressed channels apart and is read at 8 bits: save them interleaved", name)
        return None
    with TiffFile(BytesIO(data)) as file:
        samples = np.moveaxis(file.pages[0].asarray(), 0, 2)
    return np.ascontiguousarray(upright(samples, tags)), EXTRASAMPLE.ASSOCALPHA in tags.get(
        Base.ExtraSamples, ()
    )
