"""A picture file opened under our limits: whatever is wrong with it becomes one InputError."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from nst_tf.available_memory import free_bytes
from nst_tf.errors import InputError
from nst_tf.images.chatter import chatter_logged
from nst_tf.images.formats import opened_image
from nst_tf.images.kinds import kind_of

log = logging.getLogger(__name__)

MOST_PIXELS = 178_956_970
"""Twice Pillow's default ``MAX_IMAGE_PIXELS``: where Pillow itself stops warning of a decompression bomb
and raises. A float32 RGB picture of that many pixels takes 2.1 GB."""

# Below, a bomb does no harm (16.8 million pixels are decoded in a second). Above, flat JPEG files have up to
# 72 pixels a byte (6 bits for 8 x 8 pixels), photographs under 20; deflated zeros have 344.
_HARMLESS_PIXELS = 1 << 24
_MOST_PIXELS_A_BYTE = 200

# Pillow's image (4), float32 RGB (12), transparency (4): measured in tests/images/test_memory_of_decoding.py
_BYTES_A_PIXEL = 20

_MOST_BYTES = MOST_PIXELS * 8  # no honest file is larger: the most pixels, four channels of 16 bits, unpacked


@contextmanager
def opened(content: bytes, name: str | Path) -> Iterator[ImageFile.ImageFile]:
    """Yield the image in these bytes of a file with its header read and its pixels not yet.

    Errors raised inside the ``with`` block, while decoding, are translated too; ``name`` stands in them.

    Raises:
        InputError: see :func:`nst_tf.images.read.read_picture`.
    """
    with (
        refusals(name, content),
        _pillow_warnings_logged(name),
        chatter_logged(name, content, log),
        opened_image(content, name) as image,
    ):
        check_declared(image.width, image.height, len(content), name)
        yield image


def check_declared(width: int, height: int, size: int, name: str | Path) -> None:
    """Refuse by the header what would take too much memory, for a file of ``size`` bytes."""
    check_area(width, height, name)
    _check_no_bomb(width * height, size, name)
    _check_memory(width, height, name)


def check_area(width: int, height: int, name: str | Path) -> None:
    """Refuse a picture of more than ``MOST_PIXELS`` by its header, before any memory is taken for it."""
    if width * height > MOST_PIXELS:
        raise InputError(
            f"{name} declares {width} x {height} pixels, more than the {MOST_PIXELS:,} that are decoded: "
            "scale it down first"
        )


def _check_no_bomb(pixels: int, size: int, path: str | Path) -> None:
    if pixels > _HARMLESS_PIXELS and pixels > size * _MOST_PIXELS_A_BYTE:
        raise InputError(
            f"{path} declares {pixels:,} pixels in {size:,} bytes, more than {_MOST_PIXELS_A_BYTE} a byte: "
            "it is blank or made to fill the memory, and is not decoded; scale it down first"
        )


def _check_memory(width: int, height: int, path: str | Path) -> None:
    """Refuse what would not fit: where memory is short a system ends the process without a word."""
    if width * height <= _HARMLESS_PIXELS:
        return
    needed, free = width * height * _BYTES_A_PIXEL, free_bytes()
    if free is not None and needed > free:
        raise InputError(
            f"{path} has {width} x {height} pixels, which take {needed / 2**30:.1f} GiB to decode, and"
            f" {max(0, free) / 2**30:.1f} GiB are free: free some memory, or scale the picture down first"
        )


@contextmanager
def refusals(name: str | Path, content: bytes = b"") -> Iterator[None]:
    """Turn whatever Pillow raises on bad data into an InputError that names the picture.

    ``content`` are the bytes of its file, to say what it is if it is no picture.
    """
    try:
        yield
    except InputError:
        raise
    except UnidentifiedImageError as error:
        what, advice = kind_of(content)
        raise InputError(f"{name} is not a picture that can be read, but {what}: {advice}") from error
    except Image.DecompressionBombError as error:
        declared = re.search(r"\d+", str(error))
        count = f"{int(declared.group()):,}" if declared else "too many"
        raise InputError(
            f"{name} declares {count} pixels, more than the {MOST_PIXELS:,} that are decoded: "
            "scale it down first"
        ) from error
    except Exception as error:
        # Pillow's decoders raise nearly every built-in exception on damaged data: OSError, SyntaxError,
        # struct.error, EOFError, zlib.error, IndexError, KeyError, ZeroDivisionError, MemoryError ...
        detail = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": .")
        raise InputError(
            f"{name} cannot be decoded ({detail}): the file is damaged or cut short, fetch or export it again"
        ) from error


def content_of(path: Path) -> bytes:
    """The bytes of a picture file; raises InputError for none, one that can't be read, or is too large."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder: give the path of one picture file")
        if not path.exists():
            raise InputError(f"{path} does not exist: give the path of a picture file")
        if not path.is_file():
            raise InputError(f"{path} is no regular file: give the path of a picture file")
        size = path.stat().st_size
        if size == 0:
            raise InputError(f"{path} is empty (0 bytes): give a file that holds a picture")
        if size > _MOST_BYTES:
            raise InputError(
                f"{path} has {size:,} bytes, more than the {_MOST_BYTES:,} of the largest picture that is "
                "decoded: scale it down first"
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}): give a picture file that you may read"
        ) from error
    except MemoryError as error:
        raise InputError(f"{path} does not fit into the memory: scale it down first") from error


@contextmanager
def _pillow_warnings_logged(path: str | Path) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        # Pillow warns of a bomb at half of MOST_PIXELS: a large photograph, which is welcome.
        if not issubclass(warning.category, Image.DecompressionBombWarning):
            log.warning("%s: %s", path, warning.message)
