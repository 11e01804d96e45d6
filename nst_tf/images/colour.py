"""Colour profiles: from what a file declares to sRGB, and the sRGB profile that we write."""

from __future__ import annotations

import logging
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

log = logging.getLogger(__name__)

_SAME_COLOUR = 1  # levels of 255: what rounding to 8 bits alone can move a colour by
_COLOUR_SPACE = slice(16, 20)  # of the profile's header, ICC.1:2022 section 7.2
_PROBE_LEVELS = 17  # a side of the grid of colours on which a profile is compared with sRGB; 255/16 apart


@cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB (LittleCMS' built-in one), the same bytes every time.

    Its creation date (header bytes 24 to 35, ICC.1:2022 section 7.2) is set to 1 January 2000, so that
    the same picture is written as the same file.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = b"".join(number.to_bytes(2, "big") for number in (2000, 1, 1, 0, 0, 0))
    return bytes(profile)


def to_srgb(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    """An image in mode L, RGB or CMYK as sRGB, in mode L or RGB.

    The profile's perceptual table is used where it has one (LittleCMS' default). A profile that moves no
    colour by more than one level of 255 is sRGB under another name and is skipped, so that lossless files
    are read exactly. A profile that is broken, or meant for another kind of picture, is ignored with a
    warning in the log. CMYK without a usable profile is taken as ideal inks, (1 - ink) * (1 - black).
    """
    if profile:
        try:
            return _transformed(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
            log.warning("%s: its colour profile cannot be used (%s) and is ignored", name, error)
    return image.convert("RGB") if image.mode == "CMYK" else image


def grey_to_srgb(grey: np.ndarray, profile: bytes | None, name: str) -> np.ndarray:
    """Grey float32 (H, W) in [0, 1] as sRGB float32 (H, W, 3), by the tone curve of the profile.

    LittleCMS through Pillow works on 8 bits, so the curve is taken at 256 levels and interpolated
    linearly: no level of a deep picture is lost, the curve itself is good to half a level of 255.
    """
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    curve = to_srgb(ramp, profile, name)
    if curve is ramp:
        return np.repeat(grey[..., None], 3, axis=2)
    table = np.asarray(curve.convert("RGB"), np.float32)[0] / 255
    levels = np.linspace(0, 1, 256)
    return np.stack([np.interp(grey, levels, table[:, c]).astype(np.float32) for c in range(3)], axis=2)


def _transformed(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    if image.mode == "L" and profile[_COLOUR_SPACE] == b"RGB ":
        # A grey picture under an RGB profile: common, and LittleCMS wants three channels for it.
        return _applied(source, image.convert("RGB")) if _moves_colours(source, "RGB") else image
    if image.mode != "CMYK" and not _moves_colours(source, image.mode):
        return image
    return _applied(source, image)


def _moves_colours(source: ImageCms.ImageCmsProfile, mode: str) -> bool:
    if mode == "L":
        probe = np.arange(256, dtype=np.uint8)[None]
        plain = np.repeat(probe[..., None], 3, axis=2)
    else:
        levels = np.linspace(0, 255, _PROBE_LEVELS).round().astype(np.uint8)
        plain = probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    moved = np.asarray(_applied(source, Image.fromarray(probe)), np.int16)
    return bool(np.abs(moved - plain).max() > _SAME_COLOUR)


def _applied(source: ImageCms.ImageCmsProfile, image: Image.Image) -> Image.Image:
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:  # only when asked to work in place
        raise ValueError("no converted image")
    return converted
