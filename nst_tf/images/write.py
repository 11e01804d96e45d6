"""Writing pictures, with texts that tell how they came about: each wholly or not at all."""

from __future__ import annotations

import json
import re
import struct
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import png
import tifffile
from PIL import Image, PngImagePlugin, TiffImagePlugin
from PIL.ExifTags import IFD, Base

from nst_tf.errors import InputError, require
from nst_tf.files import written_atomically
from nst_tf.images.exif import exif_of_size
from nst_tf.images.icc import SRGB, OutputProfile
from nst_tf.images.opening import opened, read_data
from nst_tf.images.pixels import levels_of, over_white, rounded, without_white

# the suffixes that can be written, in lower case, and Pillow's names of their formats
_FORMAT_OF_SUFFIX: Mapping[str, str] = {
    **{".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"},
    **{".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"},
}

_LONGEST_SIDE = {
    "JPEG": 65500,  # JPEG_MAX_DIMENSION in libjpeg's jmorecfg.h
    "WEBP": 16383,  # WEBP_MAX_DIMENSION in libwebp's encode.h
}
_KEY = re.compile(r"[!-~]([ -~]{0,77}[!-~])?")  # a keyword of PNG's text chunks (1 to 79 bytes), ASCII alone


@dataclass(frozen=True)
class FileForm:
    """What a picture's file is besides its pixels: bits a channel, color profile, EXIF data."""

    bits: int = 8
    profile: OutputProfile = SRGB
    exif: Image.Exif = field(default_factory=Image.Exif)


def check_suffix(path: str | Path) -> str:
    """Pillow's name of the format of the path's suffix; raises InputError for one that is not written."""
    suffix = Path(path).suffix
    if suffix.lower() not in _FORMAT_OF_SUFFIX:
        raise InputError(
            f"{path} has the suffix {suffix!r}: a picture is written as .png, .jpg (.jpeg), .webp or "
            ".tif (.tiff)"
        )
    return _FORMAT_OF_SUFFIX[suffix.lower()]


def check_bits(path: str | Path, bits: int) -> None:
    """Raise InputError for a depth that can't be written, or not in the format of the path's suffix."""
    require(bits in (8, 16), "record.bits", bits, "8 or 16")
    image_format = check_suffix(path)
    if bits == 16 and image_format not in ("PNG", "TIFF"):
        raise InputError(
            f"record.bits=16 can't be kept in {path}, for {image_format} has 8 bits a channel: choose a"
            " record.picture that ends in .png or .tif"
        )


def holds_alpha(path: str | Path) -> bool:
    """Whether the format of the path's suffix holds transparency; InputError for an unknown suffix."""
    return check_suffix(path) != "JPEG"


def longest_side(path: str | Path) -> int | None:
    """The most pixels of a side in the format of the path's suffix, InputError for an unknown one.

    None without limit.
    """
    return _LONGEST_SIDE.get(check_suffix(path))


def write_picture(
    path: str | Path,
    pixels: np.ndarray,
    metadata: Mapping[str, str] | None = None,
    alpha: np.ndarray | None = None,
    form: FileForm | None = None,
) -> None:
    """Write a picture in the format of the path's suffix, atomically, with its color profile embedded.

    The same arguments give the same bytes. PNG and TIFF (deflate) are lossless; JPEG has quality 95 without
    chroma subsampling, WebP quality 95. An existing file is replaced.

    Args:
        path: ends in .png, .jpg, .jpeg, .webp, .tif or .tiff, in any case; its folder exists.
        pixels: RGB (H, W, 3), sRGB, clipped to [0, 1], as :func:`nst_tf.images.pixels.rounded` rounds them.
        metadata: texts kept in the file, for :func:`read_metadata`. PNG: a text chunk each (tEXt, or iTXt
            beyond Latin-1). JPEG, WebP and TIFF: all as ASCII JSON in the tag ImageDescription, where a
            description in the EXIF data stands beside them.
        alpha: opacity (H, W) in [0, 1], or None. JPEG has none: the picture is laid over white.
        form: depth, profile (which must have been checked) and EXIF data; None is 8 bits, sRGB and none.

    Raises:
        InputError: an unknown suffix, a shape other than these, a value that is not finite, a side, depth or
            metadata beyond what the format holds, or a file that the system does not let us write.
    """
    path, form = Path(path), form or FileForm()
    check_bits(path, form.bits)
    image_format = check_suffix(path)
    levels = _levels(pixels, alpha, form, with_alpha=holds_alpha(path))
    height, width = levels.shape[:2]
    longest = longest_side(path)
    if longest is not None and max(height, width) > longest:
        raise InputError(
            f"{path} cannot hold {height} x {width} pixels, for a side of a "
            f"{image_format} picture has at most {longest}: write .png"
        )
    metadata = metadata or {}
    for key, text in metadata.items():
        if not _KEY.fullmatch(key):
            raise InputError(f"a metadata key has 1 to 79 printable ASCII characters, received {key!r}")
        if not isinstance(text, str) or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise InputError(f"metadata are texts of valid Unicode, received {text!r} for {key!r}")
    exif, icc = exif_of_size(form.exif, height, width, form.profile.is_srgb), form.profile.embedded
    try:
        with written_atomically(path) as temporary:
            if image_format == "PNG":
                _save_png(temporary, levels, icc, metadata, exif)
            elif image_format == "TIFF":
                _save_tiff(temporary, levels, icc, _description(metadata, exif), exif)
            else:
                _save_jpeg_or_webp(temporary, image_format, levels, icc, _description(metadata, exif), exif)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} cannot be written ({reason}): give a path in an existing folder that you may write to"
        ) from error


def png_of(pixels: np.ndarray, alpha: np.ndarray | None = None) -> bytes:
    """The bytes of a PNG file with these pixels (H, W, 3) laid over white, and opacity (H, W).

    It has 8 bits a channel where these hold every value exactly, else 16.
    """
    fits = alpha is None and np.array_equal(rounded(pixels), pixels)
    colors = pixels if alpha is None else without_white(pixels, alpha)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        write_picture(path, colors, alpha=alpha, form=FileForm(8 if fits else 16))
        return path.read_bytes()


def read_metadata(path: str | Path) -> dict[str, str]:
    """The texts that :func:`write_picture` stored in a file; empty if it holds none.

    Of a PNG from elsewhere these are all its text chunks.

    Raises:
        InputError: as :func:`nst_tf.images.read.read_picture`, as far as the header goes.
    """
    path = Path(path)
    with opened(read_data(path), path) as image:
        if isinstance(image, PngImagePlugin.PngImageFile):
            return {str(key): str(text) for key, text in image.text.items()}
        description = image.getexif().get(Base.ImageDescription)
    try:
        texts = json.loads(description) if isinstance(description, str) else None
    except (ValueError, RecursionError):  # another program's
        return {}
    if not isinstance(texts, dict):
        return {}
    return {key: text for key, text in texts.items() if isinstance(text, str)}


def _levels(pixels: np.ndarray, alpha: np.ndarray | None, form: FileForm, with_alpha: bool) -> np.ndarray:
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


# ---- each format by the library that holds the most of it ----

_SAVE_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    # 95 is the highest quality that Pillow's documentation advises; subsampling 0 keeps full color
    # resolution, for a stylized picture has fine colored strokes.
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "exact": True},  # exact: color under transparent pixels is kept
}
_MOST_JPEG_EXIF = 65533  # bytes: a JPEG segment's 16-bit length counts its own two bytes
_OWN_DESCRIPTION = "description"  # of the content picture, beside our texts in the tag ImageDescription
_ASCII, _SHORT, _LONG = 2, 3, 4  # types of TIFF 6.0, section 2
_ENTRY = "<HHII"  # tag, type, count, value or where it is; the same section
_TEXTS = (Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.Copyright)
_FIRST_DIRECTORY = 4  # where the header says where it is


def _description(metadata: Mapping[str, str], exif: Image.Exif) -> str | None:
    if not metadata:
        return None
    own = exif.get(Base.ImageDescription)
    if isinstance(own, bytes):  # letters beyond ASCII, as any program wrote them
        own = own.decode("utf-8", "replace")
    extra = {_OWN_DESCRIPTION: own} if isinstance(own, str) and _OWN_DESCRIPTION not in metadata else {}
    return json.dumps({**metadata, **extra})  # ASCII: the tag's own type


def _save_jpeg_or_webp(
    path: Path, image_format: str, levels: np.ndarray, icc: bytes, description: str | None, exif: Image.Exif
) -> None:
    if description is not None:
        exif[Base.ImageDescription] = description
    encoded = exif.tobytes() if exif else b""
    if image_format == "JPEG" and len(encoded) > _MOST_JPEG_EXIF:
        raise InputError(
            f"{path} cannot hold {len(encoded):,} bytes of metadata, for JPEG has room for "
            f"{_MOST_JPEG_EXIF:,}: write .png"
        )
    options = {**_SAVE_OPTIONS[image_format], **({"exif": encoded} if encoded else {})}
    Image.fromarray(levels).save(path, image_format, icc_profile=icc, **options)


def _save_png(
    path: Path, levels: np.ndarray, icc: bytes, metadata: Mapping[str, str], exif: Image.Exif
) -> None:
    notes = PngImagePlugin.PngInfo()
    for key, text in metadata.items():
        notes.add_text(key, text)  # falls back to iTXt by itself
    if levels.dtype == np.uint8:
        options = {"exif": exif.tobytes()} if exif else {}
        Image.fromarray(levels).save(path, "PNG", icc_profile=icc, pnginfo=notes, **options)
        return
    # Pillow writes no color of 16 bits; pypng does, and leaves these chunks (PNG 3, section 11.3) to us
    height, width, channels = levels.shape
    encoded = BytesIO()
    color: Any = False  # the library's own annotation says otherwise
    writer = png.Writer(width, height, greyscale=color, alpha=channels == 4, bitdepth=16)
    writer.write_packed(encoded, (row.tobytes() for row in levels.astype(">u2")))
    header, *rest = png.Reader(bytes=encoded.getvalue()).chunks()
    chunks = [header, (b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))]
    chunks += [(name, content) for name, content, *_ in notes.chunks]
    if exif:
        chunks.append((b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    with path.open("wb") as file:
        png.write_chunks(file, [*chunks, *rest])


def _save_tiff(path: Path, levels: np.ndarray, icc: bytes, description: str | None, exif: Image.Exif) -> None:
    """Deflated, with the predictor that takes differences of neighbours.

    By tifffile: Pillow writes no color of 16 bits, nor the data of the photograph into a compressed file.
    """
    own: list[Any] = [
        (tag, _ASCII, None, text, True)
        for tag, text in sorted(exif.items())
        if tag in _TEXTS and isinstance(text, (str, bytes))
    ]
    if Base.Orientation in exif:
        own.append((Base.Orientation, _SHORT, 1, exif[Base.Orientation], True))
    tifffile.imwrite(
        path,
        levels,
        byteorder="<",
        photometric="rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if levels.shape[2] == 4 else None,
        compression="zlib",
        predictor=True,
        iccprofile=icc,
        description=description,
        metadata=None,
        software=False,
        extratags=own,
    )
    below = {int(tag): dict(ifd) for tag in (IFD.Exif, IFD.GPSInfo) if (ifd := exif.get_ifd(tag))}
    if below:
        _append_directories(path, below)


def _append_directories(path: Path, below: Mapping[int, Mapping[int, Any]]) -> None:
    """Put directories of EXIF data, by the tag that points there, at the end of a little-endian TIFF.

    tifffile writes none. The picture's own directory, whose entries have absolute offsets, follows them,
    longer by these tags, and the file's header points to it.
    """
    with path.open("r+b") as file:
        pointers = b""
        for tag, entries in below.items():
            directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
            for key, value in entries.items():
                directory[key] = value
            start = _even_end(file)
            file.write(directory.tobytes(start))
            pointers += struct.pack(_ENTRY, tag, _LONG, 1, start)
        file.seek(_FIRST_DIRECTORY)
        file.seek(*struct.unpack("<I", file.read(4)))
        (count,) = struct.unpack("<H", file.read(2))
        entries = file.read(count * struct.calcsize(_ENTRY)) + pointers
        ordered = b"".join(
            struct.pack(_ENTRY, *entry) for entry in sorted(struct.iter_unpack(_ENTRY, entries))
        )
        start = _even_end(file)
        file.write(struct.pack("<H", count + len(below)) + ordered + struct.pack("<I", 0))
        file.seek(_FIRST_DIRECTORY)
        file.write(struct.pack("<I", start))


def _even_end(file: BinaryIO) -> int:
    """Go to the end of the file, made even, as directories begin (TIFF 6.0, section 2)."""
    if file.seek(0, SEEK_END) % 2:
        file.write(b"\0")
    return file.tell()
