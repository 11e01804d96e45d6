"""Colour profiles: from what a file declares to sRGB, and the sRGB profile that we write."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

log = logging.getLogger(__name__)

UNUSABLE_PROFILE = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
"""What Pillow raises for a broken profile."""

_COLOUR_SPACE = slice(16, 20)  # of a profile's header, ICC.1:2022 section 7.2
_CREATION_DATE = slice(24, 36)  # six 16-bit numbers, year first; the same section
_SAME_COLOUR = 1  # levels of 255: what rounding to 8 bits alone can move a colour by
_PROBE_LEVELS = 17  # a side of the grid of colours on which a profile is compared with sRGB; 255/16 apart


@cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB (LittleCMS' built-in one), the same bytes every time.

    Its creation date is set to 1 January 2000, so that the same picture is written as the same file.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CREATION_DATE] = b"".join(number.to_bytes(2, "big") for number in (2000, 1, 1, 0, 0, 0))
    return bytes(profile)


def colour_to_srgb(mode: str, profile: bytes | None, name: str) -> Callable[[Image.Image], Image.Image]:
    """What makes sRGB, in mode RGB, of an image in this mode, RGB or CMYK, or of a part of one.

    The profile's perceptual table is used where it has one (LittleCMS' default). A profile that moves no
    colour by more than one level of 255 is sRGB under another name and is skipped, so that lossless files
    are read exactly. A profile that is broken, or meant for another kind of picture, is ignored with a
    warning in the log. CMYK without a usable profile is taken as ideal inks, (1 - ink) * (1 - black).
    """
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if mode == "CMYK" or moves_colours(source):
                return _converter(source, mode)
        except UNUSABLE_PROFILE as error:
            warn_of_profile(name, error)
    return lambda image: image if image.mode == "RGB" else image.convert("RGB")


def grey_to_srgb(grey: np.ndarray, profile: bytes | None, name: str) -> np.ndarray:
    """Grey float32 (H, W) in [0, 1] as sRGB float32 (H, W, 3), by the profile's tone curve.

    The profile may be for grey or, as many programs save it, for RGB. LittleCMS through Pillow works on 8
    bits, so the curve is taken at 256 levels and interpolated linearly between them. Profiles that move
    nothing or cannot be used are treated as :func:`colour_to_srgb` treats them.
    """
    levels = np.arange(256, dtype=np.uint8)
    curve = None
    if profile:
        try:
            curve = _tone_curve(levels, profile)
        except UNUSABLE_PROFILE as error:
            warn_of_profile(name, error)
    if curve is None or np.abs(curve - levels[:, None].astype(np.int16)).max() <= _SAME_COLOUR:
        return np.repeat(grey[..., None], 3, axis=2)
    channels = [np.interp(grey, levels / 255, curve[:, channel] / 255) for channel in range(3)]
    return np.stack(channels, axis=2).astype(np.float32)


def _tone_curve(levels: np.ndarray, profile: bytes) -> np.ndarray:
    """What the profile makes of every grey level: int16 (256, 3) in 0..255."""
    ramp = Image.fromarray(levels[None])
    if profile[_COLOUR_SPACE] == b"RGB ":
        ramp = ramp.convert("RGB")
    # Optimized, LittleCMS replaces the curve by a coarse table: off by 10 levels in the dark for gamma 1.
    converted = _converted(ramp, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.Flags.NOOPTIMIZE)
    return np.asarray(converted, np.int16)[0]


def moves_colours(source: ImageCms.ImageCmsProfile) -> bool:
    """Whether an RGB profile is anything else than sRGB under another name."""
    levels = np.linspace(0, 255, _PROBE_LEVELS).round().astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    moved = np.asarray(_converted(Image.fromarray(probe), source), np.int16)
    return bool(np.abs(moved - probe).max() > _SAME_COLOUR)


def _converted(
    image: Image.Image, source: ImageCms.ImageCmsProfile, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> Image.Image:
    return _converter(source, image.mode, flags)(image)


def _converter(
    source: ImageCms.ImageCmsProfile, mode: str, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> Callable[[Image.Image], Image.Image]:
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)

    def convert(image: Image.Image) -> Image.Image:
        converted = ImageCms.applyTransform(image, transform)
        if converted is None:  # only when asked to work in place
            raise ValueError("no converted image")
        return converted

    return convert


def warn_of_profile(name: str, error: Exception) -> None:
    """Say that the profile of the picture ``name`` is ignored."""
    log.warning("%s: its colour profile cannot be used (%s) and is ignored", name, error)
