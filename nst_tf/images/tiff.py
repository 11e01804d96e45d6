"""TIFF files beyond what Pillow reads: pages, and floating-point samples."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from nst_tf.errors import InputError
from nst_tf.images.opening import is_tiff

# ----------------------------------------------------------------------------
# TIFF of floating point samples, of which Pillow reads one channel of 32 bits and no more.

# tags of TIFF 6.0: section 8, predictors 14, tiles 15, and 339 of section 19
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _ORIENTATION = 256, 257, 258, 259, 262, 273, 274
_SAMPLES, _ROWS, _COUNTS, _PLANAR, _PREDICTOR = 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _FORMAT = 322, 323, 324, 325, 338, 339
_PROFILE = 34675
# values of them
_FLOATS, _UNCOMPRESSED, _DEFLATED, _APART, _ASSOCIATED, _UNASSOCIATED = 3, 1, (8, 32946), 2, 1, 2
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_DIFFERENCES, _DIFFERENCES_OF_BYTES = 2, 3
_TYPES = {16: "f2", 32: "f4", 64: "f8"}

_TURNS = {  # TIFF 6.0, section 8: where the first row and the first column of the file are
    2: np.fliplr,
    3: lambda one: np.rot90(one, 2),
    4: np.flipud,
    5: lambda one: np.swapaxes(one, 0, 1),
    6: lambda one: np.rot90(one, -1),
    7: lambda one: np.swapaxes(np.rot90(one, 2), 0, 1),
    8: np.rot90,
}


class FloatTiff(NamedTuple):
    """The first page of a TIFF with floating point samples, not decoded yet."""

    content: bytes
    tags: Mapping[int, Any]
    order: str
    width: int
    height: int

    @property
    def profile(self) -> bytes | None:
        """Its ICC profile."""
        found = self.tags.get(_PROFILE)
        return found if isinstance(found, bytes) else None


class Floats(NamedTuple):
    """Upright samples, float32 (H, W, 1) or (H, W, 3), and alpha (H, W) or None; nothing is checked."""

    samples: np.ndarray
    alpha: np.ndarray | None
    bits: int


def float_tiff(content: bytes) -> FloatTiff | None:
    """The header of such a TIFF; None for any other file, and for one whose header can't be read."""
    if not is_tiff(content):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # who decodes the file tells of its damages
            known = _tags(content)
    except Exception:  # damaged: whoever decodes it otherwise says of what kind
        return None
    if set(_numbers(known.get(_FORMAT))) != {_FLOATS}:
        return None
    if _number(known, _SAMPLES, 1) == 1 and _numbers(known.get(_BITS)) == (32,):
        return None
    width, height = _number(known, _WIDTH), _number(known, _HEIGHT)
    return FloatTiff(content, known, "<" if content.startswith(b"II") else ">", width, height)


@np.errstate(all="ignore")  # any bytes are numbers to floating point: who takes them looks at what came
def decoded_floats(tiff: FloatTiff, name: str | Path) -> Floats:
    """Decode it; memory is taken for the picture that its header declares, whatever its data unpack to.

    Raises InputError for a compression or kind of color that is not read, and ValueError or the like for
    damaged data.
    """
    tags = tiff.tags
    bits, count = set(_numbers(tags.get(_BITS))), _number(tags, _SAMPLES, 1)
    colors = 3 if _number(tags, _PHOTOMETRIC, _BLACK_IS_ZERO) == _RGB else 1
    compression = _number(tags, _COMPRESSION, _UNCOMPRESSED)
    known = len(bits) == 1 and bits <= set(_TYPES) and compression in (_UNCOMPRESSED, *_DEFLATED)
    if not known or _number(tags, _PHOTOMETRIC, _BLACK_IS_ZERO) > _RGB or not colors <= count <= 16:
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
    meaning = (*_numbers(tags.get(_EXTRA)), 0)[0] if count > colors else 0
    has_alpha = meaning in (_ASSOCIATED, _UNASSOCIATED)
    alpha = np.clip(samples[..., colors], 0, 1) if has_alpha else None
    color = samples[..., :colors]
    if alpha is not None and meaning == _ASSOCIATED:
        color = np.minimum(color / np.where(alpha > 0, alpha, 1)[..., None], 1)
    if _number(tags, _PHOTOMETRIC, _BLACK_IS_ZERO) == _WHITE_IS_ZERO:
        color = 1 - color
    turn = _TURNS.get(_number(tags, _ORIENTATION, 1), lambda one: one)
    return Floats(
        np.ascontiguousarray(turn(color), np.float32),
        None if alpha is None else np.ascontiguousarray(turn(alpha)),
        depth,
    )


def _tags(content: bytes) -> dict[int, Any]:
    directory = ImageFileDirectory_v2(content[: 16 if b"+" in content[2:4] else 8])
    file = BytesIO(content)
    file.seek(directory.next)
    directory.load(file)
    return {tag: directory[tag] for tag in directory}


def _blocks(tiff: FloatTiff, kind: np.dtype, count: int) -> Iterator[tuple[tuple[int, int, Any], np.ndarray]]:
    """Place and samples [rows, columns, channels] of every strip or tile; ValueError for damaged ones."""
    tags = tiff.tags
    tiled = _TILE_OFFSETS in tags
    width = _number(tags, _TILE_WIDTH) if tiled else tiff.width
    rows = _number(tags, _TILE_HEIGHT) if tiled else min(_number(tags, _ROWS, tiff.height), tiff.height)
    offsets = _numbers(tags.get(_TILE_OFFSETS if tiled else _OFFSETS))
    sizes = _numbers(tags.get(_TILE_COUNTS if tiled else _COUNTS))
    apart = _number(tags, _PLANAR, 1) == _APART
    if min(width, rows) < 1 or width > 2 * tiff.width + 1024 or rows > 2 * tiff.height + 1024:
        raise ValueError(f"tiles of {rows} x {width} pixels")
    across, down = math.ceil(tiff.width / width), math.ceil(tiff.height / rows)
    planes, together = (count, 1) if apart else (1, count)
    if not len(offsets) == len(sizes) == across * down * planes:
        raise ValueError(f"{len(offsets)} strips or tiles where {across * down * planes} are expected")
    for index, (offset, size) in enumerate(zip(offsets, sizes, strict=True)):
        plane, place = divmod(index, across * down)
        top, left = place // across * rows, place % across * width
        height = rows if tiled else min(rows, tiff.height - top)
        data = _unpacked(tiff, offset, size, height * width * together * kind.itemsize)
        block = _without_predictor(tiff, data, (height, width, together), kind)
        yield (top, left, slice(plane, plane + 1) if apart else slice(None)), block


def _unpacked(tiff: FloatTiff, offset: int, size: int, expected: int) -> bytes:
    """So many bytes and no more, however many the file holds."""
    data = tiff.content[offset : offset + size]
    if _number(tiff.tags, _COMPRESSION, _UNCOMPRESSED) in _DEFLATED:
        data = zlib.decompressobj().decompress(data, expected)
    if len(data) < expected:
        raise ValueError(f"{len(data)} bytes of samples where {expected} are expected")
    return data[:expected]


def _without_predictor(
    tiff: FloatTiff, data: bytes, shape: tuple[int, int, int], kind: np.dtype
) -> np.ndarray:
    """Samples from their differences: TIFF 6.0, section 14, and Adobe's technical note 3 (TIFF, 2005)."""
    predictor = _number(tiff.tags, _PREDICTOR, 1)
    rows, columns, channels = shape
    if predictor == _DIFFERENCES:
        whole = np.frombuffer(data, f"{tiff.order}u{kind.itemsize}").reshape(shape)
        return np.cumsum(whole, axis=1, dtype=f"u{kind.itemsize}").view(kind.newbyteorder("="))
    if predictor == _DIFFERENCES_OF_BYTES:
        # a row holds the first bytes of all its samples, then the second ones, each less its neighbour
        stored = np.frombuffer(data, np.uint8).reshape(rows, kind.itemsize * columns, channels)
        planes = np.cumsum(stored, axis=1, dtype=np.uint8).reshape(rows, kind.itemsize, columns * channels)
        most_significant_first = np.ascontiguousarray(planes.transpose(0, 2, 1))
        return most_significant_first.view(kind.newbyteorder(">")).reshape(shape)
    return np.frombuffer(data, kind).reshape(shape)


def _numbers(value: Any) -> tuple[int, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(one for one in values if isinstance(one, int))


def _number(tags: Mapping[int, Any], tag: int, otherwise: int = 0) -> int:
    return (_numbers(tags.get(tag)) or (otherwise,))[0]


# ----------------------------------------------------------------------------
# Which page of a TIFF is its picture: that of a raw picture or a scan may come after a small preview.

# tags of TIFF 6.0, section 8; of Adobe's technical note 1 (SubIFDs)
_SUBFILE, _SUB_IFDS = 254, 330
_REDUCED, _MASK = 1, 4  # bits of _SUBFILE
_OF_A_SENSOR = (32803, 34892)  # values of _PHOTOMETRIC in DNG 1.7: color filter array, linear raw

_MUCH_LARGER = 2  # times the pixels of the first page: pages of one scanned document differ by less
_MOST_PAGES = 256  # that are looked at: raw pictures have under ten


class ShownPage(NamedTuple):
    """The bytes of a file with the page that is to be read as its first, and a note of why another is not."""

    content: bytes
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


def shown_page(content: bytes, name: str | Path) -> ShownPage:
    """The largest page of a TIFF whose first one is a preview of it; else the file as it is.

    A first page is a preview if it says so, or if another has at least twice its pixels; the pages that
    stand below others (SubIFDs), where DNG has its raw picture, count as well.

    Raises InputError where the largest is what a sensor saw, which must be developed first.
    """
    if not is_tiff(content):
        return ShownPage(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # who decodes the file tells of its damages
            pages = list(_pages(content))
    except Exception:  # damaged: the decoder says of what kind
        return ShownPage(content)
    pictures = [page for page in pages if not page.kind & _MASK and page.pixels]
    if not pictures or pictures[0] is not pages[0]:
        return ShownPage(content)
    first, largest = pictures[0], max(pictures, key=lambda page: page.pixels)
    is_preview = first.kind & _REDUCED or largest.pixels >= _MUCH_LARGER * first.pixels
    shown = largest if is_preview else first
    if shown.photometric in _OF_A_SENSOR:
        raise InputError(
            f"{name} is a camera's raw picture (DNG or the like), {_size(shown)}, which must be"
            " developed: export it from a raw converter as TIFF or JPEG"
        )
    if shown is first:
        return ShownPage(content)
    note = f"{name}: its largest page, {_size(shown)}, is read; the first is a preview, {_size(first)}"
    return ShownPage(_beginning_with(content, shown.offset), note)


def _pages(content: bytes) -> Iterator[_Page]:
    """Every page, and those below it, as far as they can be read."""
    header = content[: 16 if _is_big(content) else 8]
    file, seen = BytesIO(content), set[int]()
    waiting = [ImageFileDirectory_v2(header).next]
    while waiting and len(seen) < _MOST_PAGES:
        offset = waiting.pop(0)
        if not 0 < offset < len(content) or offset in seen:
            continue
        seen.add(offset)
        file.seek(offset)
        directory = ImageFileDirectory_v2(header)
        directory.load(file)
        numbers = (_positive(directory.get(tag)) for tag in (_WIDTH, _HEIGHT, _SUBFILE, _PHOTOMETRIC))
        yield _Page(offset, *numbers)
        below = directory.get(_SUB_IFDS)
        below = below if isinstance(below, tuple) else (below,)
        waiting += [one for one in (*below, directory.next) if isinstance(one, int)]


def _positive(value: Any) -> int:
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) and value > 0 else 0


def _is_big(content: bytes) -> bool:
    return b"+" in content[2:4]


def _beginning_with(content: bytes, offset: int) -> bytes:
    """The file with another first page: TIFF 6.0, section 2, and BigTIFF have its place in the header."""
    order = "little" if content.startswith(b"II") else "big"
    start, size = (8, 8) if _is_big(content) else (4, 4)
    return content[:start] + offset.to_bytes(size, order) + content[start + size :]


def _size(page: _Page) -> str:
    return f"{page.height} x {page.width} pixels"
