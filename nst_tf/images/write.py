"""Pictures out: 8-bit sRGB files with a note of how they came about, each wholly written or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from nst_tf.errors import InputError
from nst_tf.files import written_atomically
from nst_tf.images.colour import srgb_profile
from nst_tf.images.opening import opened

FORMAT_OF_SUFFIX: Mapping[str, str] = MappingProxyType(
    {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
)
"""The suffixes that can be written, in lower case, and Pillow's names of their formats."""

_SAVE_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "PNG": {},
    # 95 is the highest quality that Pillow's documentation advises; subsampling 0 keeps full colour
    # resolution, for a stylized picture has fine coloured strokes.
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "exact": True},  # exact: colour under transparent pixels is kept
    "TIFF": {"compression": "tiff_deflate"},
}
_LONGEST_SIDE = {
    "JPEG": 65500,  # JPEG_MAX_DIMENSION in libjpeg's jmorecfg.h
    "WEBP": 16383,  # WEBP_MAX_DIMENSION in libwebp's encode.h
}
_MOST_JPEG_EXIF = 65533  # bytes: a JPEG segment's 16-bit length counts its own two bytes
_IMAGE_DESCRIPTION = 270  # TIFF 6.0 section 8; EXIF takes the tag over
_KEY = re.compile(r"[!-~]([ -~]{0,77}[!-~])?")  # a keyword of PNG's text chunks (1 to 79 bytes), ASCII alone


def check_suffix(path: str | Path) -> None:
    """Refuse, before any work, a path whose suffix :func:`write_picture` does not know.

    Raises:
        InputError: naming the suffix received and those that work.
    """
    _format(Path(path))


def longest_side(path: str | Path) -> int | None:
    """The most pixels that a side of a picture in the format of the path's suffix has; None without limit.

    Raises:
        InputError: an unknown suffix.
    """
    return _LONGEST_SIDE.get(_format(Path(path)))


def round_to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Float32 pixels exactly as a reader of the lossless file (PNG, TIFF) gets them back.

    Values are clipped to [0, 1] and rounded to the nearest of 256 levels, halves up. A loss computed on
    these is the loss of the saved picture.

    Raises:
        InputError: a value is not finite.
    """
    return _levels(pixels).astype(np.float32) / np.float32(255)


def write_picture(
    path: str | Path,
    pixels: np.ndarray,
    metadata: Mapping[str, str] | None = None,
    alpha: np.ndarray | None = None,
) -> None:
    """Write a picture in the format of the path's suffix, atomically, with the sRGB profile embedded.

    The same arguments give the same bytes. PNG and TIFF (deflate) are lossless at 8 bits; JPEG has quality
    95 without chroma subsampling, WebP quality 95. An existing file is replaced.

    Args:
        path: ends in .png, .jpg, .jpeg, .webp, .tif or .tiff, in any case; its folder exists.
        pixels: RGB (H, W, 3), clipped to [0, 1], as :func:`round_to_8_bits` rounds them.
        metadata: texts kept in the file, for :func:`read_metadata`. PNG: a text chunk each (tEXt, or iTXt
            beyond Latin-1). JPEG, WebP and TIFF: all as ASCII JSON in the tag ImageDescription.
        alpha: opacity (H, W) in [0, 1], or None. JPEG has none: the picture is laid over white.

    Raises:
        InputError: an unknown suffix, a shape other than these, a value that is not finite, a side or
            metadata beyond what the format holds, or a file that the system does not let us write.
    """
    path = Path(path)
    image_format = _format(path)
    levels = _canvas(pixels, alpha, with_alpha=image_format != "JPEG")
    longest = longest_side(path)
    if longest is not None and max(levels.shape[:2]) > longest:
        raise InputError(
            f"{path} cannot hold {levels.shape[0]} x {levels.shape[1]} pixels, for a side of a "
            f"{image_format} picture has at most {longest}: write .png"
        )
    options = {**_SAVE_OPTIONS[image_format], **_metadata_options(image_format, metadata or {}, path)}
    try:
        with written_atomically(path) as temporary:
            Image.fromarray(levels).save(temporary, image_format, icc_profile=srgb_profile(), **options)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} cannot be written ({reason}): give a path in an existing folder that you may write to"
        ) from error


def read_metadata(path: str | Path) -> dict[str, str]:
    """The texts that :func:`write_picture` stored in a file; empty if it holds none.

    Of a PNG from elsewhere these are all its text chunks.

    Raises:
        InputError: as :func:`nst_tf.images.read.read_picture`, as far as the header goes.
    """
    with opened(Path(path)) as (image, _):
        if isinstance(image, PngImagePlugin.PngImageFile):
            return {str(key): str(text) for key, text in image.text.items()}
        return _texts_of(image.getexif().get(_IMAGE_DESCRIPTION))


def _format(path: Path) -> str:
    image_format = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if image_format is None:
        raise InputError(
            f"{path} has the suffix {path.suffix!r}: a picture is written as .png, .jpg (.jpeg), .webp or "
            ".tif (.tiff)"
        )
    return image_format


def _levels(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)  # in float32, 0.49999997 + 0.5 would already be 1
    if not np.isfinite(values).all():
        raise InputError("a picture to write holds values that are not finite (NaN or infinity)")
    return np.floor(np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def _canvas(pixels: np.ndarray, alpha: np.ndarray | None, with_alpha: bool) -> np.ndarray:
    """uint8 (H, W, 3), or (H, W, 4) if there is an alpha and the format takes it."""
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise InputError(f"a picture to write has shape (H, W, 3), received {pixels.shape}")
    if alpha is None:
        return _levels(pixels)
    alpha = np.asarray(alpha)
    if alpha.shape != pixels.shape[:2]:
        raise InputError(f"alpha has the shape of the picture, {pixels.shape[:2]}, received {alpha.shape}")
    if with_alpha:
        return np.dstack([_levels(pixels), _levels(alpha)])
    opacity = np.clip(alpha, 0, 1)[..., None]
    return _levels(np.clip(pixels, 0, 1) * opacity + (1 - opacity))


def _metadata_options(image_format: str, metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    for key, text in metadata.items():
        if not _KEY.fullmatch(key):
            raise InputError(f"a metadata key has 1 to 79 printable ASCII characters, received {key!r}")
        if not isinstance(text, str) or _has_surrogates(text):
            raise InputError(f"metadata are texts of valid Unicode, received {text!r} for {key!r}")
    if not metadata:
        return {}
    if image_format == "PNG":
        chunks = PngImagePlugin.PngInfo()
        for key, text in metadata.items():
            chunks.add_text(key, text)  # falls back to iTXt by itself
        return {"pnginfo": chunks}
    described = json.dumps(dict(metadata))  # ASCII: the tag's own type
    if image_format == "TIFF":
        return {"tiffinfo": {_IMAGE_DESCRIPTION: described}}
    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = described
    content = exif.tobytes()
    if image_format == "JPEG" and len(content) > _MOST_JPEG_EXIF:
        raise InputError(
            f"{path} cannot hold {len(content):,} bytes of metadata, for JPEG has room for "
            f"{_MOST_JPEG_EXIF:,}: write .png"
        )
    return {"exif": content}


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _texts_of(description: object) -> dict[str, str]:
    try:
        texts = json.loads(description) if isinstance(description, str) else None
    except (ValueError, RecursionError):
        return {}  # another program's description
    return (
        {key: text for key, text in texts.items() if isinstance(text, str)} if isinstance(texts, dict) else {}
    )
