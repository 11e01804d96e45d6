"""TIFF files beyond what Pillow reads: which page is the picture, and floating-point samples."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, PLANARCONFIG, PREDICTOR, SAMPLEFORMAT

from nst_tf.errors import InputError
from nst_tf.images.opening import is_tiff
from nst_tf.images.pixels import straight

# ---- which page is the picture: that of a raw picture or a scan may come after a small preview ----

# bits of NewSubfileType: TIFF 6.0, section 8
_REDUCED, _MASK = 1, 4
_OF_A_SENSOR = (PHOTOMETRIC.CFA, PHOTOMETRIC.LINEAR_RAW)  # DNG 1.7

_MUCH_LARGER = 2  # times the pixels of the first page: pages of one scanned document differ by less
_MOST_PAGES = 256  # that are looked at: raw pictures have under ten

_OF_A_PAGE = (Base.ImageWidth, Base.ImageLength, Base.NewSubfileType, Base.PhotometricInterpretation)


class ShownPage(NamedTuple):
    """The bytes of a file whose header points to the page to read, and a note if that is not the first."""

    data: bytes
    note: str | None = None


class _Page(NamedTuple):
    offset: int
    width: int
    height: int
    kind: int
    photometric: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.height} x {self.width} pixels"


def shown_page(data: bytes, name: str | Path) -> ShownPage:
    """The largest page of a TIFF whose first one is a preview of it; else the file as it is.

    A first page is a preview if it says so, or if another has at least twice its pixels; the pages that
    stand below others (SubIFDs), where DNG has its raw picture, count as well.

    Raises InputError where the largest is what a sensor saw, which must be developed first.
    """
    if not is_tiff(data):
        return ShownPage(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the decoder warns of damage
            pages = list(_pages(data))
    except Exception:  # damaged: the decoder says how
        return ShownPage(data)
    pictures = [page for page in pages if not page.kind & _MASK and page.pixels]
    if not pictures or pictures[0] is not pages[0]:
        return ShownPage(data)
    first, largest = pictures[0], max(pictures, key=lambda page: page.pixels)
    is_preview = first.kind & _REDUCED or largest.pixels >= _MUCH_LARGER * first.pixels
    shown = largest if is_preview else first
    if shown.photometric in _OF_A_SENSOR:
        raise InputError(
            f"{name} is a camera's raw picture (DNG or the like), {shown}, which must be"
            " developed: export it from a raw converter as TIFF or JPEG"
        )
    if shown is first:
        return ShownPage(data)
    # TIFF 6.0, section 2, and BigTIFF: the place of the first page stands in the header
    start, size = (8, 8) if _is_big(data) else (4, 4)
    place = shown.offset.to_bytes(size, "little" if data.startswith(b"II") else "big")
    note = f"{name}: its largest page, {shown}, is read; the first is a preview, {first}"
    return ShownPage(data[:start] + place + data[start + size :], note)


def _pages(data: bytes) -> Iterator[_Page]:
    """Every page, and those below it, as far as they can be read."""
    seen = set[int]()
    waiting = [ImageFileDirectory_v2(_header(data)).next]
    while waiting and len(seen) < _MOST_PAGES:
        offset = waiting.pop(0)
        if not 0 < offset < len(data) or offset in seen:
            continue
        seen.add(offset)
        tags = _directory(data, offset)
        yield _Page(offset, *(max(0, _number(tags, tag)) for tag in _OF_A_PAGE))
        waiting += [*_numbers(tags.get(Base.SubIFDs)), *_numbers(tags.next)]


def _is_big(data: bytes) -> bool:
    return b"+" in data[2:4]


def _header(data: bytes) -> bytes:
    return data[: 16 if _is_big(data) else 8]


def _directory(data: bytes, offset: int) -> ImageFileDirectory_v2:
    directory, file = ImageFileDirectory_v2(_header(data)), BytesIO(data)
    file.seek(offset)
    directory.load(file)
    return directory


def _numbers(value: Any) -> tuple[int, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(one for one in values if isinstance(one, int))


def _number(tags: Mapping[int, Any], tag: int, otherwise: int = 0) -> int:
    return (_numbers(tags.get(tag)) or (otherwise,))[0]


# ---- TIFF of floating point samples, of which Pillow reads one channel of 32 bits and no more ----

_DEFLATED = (COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE)
_TYPES = {16: "f2", 32: "f4", 64: "f8"}

# where the first row and the first column of the file are seen: TIFF 6.0, section 8, Orientation
_TURNS: Mapping[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda one: np.rot90(one, 2),
    4: np.flipud,
    5: lambda one: np.swapaxes(one, 0, 1),
    6: lambda one: np.rot90(one, -1),
    7: lambda one: np.swapaxes(np.rot90(one, 2), 0, 1),
    8: np.rot90,
}


def upright(samples: np.ndarray, tags: Mapping[int, Any]) -> np.ndarray:
    """Samples (H, W, ...) as they stand in a TIFF with these tags, turned as its Orientation says."""
    turn = _TURNS.get(_number(tags, Base.Orientation))
    return samples if turn is None else turn(samples)


class FloatTiff(NamedTuple):
    """The first page of a TIFF with floating point samples, not decoded yet."""

    data: bytes
    tags: Mapping[int, Any]
    order: str
    width: int
    height: int

    @property
    def profile(self) -> bytes | None:
        """Its ICC profile."""
        found = self.tags.get(Base.InterColorProfile)
        return found if isinstance(found, bytes) else None


def float_tiff(data: bytes) -> FloatTiff | None:
    """The header of such a TIFF; None for any other file, and for one whose header can't be read."""
    if not is_tiff(data):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the decoder warns of damage
            directory = _directory(data, ImageFileDirectory_v2(_header(data)).next)
            tags = {tag: directory[tag] for tag in directory}
    except Exception:  # damaged: the decoder says how
        return None
    if set(_numbers(tags.get(Base.SampleFormat))) != {SAMPLEFORMAT.IEEEFP}:
        return None
    if _number(tags, Base.SamplesPerPixel, 1) == 1 and _numbers(tags.get(Base.BitsPerSample)) == (32,):
        return None
    order = "<" if data.startswith(b"II") else ">"
    return FloatTiff(data, tags, order, _number(tags, Base.ImageWidth), _number(tags, Base.ImageLength))


@np.errstate(all="ignore")  # damaged data can hold NaN and infinity: the caller checks the values
def float_samples(tiff: FloatTiff, name: str | Path) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Upright samples, float32 (H, W, 1) or (H, W, 3), alpha (H, W) or None, and their bits in the file.

    Values are not checked. Memory is taken for the picture that the header declares, whatever the data
    unpack to.

    Raises InputError for a compression or kind of color that is not read, and ValueError or the like for
    damaged data.
    """
    tags = tiff.tags
    bits, count = set(_numbers(tags.get(Base.BitsPerSample))), _number(tags, Base.SamplesPerPixel, 1)
    photometric = _number(tags, Base.PhotometricInterpretation, PHOTOMETRIC.MINISBLACK)
    colors = 3 if photometric == PHOTOMETRIC.RGB else 1
    compression = _number(tags, Base.Compression, 1)
    known = len(bits) == 1 and bits <= set(_TYPES) and compression in (COMPRESSION.NONE, *_DEFLATED)
    if not known or photometric > PHOTOMETRIC.RGB or not colors <= count <= 16:
        # a damaged file can name thousands
        depth = "/".join(map(str, sorted(bits))) if len(bits) <= count <= 16 else "various numbers of"
        raise InputError(
            f"{name} is a TIFF with {count} floating point samples of {depth} bits, in a form or compression"
            f" ({compression}) are not read: save it as RGB without compression, or with 16 bits a channel"
        )
    (depth,) = bits
    samples = np.empty((tiff.height, tiff.width, count), np.float32)
    for (down, across, channels), block in _blocks(tiff, np.dtype(f"{tiff.order}{_TYPES[depth]}"), count):
        place = samples[down : down + block.shape[0], across : across + block.shape[1], channels]
        place[...] = block[: place.shape[0], : place.shape[1]]
    meaning = (*_numbers(tags.get(Base.ExtraSamples)), 0)[0] if count > colors else 0
    has_alpha = meaning in (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA)
    alpha = np.clip(samples[..., colors], 0, 1) if has_alpha else None
    color = samples[..., :colors]
    if alpha is not None and meaning == EXTRASAMPLE.ASSOCALPHA:
        color = straight(color, alpha)
    if photometric == PHOTOMETRIC.MINISWHITE:
        color = 1 - color
    alpha = None if alpha is None else np.ascontiguousarray(upright(alpha, tags))
    return np.ascontiguousarray(upright(color, tags), np.float32), alpha, depth


def _blocks(tiff: FloatTiff, kind: np.dtype, count: int) -> Iterator[tuple[tuple[int, int, Any], np.ndarray]]:
    """Place and samples [rows, columns, channels] of every strip or tile; ValueError for damaged ones."""
    tags = tiff.tags
    is_tiled = Base.TileOffsets in tags
    if is_tiled:
        width, rows = _number(tags, Base.TileWidth), _number(tags, Base.TileLength)
        offsets, sizes = _numbers(tags[Base.TileOffsets]), _numbers(tags.get(Base.TileByteCounts))
    else:
        width, rows = tiff.width, min(_number(tags, Base.RowsPerStrip, tiff.height), tiff.height)
        offsets, sizes = _numbers(tags.get(Base.StripOffsets)), _numbers(tags.get(Base.StripByteCounts))
    if min(width, rows) < 1 or width > 2 * tiff.width + 1024 or rows > 2 * tiff.height + 1024:
        raise ValueError(f"tiles of {rows} x {width} pixels")
    across, down = math.ceil(tiff.width / width), math.ceil(tiff.height / rows)
    apart = _number(tags, Base.PlanarConfiguration, 1) == PLANARCONFIG.SEPARATE
    planes, together = (count, 1) if apart else (1, count)
    if not len(offsets) == len(sizes) == across * down * planes:
        raise ValueError(f"{len(offsets)} strips or tiles where {across * down * planes} are expected")
    for index, (offset, size) in enumerate(zip(offsets, sizes, strict=True)):
        plane, place = divmod(index, across * down)
        top, left = place // across * rows, place % across * width
        height = rows if is_tiled else min(rows, tiff.height - top)
        data = _unpacked(tiff, offset, size, height * width * together * kind.itemsize)
        block = _without_predictor(tiff, data, (height, width, together), kind)
        yield (top, left, slice(plane, plane + 1) if apart else slice(None)), block


def _unpacked(tiff: FloatTiff, offset: int, size: int, expected: int) -> bytes:
    """A strip or tile decompressed to ``expected`` bytes, and no further, however much it holds."""
    data = tiff.data[offset : offset + size]
    if _number(tiff.tags, Base.Compression) in _DEFLATED:
        data = zlib.decompressobj().decompress(data, expected)
    if len(data) < expected:
        raise ValueError(f"{len(data)} bytes of samples where {expected} are expected")
    return data[:expected]


def _without_predictor(
    tiff: FloatTiff, data: bytes, shape: tuple[int, int, int], kind: np.dtype
) -> np.ndarray:
    """Samples from their differences: TIFF 6.0, section 14, and Adobe's technical note 3 (TIFF, 2005)."""
    predictor = _number(tiff.tags, Base.Predictor, 1)
    rows, columns, channels = shape
    if predictor == PREDICTOR.HORIZONTAL:
        whole = np.frombuffer(data, f"{tiff.order}u{kind.itemsize}").reshape(shape)
        return np.cumsum(whole, axis=1, dtype=f"u{kind.itemsize}").view(kind.newbyteorder("="))
    if predictor == PREDICTOR.FLOATINGPOINT:
        # a row holds the first bytes of all its samples, then the second ones, each less its neighbour
        stored = np.frombuffer(data, np.uint8).reshape(rows, kind.itemsize * columns, channels)
        planes = np.cumsum(stored, axis=1, dtype=np.uint8).reshape(rows, kind.itemsize, columns * channels)
        most_significant_first = np.ascontiguousarray(planes.transpose(0, 2, 1))
        return most_significant_first.view(kind.newbyteorder(">")).reshape(shape)
    return np.frombuffer(data, kind).reshape(shape)
