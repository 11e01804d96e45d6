"""Levels, profile and notes as the bytes of a file: each format by the library that holds the most of it."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import png
import tifffile
from PIL import Image, PngImagePlugin, TiffImagePlugin
from PIL.ExifTags import IFD, Base

from nst_tf.errors import InputError
from nst_tf.images.exif import is_filled

_SAVE_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    # 95 is the highest quality that Pillow's documentation advises; subsampling 0 keeps full colour
    # resolution, for a stylized picture has fine coloured strokes.
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "exact": True},  # exact: colour under transparent pixels is kept
}
_MOST_JPEG_EXIF = 65533  # bytes: a JPEG segment's 16-bit length counts its own two bytes
_OWN_DESCRIPTION = "description"  # of the content picture, beside our texts in the tag ImageDescription
_ASCII, _SHORT, _LONG = 2, 3, 4  # types of TIFF 6.0, section 2
_ENTRY = "<HHII"  # tag, type, count, value or where it is; the same section
_TEXTS = (Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.Copyright)
_FIRST_DIRECTORY = 4  # where the header says where it is


def save(
    path: Path,
    image_format: str,
    levels: np.ndarray,
    icc: bytes,
    metadata: Mapping[str, str],
    exif: Image.Exif,
) -> None:
    """Write ``levels``, (H, W, 3) or (H, W, 4), uint8 or, for PNG and TIFF, uint16, to ``path``.

    Texts in ``metadata`` are checked already. PNG: a text chunk each. JPEG, WebP and TIFF: all as ASCII JSON
    in the tag ImageDescription, where a description in ``exif`` stands beside them.

    Raises:
        InputError: more metadata than the format holds.
        OSError: the file can't be written.
    """
    if image_format == "PNG":
        _save_png(path, levels, icc, metadata, exif)
        return
    described = _described(metadata, exif)
    if image_format == "TIFF":
        _save_tiff(path, levels, icc, described, exif)
        return
    if described is not None:
        exif[Base.ImageDescription] = described
    content = exif.tobytes() if is_filled(exif) else b""
    if image_format == "JPEG" and len(content) > _MOST_JPEG_EXIF:
        raise InputError(
            f"{path} cannot hold {len(content):,} bytes of metadata, for JPEG has room for "
            f"{_MOST_JPEG_EXIF:,}: write .png"
        )
    options = {**_SAVE_OPTIONS[image_format], **({"exif": content} if content else {})}
    Image.fromarray(levels).save(path, image_format, icc_profile=icc, **options)


def texts_of(description: object) -> dict[str, str]:
    """The texts in a tag ImageDescription that :func:`save` wrote; empty for another program's."""
    try:
        texts = json.loads(description) if isinstance(description, str) else None
    except (ValueError, RecursionError):
        return {}
    return (
        {key: text for key, text in texts.items() if isinstance(text, str)} if isinstance(texts, dict) else {}
    )


def _described(metadata: Mapping[str, str], exif: Image.Exif) -> str | None:
    if not metadata:
        return None
    own = exif.get(Base.ImageDescription)
    if isinstance(own, bytes):  # letters beyond ASCII, as any program wrote them
        own = own.decode("utf-8", "replace")
    extra = {_OWN_DESCRIPTION: own} if isinstance(own, str) and _OWN_DESCRIPTION not in metadata else {}
    return json.dumps({**metadata, **extra})  # ASCII: the tag's own type


def _save_png(
    path: Path, levels: np.ndarray, icc: bytes, metadata: Mapping[str, str], exif: Image.Exif
) -> None:
    notes = PngImagePlugin.PngInfo()
    for key, text in metadata.items():
        notes.add_text(key, text)  # falls back to iTXt by itself
    if levels.dtype == np.uint8:
        options = {"exif": exif.tobytes()} if is_filled(exif) else {}
        Image.fromarray(levels).save(path, "PNG", icc_profile=icc, pnginfo=notes, **options)
        return
    # Pillow writes no colour of 16 bits; pypng does, and leaves these chunks (PNG 3, section 11.3) to us
    height, width, channels = levels.shape
    encoded = BytesIO()
    colour: Any = False  # the library's own annotation says otherwise
    writer = png.Writer(width, height, greyscale=colour, alpha=channels == 4, bitdepth=16)
    writer.write_packed(encoded, (row.tobytes() for row in levels.astype(">u2")))
    header, *rest = png.Reader(bytes=encoded.getvalue()).chunks()
    chunks = [header, (b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))]
    chunks += [(name, content) for name, content, *_ in notes.chunks]
    if is_filled(exif):
        chunks.append((b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    with path.open("wb") as file:
        png.write_chunks(file, [*chunks, *rest])


def _save_tiff(path: Path, levels: np.ndarray, icc: bytes, described: str | None, exif: Image.Exif) -> None:
    """Deflated, with the predictor that takes differences of neighbours.

    By tifffile: Pillow writes no colour of 16 bits, nor the data of the photograph into a compressed file.
    """
    own: list[Any] = [
        (tag, _ASCII, None, text, True) for tag, text in sorted(exif.items()) if _is_text(tag, text)
    ]
    if Base.Orientation in exif:
        own.append((Base.Orientation, _SHORT, 1, exif[Base.Orientation], True))
    below = {int(tag): dict(ifd) for tag in (IFD.Exif, IFD.GPSInfo) if (ifd := exif.get_ifd(tag))}
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
        description=described,
        metadata=None,
        software=False,
        extratags=own,
    )
    if below:
        _append_directories(path, below)


def _is_text(tag: int, value: Any) -> bool:
    """Whether an entry is one of the texts that tifffile is given; the description is ours to write."""
    return isinstance(value, (str, bytes)) and tag in _TEXTS


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
