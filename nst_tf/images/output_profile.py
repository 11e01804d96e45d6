"""The colour profile that a result is converted into and carries: sRGB, or one that the user names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from nst_tf.errors import InputError
from nst_tf.images.colour import UNUSABLE_PROFILE, moves_colours, srgb_profile
from nst_tf.images.float_tiff import float_tiff
from nst_tf.images.formats import opened_image
from nst_tf.images.levels import levels_of
from nst_tf.images.matrix_profile import MatrixProfile, converted, srgb_matrix_profile
from nst_tf.images.tiff_pages import shown_page

_COLOUR_SPACE = slice(16, 20)  # of a profile's header, ICC.1:2022 section 7.2
_NAMES = {"RGB": "RGB", "CMYK": "CMYK", "GRAY": "grey", "Lab": "CIELAB"}
_MOST_BYTES = 255 * 65519  # what JPEG holds: 255 segments of 65533 bytes less 14 (ICC.1:2022, annex B.4)


@dataclass(frozen=True)
class OutputProfile:
    """An ICC profile for RGB: its bytes, empty for our own sRGB, and the ``name`` that asked for it."""

    name: str = "srgb"
    icc: bytes = b""

    @property
    def embedded(self) -> bytes:
        """The profile as it is written into the file."""
        return self.icc or srgb_profile()

    @cached_property
    def is_srgb(self) -> bool:
        """Whether it moves no colour by more than a level of 255: then pixels stay as they are."""
        return not self.icc or not moves_colours(self._profile)

    @cached_property
    def matrix(self) -> MatrixProfile | None:
        """The same as curves and a matrix; None if it has tables instead."""
        return MatrixProfile.parsed(self.icc)

    def levels(self, pixels: np.ndarray, bits: int) -> np.ndarray:
        """SRGB (H, W, 3) in [0, 1] as this profile encodes it, uint8 or uint16.

        A profile of curves and a matrix is applied in floating point and rounded once, at either depth.
        Through tables LittleCMS goes, by the perceptual one, from 8 bits to 8: Pillow gives it no more.
        """
        if self.is_srgb:
            return levels_of(pixels, bits)
        if self.matrix is not None:
            clipped = np.clip(pixels, 0, 1)
            return levels_of(converted(clipped, srgb_matrix_profile(), self.matrix), bits)
        image = ImageCms.applyTransform(Image.fromarray(levels_of(pixels)), self._transform)
        if image is None:  # only when asked to work in place
            raise ValueError("no converted image")
        return np.asarray(image)

    def check(self, bits: int) -> None:
        """Raise InputError if no result of so many bits can be converted into it."""
        if not self.icc:
            return
        what = f"record.profile={self.name}"
        space = self.icc[_COLOUR_SPACE].decode("latin-1").strip()
        try:
            ImageCms.ImageCmsProfile(BytesIO(self.icc))
            broken: Exception | None = None
        except UNUSABLE_PROFILE as error:
            broken = error
        if broken is not None or len(self.icc) > _MOST_BYTES:
            reason = f"it has {len(self.icc):,} bytes" if broken is None else "it is damaged, or none at all"
            raise InputError(
                f"{what} is no ICC profile that can be used ({reason}): give an .icc or .icm file for RGB,"
                " srgb or content"
            ) from broken
        if space != "RGB":
            raise InputError(
                f"{what} is a profile for {_NAMES.get(space, space)}, and a result is RGB: give a profile for"
                " RGB, or srgb"
            )
        try:
            _ = self._transform, self.is_srgb
        except UNUSABLE_PROFILE as error:
            raise InputError(
                f"{what} can't be converted into ({error}): it describes colours that come in, so give the"
                " profile of a working space, a display or a printer"
            ) from error
        if bits == 16 and not self.is_srgb and self.matrix is None:
            raise InputError(
                f"{what} has tables, through which LittleCMS goes at 8 bits here, and record.bits is 16: give"
                " a profile of curves and a matrix, as Adobe RGB, Display P3 and ProPhoto have, or"
                " record.bits=8"
            )

    @cached_property
    def _profile(self) -> ImageCms.ImageCmsProfile:
        return ImageCms.ImageCmsProfile(BytesIO(self.icc))

    @cached_property
    def _transform(self) -> ImageCms.ImageCmsTransform:
        return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), self._profile, "RGB", "RGB")


SRGB = OutputProfile()
"""What a result has unless told otherwise."""


def profile_from_file(path: Path, name: str) -> OutputProfile:
    """The profile in an ICC file, not checked yet; raises InputError if the file can't be read."""
    try:
        if not path.is_file():
            raise InputError(
                f"record.profile={name} is not a file: give the path of an ICC profile, srgb or content"
            )
        with path.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"record.profile={name} can't be read ({error.strerror or error})") from error
    if not content:
        raise InputError(f"record.profile={name} is empty (0 bytes): give the path of an ICC profile")
    return OutputProfile(name, content)


def profile_of_picture(file: bytes) -> OutputProfile:
    """The profile inside of a picture's file, not checked yet; sRGB if there is none, as it is taken for."""
    try:
        shown = shown_page(file, "content").content
        if (floats := float_tiff(shown)) is not None:
            icc = floats.profile
        else:
            with opened_image(shown, "content") as image:
                icc = image.info.get("icc_profile")
    except Exception:  # it was decoded already: only an array has no file
        return SRGB
    return OutputProfile("content", icc) if icc else SRGB
