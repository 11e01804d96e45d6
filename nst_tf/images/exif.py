"""EXIF data of a photograph that its result carries as well."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

from nst_tf.images.opening import is_tiff, opened_image

log = logging.getLogger(__name__)

_KEPT = frozenset(
    {Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.Copyright, Base.Rating}
    | {Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject, Base.ImageDescription}
)
"""Of the picture: all else there says how the file is laid out (strips, depth, thumbnail, other data)."""

_KEPT_OF_THE_PHOTOGRAPH = frozenset(
    {Base.ExposureTime, Base.FNumber, Base.ExposureProgram, Base.ISOSpeedRatings, Base.SensitivityType}
    | {Base.RecommendedExposureIndex, Base.ExifVersion, Base.DateTimeOriginal, Base.DateTimeDigitized}
    | {Base.OffsetTime, Base.OffsetTimeOriginal, Base.OffsetTimeDigitized, Base.SubsecTime}
    | {Base.SubsecTimeOriginal, Base.SubsecTimeDigitized, Base.ShutterSpeedValue, Base.ApertureValue}
    | {Base.BrightnessValue, Base.ExposureBiasValue, Base.MaxApertureValue, Base.SubjectDistance}
    | {Base.MeteringMode, Base.LightSource, Base.Flash, Base.FocalLength, Base.FocalLengthIn35mmFilm}
    | {Base.UserComment, Base.ExposureMode, Base.WhiteBalance, Base.DigitalZoomRatio, Base.SceneCaptureType}
    | {Base.CameraOwnerName, Base.LensSpecification, Base.LensMake, Base.LensModel, Base.SensingMethod}
)
"""Not kept: numbers that single out one camera, lens or file, and MakerNote, in which are offsets into the
old file, and often a small copy of the photograph."""

_UPRIGHT = 1  # EXIF 3.0, tag Orientation: rows from the top, columns from the left
_SRGB, _UNCALIBRATED = 1, 0xFFFF  # values of the tag ColorSpace
_MOST_BYTES = 32_768  # half of what JPEG holds: the other half is for our own words


def carried_exif(data: bytes, name: str, with_place: bool = False) -> Image.Exif:
    """The EXIF data of a picture file that go with its result; empty without any, or if they are damaged.

    Kept are camera, lens, exposure, dates, author, copyright and captions; the place (GPS) only
    ``with_place``. Orientation is 1, for the pixels are turned. Thumbnails, serial numbers and makers' notes
    are dropped. ``name`` stands in the warning that damaged data give.
    """
    kept = Image.Exif()
    try:
        if is_tiff(data):  # whose tags they are, whether Pillow can decode its samples or not
            found = Image.Exif()
            found.load(data)
        else:
            found = opened_image(data, name).getexif()
        _copy(found, kept, _KEPT)
        _keep_letters(kept)
        _copy(found.get_ifd(IFD.Exif), kept.get_ifd(IFD.Exif), _KEPT_OF_THE_PHOTOGRAPH)
        if with_place:
            kept.get_ifd(IFD.GPSInfo).update(found.get_ifd(IFD.GPSInfo))
        if not (len(kept) or kept.get_ifd(IFD.Exif) or kept.get_ifd(IFD.GPSInfo)):
            return Image.Exif()
        kept[Base.Orientation] = _UPRIGHT
        size = len(kept.tobytes())  # damaged values show themselves here
    except Exception as error:  # damaged EXIF raises as many kinds as damaged pixels
        log.warning("%s: its EXIF data are damaged (%s) and are not carried over", name, error)
        return Image.Exif()
    if size > _MOST_BYTES:
        log.warning("%s: its EXIF data have %s bytes, too many to be carried over", name, f"{size:,}")
        return Image.Exif()
    return kept


def exif_of_size(exif: Image.Exif, height: int, width: int, is_srgb: bool) -> Image.Exif:
    """A copy that tells size and color space of the file that it is written to; an empty one stays empty."""
    copy = Image.Exif()
    if not exif:
        return copy
    copy.load(exif.tobytes())
    _keep_letters(copy)
    photograph = copy.get_ifd(IFD.Exif)
    photograph[Base.ExifImageWidth], photograph[Base.ExifImageHeight] = width, height
    photograph[Base.ColorSpace] = _SRGB if is_srgb else _UNCALIBRATED
    return copy


def _keep_letters(exif: Image.Exif) -> None:
    """Texts beyond ASCII as the bytes that the file had: Pillow reads them as Latin-1, and writes '?'."""
    for tag, value in list(exif.items()):
        if isinstance(value, str) and not value.isascii():
            exif[tag] = value.encode("latin-1", "replace")


def _copy(found: MutableMapping[int, Any], kept: MutableMapping[int, Any], tags: frozenset[int]) -> None:
    for tag in sorted(tags & set(found)):
        value = found[tag]
        if value not in ("", b"", ()):
            kept[tag] = value
