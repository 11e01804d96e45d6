"""Which page of a TIFF is its picture: that of a raw picture or a scan may come after a small preview."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from nst_tf.errors import InputError
from nst_tf.images.float_tiff import _HEIGHT, _PHOTOMETRIC, _WIDTH
from nst_tf.images.kinds import is_tiff

# tags of TIFF 6.0, section 8; of Adobe's technical note 1 (SubIFDs)
_SUBFILE, _SUB_IFDS = 254, 330
_REDUCED, _MASK = 1, 4  # bits of _SUBFILE
_OF_A_SENSOR = (32803, 34892)  # values of _PHOTOMETRIC in DNG 1.7: colour filter array, linear raw

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
        numbers = (_number(directory.get(tag)) for tag in (_WIDTH, _HEIGHT, _SUBFILE, _PHOTOMETRIC))
        yield _Page(offset, *numbers)
        below = directory.get(_SUB_IFDS)
        below = below if isinstance(below, tuple) else (below,)
        waiting += [one for one in (*below, directory.next) if isinstance(one, int)]


def _number(value: Any) -> int:
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
