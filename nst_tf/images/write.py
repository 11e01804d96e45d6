"""Pictures out, with a note of how they came about, each wholly written or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image, PngImagePlugin

from nst_tf.errors import InputError
from nst_tf.files import written_atomically
from nst_tf.images.alpha import over_white
from nst_tf.images.encode import save, texts_of
from nst_tf.images.exif import of_size
from nst_tf.images.levels import DEPTHS, levels_of, rounded
from nst_tf.images.opening import content_of, opened
from nst_tf.images.output_profile import SRGB, OutputProfile

FORMAT_OF_SUFFIX: Mapping[str, str] = MappingProxyType(
    {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
)
"""The suffixes that can be written, in lower case, and Pillow's names of their formats."""

_LONGEST_SIDE = {
    "JPEG": 65500,  # JPEG_MAX_DIMENSION in libjpeg's jmorecfg.h
    "WEBP": 16383,  # WEBP_MAX_DIMENSION in libwebp's encode.h
}
_SIXTEEN_BITS = ("PNG", "TIFF")
_IMAGE_DESCRIPTION = 270  # TIFF 6.0 section 8; EXIF takes the tag over
_KEY = re.compile(r"[!-~]([ -~]{0,77}[!-~])?")  # a keyword of PNG's text chunks (1 to 79 bytes), ASCII alone


@dataclass(frozen=True)
class FileForm:
    """What a picture's file is besides its pixels: bits a channel, colour profile, EXIF data."""

    bits: int = 8
    profile: OutputProfile = SRGB
    exif: Image.Exif = field(default_factory=Image.Exif)


def check_suffix(path: str | Path) -> None:
    """Refuse, before any work, a path whose suffix :func:`write_picture` does not know.

    Raises:
        InputError: naming the suffix received and those that work.
    """
    _format(Path(path))


def check_bits(path: str | Path, bits: int) -> None:
    """Refuse, before any work, a depth that can't be written, or not in the format of the path's suffix.

    Raises:
        InputError: naming the depth received and what works.
    """
    if bits not in DEPTHS:
        raise InputError(f"record.bits must be 8 or 16, but is {bits}")
    image_format = _format(Path(path))
    if bits == 16 and image_format not in _SIXTEEN_BITS:
        raise InputError(
            f"record.bits=16 can't be kept in {path}, for {image_format} has 8 bits a channel: choose a"
            " record.picture that ends in .png or .tif"
        )


def holds_alpha(path: str | Path) -> bool:
    """Whether the format of the path's suffix holds transparency; InputError for an unknown suffix."""
    return _format(Path(path)) != "JPEG"


def longest_side(path: str | Path) -> int | None:
    """The most pixels that a side of a picture in the format of the path's suffix has; None without limit.

    Raises:
        InputError: an unknown suffix.
    """
    return _LONGEST_SIDE.get(_format(Path(path)))


def round_to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """As :func:`nst_tf.images.levels.rounded` to 8 bits."""
    return rounded(pixels, 8)


def write_picture(
    path: str | Path,
    pixels: np.ndarray,
    metadata: Mapping[str, str] | None = None,
    alpha: np.ndarray | None = None,
    form: FileForm | None = None,
) -> None:
    """Write a picture in the format of the path's suffix, atomically, with its colour profile embedded.

    The same arguments give the same bytes. PNG and TIFF (deflate) are lossless; JPEG has quality 95 without
    chroma subsampling, WebP quality 95. An existing file is replaced.

    Args:
        path: ends in .png, .jpg, .jpeg, .webp, .tif or .tiff, in any case; its folder exists.
        pixels: RGB (H, W, 3), sRGB, clipped to [0, 1], as :func:`nst_tf.images.levels.rounded` rounds them.
        metadata: texts kept in the file, for :func:`read_metadata`. PNG: a text chunk each (tEXt, or iTXt
            beyond Latin-1). JPEG, WebP and TIFF: all as ASCII JSON in the tag ImageDescription.
        alpha: opacity (H, W) in [0, 1], or None. JPEG has none: the picture is laid over white.
        form: depth, profile (which must have been checked) and EXIF data; None is 8 bits, sRGB and none.

    Raises:
        InputError: an unknown suffix, a shape other than these, a value that is not finite, a side, depth or
            metadata beyond what the format holds, or a file that the system does not let us write.
    """
    path, form = Path(path), form or FileForm()
    image_format = _format(path)
    check_bits(path, form.bits)
    levels = _canvas(pixels, alpha, form, with_alpha=holds_alpha(path))
    height, width = levels.shape[:2]
    longest = longest_side(path)
    if longest is not None and max(height, width) > longest:
        raise InputError(
            f"{path} cannot hold {height} x {width} pixels, for a side of a "
            f"{image_format} picture has at most {longest}: write .png"
        )
    texts = _checked(metadata or {})
    exif = of_size(form.exif, height, width, form.profile.is_srgb)
    try:
        with written_atomically(path) as temporary:
            save(temporary, image_format, levels, form.profile.embedded, texts, exif)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
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
    path = Path(path)
    with opened(content_of(path), path) as image:
        if isinstance(image, PngImagePlugin.PngImageFile):
            return {str(key): str(text) for key, text in image.text.items()}
        return texts_of(image.getexif().get(_IMAGE_DESCRIPTION))


def _format(path: Path) -> str:
    image_format = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if image_format is None:
        raise InputError(
            f"{path} has the suffix {path.suffix!r}: a picture is written as .png, .jpg (.jpeg), .webp or "
            ".tif (.tiff)"
        )
    return image_format


def _canvas(pixels: np.ndarray, alpha: np.ndarray | None, form: FileForm, with_alpha: bool) -> np.ndarray:
    """Levels (H, W, 3), or (H, W, 4) if there is an alpha and the format takes it."""
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise InputError(f"a picture to write has shape (H, W, 3), received {pixels.shape}")
    if alpha is None:
        return form.profile.levels(pixels, form.bits)
    alpha = np.asarray(alpha)
    if alpha.shape != pixels.shape[:2]:
        raise InputError(f"alpha has the shape of the picture, {pixels.shape[:2]}, received {alpha.shape}")
    if with_alpha:
        return np.dstack([form.profile.levels(pixels, form.bits), levels_of(alpha, form.bits)])
    laid = over_white(np.clip(pixels, 0, 1), np.clip(alpha, 0, 1))
    return form.profile.levels(laid, form.bits)


def _checked(metadata: Mapping[str, str]) -> Mapping[str, str]:
    for key, text in metadata.items():
        if not _KEY.fullmatch(key):
            raise InputError(f"a metadata key has 1 to 79 printable ASCII characters, received {key!r}")
        if not isinstance(text, str) or _has_surrogates(text):
            raise InputError(f"metadata are texts of valid Unicode, received {text!r} for {key!r}")
    return metadata


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
