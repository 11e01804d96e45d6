"""Color profiles (ICC): from a picture's own to sRGB, and from sRGB to the one that the result carries."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageCms

from nst_tf.errors import InputError
from nst_tf.images.opening import opened_image
from nst_tf.images.pixels import levels_of
from nst_tf.images.tiff import float_tiff, shown_page

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_Conversion = Callable[[Image.Image], Image.Image]

# of a profile's header: ICC.1:2022, section 7.2
_COLOR_SPACE, _CONNECTION_SPACE = slice(16, 20), slice(20, 24)
_CREATION_DATE = slice(24, 36)  # six 16-bit numbers, year first
_UNUSABLE = (ImageCms.PyCMSError, OSError, ValueError, TypeError)  # what Pillow raises for a broken profile
_SAME_COLOR = 1  # levels of 255: what rounding to 8 bits alone can move a color by
_PROBE_LEVELS = 17  # a side of the grid of colors on which a profile is compared with sRGB; 255/16 apart
_BAND = 1 << 22  # pixels that are converted at a time: what that takes beside the picture is 70 MB at most

# ---- from what a file declares to sRGB ----


def color_to_srgb(image: Image.Image, mode: str, profile: bytes | None, name: str) -> np.ndarray:
    """An image, taken as one in ``mode`` RGB or CMYK, as sRGB float32 (H, W, 3) in [0, 1].

    The profile's perceptual table is used where it has one (LittleCMS' default). A profile that moves no
    color by more than one level of 255 is sRGB under another name and is skipped, so that lossless files
    are read exactly. A profile that is broken, or meant for another kind of picture, is ignored with a
    warning in the log. CMYK without a usable profile is taken as ideal inks, (1 - ink) * (1 - black).
    """

    def conversion(source: ImageCms.ImageCmsProfile) -> _Conversion | None:
        return _converter(source, mode) if mode == "CMYK" or _moves_colors(source) else None

    to_srgb = _if_usable(profile, name, conversion)

    def convert(band: Image.Image) -> Image.Image:
        band = band if band.mode == mode else band.convert(mode)
        if to_srgb is not None:
            return to_srgb(band)
        return band if mode == "RGB" else band.convert("RGB")

    return converted_in_bands(image, convert)


def deep_color_to_srgb(
    rgb: np.ndarray, profile: bytes | None, at_8_bits: Callable[[], Image.Image], name: str
) -> np.ndarray:
    """Color of more than 8 bits, float32 (H, W, 3) in [0, 1], as sRGB.

    A profile's curves and matrix are applied in floating point; through tables LittleCMS goes, at 8 bits.
    """
    if not profile or not _if_usable(profile, name, _moves_colors):
        return rgb
    matrix = MatrixProfile.parsed(profile)
    if matrix is not None:
        return converted(rgb, matrix, srgb_matrix_profile())
    log.warning("%s: its color profile has tables, which are applied at 8 bits", name)
    return color_to_srgb(at_8_bits(), "RGB", profile, name)


def grey_to_srgb(grey: np.ndarray, profile: bytes | None, name: str) -> np.ndarray:
    """Grey float32 (H, W) in [0, 1] as sRGB float32 (H, W, 3), by the profile's tone curve.

    The profile may be for grey or, as many programs save it, for RGB. LittleCMS through Pillow works on 8
    bits, so the curve is taken at 256 levels and interpolated linearly between them. Profiles that move
    nothing or cannot be used are treated as :func:`color_to_srgb` treats them.
    """
    levels = np.arange(256, dtype=np.uint8)
    mode = "RGB" if profile and profile[_COLOR_SPACE] == b"RGB " else "L"

    def tone_curve(source: ImageCms.ImageCmsProfile) -> np.ndarray:
        """What the profile makes of every level, (256, 3) in 0..255."""
        # Optimized, LittleCMS replaces the curve by a coarse table: off by 10 levels in the dark for gamma 1.
        convert = _converter(source, mode, flags=ImageCms.Flags.NOOPTIMIZE)
        return np.asarray(convert(Image.fromarray(levels[None]).convert(mode)), np.int16)[0]

    curve = _if_usable(profile, name, tone_curve)
    if curve is None or np.abs(curve - levels[:, None].astype(np.int16)).max() <= _SAME_COLOR:
        return np.repeat(grey[..., None], 3, axis=2)
    channels = [np.interp(grey, levels / 255, curve[:, channel] / 255) for channel in range(3)]
    return np.stack(channels, axis=2).astype(np.float32)


def converted_in_bands(image: Image.Image, convert: _Conversion) -> np.ndarray:
    """The converted image in [0, 1], float32; band by band, so that no 8-bit copy of it takes memory."""
    width, height = image.size
    rows = max(1, _BAND // width)
    one_row = np.asarray(convert(image.crop((0, 0, width, 1))))
    unit = np.empty((height, *one_row.shape[1:]), np.float32)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        levels = np.asarray(convert(image.crop((0, top, width, bottom))))
        np.divide(levels, 255, out=unit[top:bottom], dtype=np.float32)
    return unit


def _moves_colors(source: ImageCms.ImageCmsProfile) -> bool:
    """Whether an RGB profile differs from sRGB: it moves some color by more than a level of 255."""
    levels = np.linspace(0, 255, _PROBE_LEVELS).round().astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    moved = np.asarray(_converter(source, "RGB")(Image.fromarray(probe)), np.int16)
    return bool(np.abs(moved - probe).max() > _SAME_COLOR)


def _converter(
    source: ImageCms.ImageCmsProfile,
    mode: str,
    target: ImageCms.ImageCmsProfile | None = None,
    flags: ImageCms.Flags = ImageCms.Flags.NONE,
) -> _Conversion:
    """A function that converts an image in ``mode`` from ``source`` to RGB in ``target``, sRGB by default."""
    to = target or ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(source, to, mode, "RGB", flags=flags).apply


def _if_usable(profile: bytes | None, name: str, use: Callable[[ImageCms.ImageCmsProfile], _T]) -> _T | None:
    """Apply ``use`` to a picture's profile; None without a profile and, with a warning, for a broken one."""
    if not profile:
        return None
    try:
        return use(ImageCms.ImageCmsProfile(BytesIO(profile)))
    except _UNUSABLE as error:
        log.warning("%s: its color profile cannot be used (%s) and is ignored", name, error)
        return None


# ---- the profile that a result is converted into and carries: sRGB, or one that the user names ----

_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "GRAY": "grey", "Lab": "CIELAB"}
_MOST_BYTES = 255 * 65519  # what JPEG holds: 255 segments of 65533 bytes less 14 (ICC.1:2022, annex B.4)


@cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB (LittleCMS' built-in one), the same bytes every time.

    Its creation date is set to 1 January 2000, so that the same picture is written as the same file.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CREATION_DATE] = b"".join(number.to_bytes(2, "big") for number in (2000, 1, 1, 0, 0, 0))
    return bytes(profile)


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
        """Whether it moves no color by more than a level of 255: then pixels stay as they are."""
        return not self.icc or not _moves_colors(self._profile)

    @cached_property
    def matrix(self) -> MatrixProfile | None:
        """The same as curves and a matrix; None if it has tables instead."""
        return MatrixProfile.parsed(self.icc)

    @cached_property
    def _profile(self) -> ImageCms.ImageCmsProfile:
        return ImageCms.ImageCmsProfile(BytesIO(self.icc))

    @cached_property
    def _from_srgb(self) -> _Conversion:
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        return _converter(srgb, "RGB", self._profile)

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
        return np.asarray(self._from_srgb(Image.fromarray(levels_of(pixels))))

    def check(self, bits: int) -> None:
        """Raise InputError if no result of so many bits can be converted into it."""
        if not self.icc:
            return
        asked = f"record.profile={self.name}"
        reason = f"it has {len(self.icc):,} bytes" if len(self.icc) > _MOST_BYTES else ""
        try:
            _ = self._profile
        except _UNUSABLE:
            reason = "it is damaged, or none at all"
        if reason:
            raise InputError(
                f"{asked} is no ICC profile that can be used ({reason}): give an .icc or .icm file for RGB,"
                " srgb or content"
            )
        space = self.icc[_COLOR_SPACE].decode("latin-1").strip()
        if space != "RGB":
            raise InputError(
                f"{asked} is a profile for {_SPACES.get(space, space)}, and a result is RGB: give a profile"
                " for RGB, or srgb"
            )
        try:
            _ = self._from_srgb, self.is_srgb
        except _UNUSABLE as error:
            raise InputError(
                f"{asked} can't be converted into ({error}): it describes colors that come in, so give the"
                " profile of a working space, a display or a printer"
            ) from error
        if bits == 16 and not self.is_srgb and self.matrix is None:
            raise InputError(
                f"{asked} has tables, through which LittleCMS goes at 8 bits here, and record.bits is 16:"
                " give a profile of curves and a matrix, as Adobe RGB, Display P3 and ProPhoto have, or"
                " record.bits=8"
            )


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
            icc = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"record.profile={name} can't be read ({error.strerror or error})") from error
    if not icc:
        raise InputError(f"record.profile={name} is empty (0 bytes): give the path of an ICC profile")
    return OutputProfile(name, icc)


def profile_of_picture(data: bytes) -> OutputProfile:
    """The profile in the bytes of a picture file, not checked yet; sRGB, as it is taken for, without one."""
    try:
        shown = shown_page(data, "content").data
        if (floats := float_tiff(shown)) is not None:
            icc = floats.profile
        else:
            with opened_image(shown, "content") as image:
                icc = image.info.get("icc_profile")
    except Exception:  # it was decoded already: only an array has no file
        return SRGB
    return OutputProfile("content", icc) if icc else SRGB


# ---- profiles that are three curves and a matrix, applied in floating point ----

_TAG_TABLE = 128  # bytes of the header
_TABLES = (b"A2B0", b"B2A0", b"D2B0", b"B2D0")  # tables go before curves and matrix (section 8.10)
# knots of every curve: one for each level of 16 bits, so that between them a line does
_GRID = np.linspace(0, 1, 65537)
_PARAMETERS = (1, 3, 4, 5, 7)  # of each type of parametric curve, table 68
_FLOAT_BAND = 1 << 20  # pixels converted at a time: bounds the memory for float64
_BLACK = 1e-4  # of full light, a third of the first level of 8 bits: a black above it is moved to black
_SRGB_TO_D50 = np.array(  # B. Lindbloom, "RGB/XYZ matrices", sRGB with reference white D50
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)


@dataclass(frozen=True)
class MatrixProfile:
    """A profile of a display or a working space: linear = curve(encoded), XYZ (D50) = matrix @ linear.

    Attributes:
        matrix: float64 (3, 3); column c is the color of channel c.
        curves: float64 (3, 65537); linear light at evenly spaced encoded values in [0, 1], not falling.
    """

    matrix: np.ndarray
    curves: np.ndarray

    @classmethod
    def parsed(cls, profile: bytes) -> MatrixProfile | None:
        """The profile in an ICC file's bytes; None if it is of another kind, damaged, or lights its black.

        Source: ICC.1:2022 (profile version 4.4), sections 8.3.3, 9.2 and 10.6, 10.18, 10.31.
        """
        try:
            tags = dict(_tags(profile))
            if profile[_COLOR_SPACE] != b"RGB " or profile[_CONNECTION_SPACE] != b"XYZ ":
                return None
            if any(table in tags for table in _TABLES):
                return None
            matrix = np.stack([_xyz(tags[letter + b"XYZ"]) for letter in (b"r", b"g", b"b")], axis=1)
            curves = np.stack([_curve(tags[letter + b"TRC"]) for letter in (b"r", b"g", b"b")])
        except (KeyError, IndexError, ValueError, struct.error):
            return None
        if not np.isfinite(curves).all() or abs(np.linalg.det(matrix)) < np.finfo(np.float32).eps:
            return None
        curves = np.maximum.accumulate(np.clip(curves, 0, 1), axis=1)
        # such a black LittleCMS compensates for, which is more than curves and a matrix
        return cls(matrix, curves) if curves[:, 0].max() <= _BLACK else None


@cache
def srgb_matrix_profile() -> MatrixProfile:
    """SRGB itself, as IEC 61966-2-1 has it, its primaries adapted to D50 by Bradford's matrix.

    An ICC file rounds its numbers to 16 bits of fraction, which opens a gap of 13 levels of 16 bits where the
    straight part of the curve ends.
    """
    curve = _parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return MatrixProfile(_SRGB_TO_D50, np.stack([curve] * 3))


def converted(pixels: np.ndarray, source: MatrixProfile, target: MatrixProfile) -> np.ndarray:
    """Pixels (H, W, 3) in [0, 1], encoded as ``source`` says, encoded as ``target`` says, float32.

    target.curve^-1(clip(target.matrix^-1 @ source.matrix @ source.curve(pixels))): relative colorimetric,
    as LittleCMS does with such profiles; a color that the target can't show is clipped channel by channel.
    """
    between = np.linalg.solve(target.matrix, source.matrix)
    result = np.empty(pixels.shape, np.float32)
    flat, out = pixels.reshape(-1, 3), result.reshape(-1, 3)
    for start in range(0, len(flat), _FLOAT_BAND):
        band = slice(start, start + _FLOAT_BAND)
        linear = np.stack([np.interp(flat[band, c], _GRID, source.curves[c]) for c in range(3)], axis=1)
        linear = np.clip(linear @ between.T, 0, 1)
        for c in range(3):
            out[band, c] = np.interp(linear[:, c], target.curves[c], _GRID)
    return result


def _tags(profile: bytes) -> Iterator[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from(">I", profile, _TAG_TABLE)
    for index in range(min(count, len(profile) // 12)):
        name, start, size = struct.unpack_from(">4sII", profile, _TAG_TABLE + 4 + 12 * index)
        yield name, profile[start : start + size]


def _xyz(tag: bytes) -> np.ndarray:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> np.ndarray:
    """Linear light at the knots."""
    if tag[:4] == b"curv":  # section 10.6
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return _GRID
        values = np.frombuffer(tag, ">u2", count, 12)
        if count == 1:
            return _GRID ** (values[0] / 256)
        return np.interp(_GRID, np.linspace(0, 1, count), values / 65535)
    if tag[:4] == b"para":  # section 10.18
        (kind,) = struct.unpack_from(">H", tag, 8)
        g, *rest = np.array(struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)) / 65536
        return _parametric(kind, g, *rest)
    raise ValueError("no curve")


def _parametric(
    kind: int, g: float, a: float = 1, b: float = 0, c: float = 0, d: float = 0, e: float = 0, f: float = 0
) -> np.ndarray:
    """Table 68: (a x + b)^g + e from a threshold on, c x + f below it."""
    x = _GRID
    if kind == 1:
        d = -b / a
    elif kind == 2:  # its third parameter is added on both sides of the threshold
        c, d, e, f = 0, -b / a, c, c
    power = np.power(np.maximum(a * x + b, 0), g)
    return np.where(x >= d, power + e, c * x + f)
