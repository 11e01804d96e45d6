"""Small copies of pictures inside of the page, of which the number decides the size."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image

from nst_tf.errors import InputError
from nst_tf.files import sha256_of_file
from nst_tf.images.read import read_picture

MOST_BYTES = 8 << 20
"""Of all thumbnails of a page together, before base64 makes 4 bytes of 3: a page that mail still takes."""

_LARGEST_SIDE = 1024  # pixels; more than a window leaves for a picture beside its settings
_SMALLEST_SIDE = 48  # pixels: below this a thumbnail shows nothing
_BYTES_A_PIXEL = 0.5  # of JPEG at this quality: photographs take 0.3, mosaics 0.9 (measured at 420 pixels)
_QUALITY = 82  # by eye: below it, fine brush strokes smear
_SHRINK = 0.95  # of the side that should do, when a picture took more bytes than its share


class Thumbnail(TypedDict):
    """A picture as the page carries it: a data URI, and its size in pixels."""

    src: str
    width: int
    height: int


class Thumbnails:
    """Thumbnails of files, numbered; files with the same bytes share one.

    Attributes:
        pictures: the thumbnails, in the order of their numbers.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        """Read and shrink every file; one that can't be read has no number (see :meth:`number`)."""
        self.pictures: list[Thumbnail] = []
        self._numbers: dict[str, int | None] = {}
        self._digests: dict[Path, str | None] = {path: _digest(path) for path in paths}
        distinct = {digest: path for path, digest in self._digests.items() if digest}
        for digest, path in distinct.items():
            thumbnail = _thumbnail(path, MOST_BYTES // len(distinct))
            self._numbers[digest] = len(self.pictures) if thumbnail else None
            if thumbnail:
                self.pictures.append(thumbnail)

    def number(self, path: Path | None) -> int | None:
        """The number of a file's thumbnail; None without a file, or if it is no readable picture."""
        digest = self._digests.get(path) if path else None
        return self._numbers[digest] if digest else None


def _digest(path: Path) -> str | None:
    try:
        return sha256_of_file(path)
    except (OSError, ValueError):  # ValueError: a null byte in a stranger's file name
        return None


def _thumbnail(path: Path, most_bytes: int) -> Thumbnail | None:
    try:
        pixels = read_picture(path).pixels
    except InputError:
        return None
    picture = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    shape = max(picture.size) / min(picture.size)
    side = min(_LARGEST_SIDE, max(picture.size), math.sqrt(most_bytes / _BYTES_A_PIXEL * shape))
    while True:
        small = picture.copy()
        longest = max(side, _SMALLEST_SIDE)
        small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        encoded = BytesIO()
        # colours at full resolution (subsampling 0), for they are compared here; WebP halves them, saves an
        # eighth of the bytes of such textures, and takes 20 times as long
        small.save(encoded, "JPEG", quality=_QUALITY, subsampling=0)
        if encoded.tell() <= most_bytes or side <= _SMALLEST_SIDE:
            break
        side = max(small.size) * math.sqrt(most_bytes / encoded.tell()) * _SHRINK
    text = base64.b64encode(encoded.getvalue()).decode("ascii")
    return {"src": f"data:image/jpeg;base64,{text}", "width": small.width, "height": small.height}
