"""Open pictures of any origin: the format is told by the bytes, and the size is checked before decoding.

Whatever is wrong with a file becomes one InputError.
"""

from __future__ import annotations

import codecs
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError, features

from nst_tf.errors import InputError
from nst_tf.machine import free_bytes

log = logging.getLogger(__name__)

PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff"),
    *(".gif", ".bmp", ".dib", ".avif", ".heic", ".heif", ".hif"),
)
"""How the names of the pictures in a folder end. A file that is named itself is judged by its bytes."""

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")
"""The formats always read. Pillow knows more, among them EPS, which would run Ghostscript on the file."""

AVIF, HEIF = "AVIF", "HEIF"
"""Formats that are read where Pillow has the decoder, and where the extra ``heic`` is installed."""

MOST_PIXELS = 178_956_970
"""Twice Pillow's default ``MAX_IMAGE_PIXELS``: where Pillow itself stops warning of a decompression bomb
and raises. A float32 RGB picture of that many pixels takes 2.1 GB."""

# Below, a bomb does no harm (16.8 million pixels are decoded in a second). Above, flat JPEG files have up to
# 72 pixels a byte (6 bits for 8 x 8 pixels), photographs under 20; deflated zeros have 344.
_HARMLESS_PIXELS = 1 << 24
_MOST_PIXELS_A_BYTE = 200

# Pillow's image (4), float32 RGB (12), transparency (4): measured in tests/slow/test_memory_of_decoding.py
_BYTES_A_PIXEL = 20

_MOST_BYTES = MOST_PIXELS * 8  # no honest file is larger: the most pixels, four channels of 16 bits, unpacked


def read_data(path: Path) -> bytes:
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
def opened(data: bytes, name: str | Path) -> Iterator[ImageFile.ImageFile]:
    """Yield the image in a file's bytes: its header is read, its pixels are not decoded yet.

    Errors raised inside the ``with`` block, while decoding, are translated too; ``name`` stands in them.

    Raises:
        InputError: see :func:`nst_tf.images.read.read_picture`.
    """
    with (
        refusals(name, data),
        _pillow_warnings_logged(name),
        _libtiff_errors_logged(name, data),
        opened_image(data, name) as image,
    ):
        check_header(image.width, image.height, len(data), name)
        yield image


def opened_image(data: bytes, name: str | Path) -> ImageFile.ImageFile:
    """The same image without limits and translated errors: raises nearly anything for damaged data.

    Raises InputError where it needs a decoder that is not installed.
    """
    return Image.open(BytesIO(data), formats=formats_of(data, name))


def formats_of(beginning: bytes, name: str | Path) -> tuple[str, ...]:
    """The decoders of Pillow for a file that begins so, whatever it is called.

    Raises InputError where they are not installed; ``name`` stands in the message.
    """
    if _coded_as(beginning, _AVIF_BRANDS):
        if "avif" not in features.modules or not features.check("avif"):
            raise InputError(
                f"{name} is an AVIF picture, and this Pillow can't read those: pip install -U 'pillow>=11.3',"
                " or export it as JPEG or PNG"
            )
        return (AVIF,)
    if _coded_as(beginning, _HEIF_BRANDS):
        try:
            import_module("pillow_heif").register_heif_opener()
        except ImportError:
            raise InputError(
                f"{name} is an HEIC picture, as phones save them: pip install 'nst_tf[heic]' to have it read,"
                " or export it as JPEG"
            ) from None
        return (HEIF,)
    return FORMATS


def check_header(width: int, height: int, size: int, name: str | Path) -> None:
    """Refuse a picture that would take too much memory, by its header and its file's ``size`` in bytes.

    A system that runs out of memory kills the process without a message.
    """
    check_area(width, height, name)
    pixels = width * height
    if pixels <= _HARMLESS_PIXELS:
        return
    if pixels > size * _MOST_PIXELS_A_BYTE:
        raise InputError(
            f"{name} declares {pixels:,} pixels in {size:,} bytes, more than {_MOST_PIXELS_A_BYTE} a byte: "
            "it is blank or made to fill the memory, and is not decoded; scale it down first"
        )
    needed, free = pixels * _BYTES_A_PIXEL, free_bytes()
    if needed > free:
        raise InputError(
            f"{name} has {width} x {height} pixels, which take {needed / 2**30:.1f} GiB to decode, and"
            f" {max(0, free) / 2**30:.1f} GiB are free: free some memory, or scale the picture down first"
        )


def check_area(width: int, height: int, name: str | Path) -> None:
    """Refuse a picture of more than ``MOST_PIXELS`` by its header, before any memory is taken for it."""
    if width * height > MOST_PIXELS:
        raise InputError(
            f"{name} declares {width} x {height} pixels, more than the {MOST_PIXELS:,} that are decoded: "
            "scale it down first"
        )


@contextmanager
def refusals(name: str | Path, data: bytes = b"") -> Iterator[None]:
    """Turn whatever Pillow raises on bad data into an InputError that names the picture.

    ``data`` are the bytes of its file, to say what it is if it is no picture.
    """
    try:
        yield
    except InputError:
        raise
    except UnidentifiedImageError as error:
        what, advice = _kind_of(data)
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


@contextmanager
def _pillow_warnings_logged(name: str | Path) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        # Pillow warns of a bomb at half of MOST_PIXELS: a large photograph, which is welcome.
        if not issubclass(warning.category, Image.DecompressionBombWarning):
            log.warning("%s: %s", name, warning.message)


_STANDARD_ERROR = 2
_MOST_SAID = 200  # bytes that are passed on: libtiff says one thing for every damaged row
_ONE_AT_A_TIME = threading.RLock()  # all threads have one standard error


@contextmanager
def _libtiff_errors_logged(name: str | Path, data: bytes) -> Iterator[None]:
    """Capture standard error while a TIFF is decoded, and log its first line as a warning.

    Pillow sets no handler for libtiff's errors, which would stand beside the one sentence that a user is
    told: when the block raises, that sentence says it all and nothing is logged. The decoders of other
    formats are silent, and what other threads say meanwhile is left alone.
    """
    if not is_tiff(data):
        yield
        return
    with _ONE_AT_A_TIME:
        try:
            sys.stderr.flush()
            real = os.dup(_STANDARD_ERROR)
        except (OSError, ValueError, AttributeError):  # there is no standard error that could be disturbed
            yield
            return
        reading, writing = os.pipe()  # which needs no disk
        for end in (reading, writing):
            os.set_blocking(end, False)  # when it is full, the rest is dropped
        os.dup2(writing, _STANDARD_ERROR)
        try:
            yield
        finally:
            os.dup2(real, _STANDARD_ERROR)
            for end in (real, writing):
                os.close(end)
            said = b""
            with suppress(BlockingIOError):  # nothing was said, and a child of another thread might yet
                said = os.read(reading, _MOST_SAID)
            os.close(reading)
        line = said.decode("ascii", "replace").partition("\n")[0].strip()
        if line:
            log.warning("%s: parts of it are damaged (%s)", name, line)


# ---- what a file is, by its first bytes ----

_BEGINNING = 1024  # bytes that are looked at

# ISO/IEC 14496-12, section 4.3: a box 'ftyp', whose first four letters say by which standard to read
_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs")  # as phones write
_EITHER = (b"mif1", b"msf1", b"miaf")  # the brands that follow say what the pictures are coded with


def is_tiff(data: bytes) -> bool:
    """Whether these are the first bytes of a TIFF or BigTIFF, which DNG and other raw pictures are, too."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _coded_as(data: bytes, brands: tuple[bytes, ...]) -> bool:
    if data[4:8] != b"ftyp":
        return False
    first, size = data[8:12], int.from_bytes(data[:4], "big")
    others = data[16 : min(size, _BEGINNING)]
    named = [others[place : place + 4] for place in range(0, len(others), 4)]
    return first in brands or (first in _EITHER and any(one in brands for one in named))


_READABLE = "give a sound JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC file"

_RAW = "develop it in a raw converter and export it as TIFF or JPEG"
_TONES = "map its tones and export it as TIFF or PNG"
_EXPORT = "export it as PNG or TIFF"
_FRAMES = "take pictures out of it first, as with `ffmpeg -i FILE frames/%04d.png`"
_UNPACK = "unpack it, and name the picture"
_DAMAGED = "it is damaged or cut short, fetch or export it again"

# the beginning of a file (a pattern of bytes), what it then is, and what to do
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (rb"\xff\xd8\xff", "a JPEG whose beginning can't be understood", _DAMAGED),
    (rb"\x89PNG", "a PNG whose beginning can't be understood", _DAMAGED),
    (rb"RIFF....WEBP", "a WebP whose beginning can't be understood", _DAMAGED),
    (rb"GIF8[79]a", "a GIF whose beginning can't be understood", _DAMAGED),
    (rb"BM....\0\0\0\0", "a BMP of a kind that is not read", _EXPORT),
    (rb"(II\*\0|MM\0\*)........CR|....ftypcrx ", "a Canon camera's raw picture", _RAW),
    (rb"FUJIFILMCCD-RAW", "a Fujifilm camera's raw picture", _RAW),
    (rb"IIR[OS]|MMOR", "an Olympus camera's raw picture", _RAW),
    (rb"IIU\0", "a Panasonic camera's raw picture", _RAW),
    (rb"II[*+]\0|MM\0[*+]", "a TIFF of a kind that is not read", "export it with 8 or 16 bits, or as PNG"),
    (rb"8BPS", "a Photoshop file", _EXPORT),
    (rb"gimp xcf", "a GIMP file", _EXPORT),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000", _EXPORT),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL", _EXPORT),
    (rb"\x76\x2f\x31\x01", "an OpenEXR picture of linear light", _TONES),
    (rb"#\?R(ADIANCE|GBE)", "a Radiance HDR picture of linear light", _TONES),
    (rb"P[1-7fF]\s", "a Netpbm picture (PBM, PGM, PPM, PFM)", _EXPORT),
    (rb"\0\0[\x01\x02]\0", "an icon or cursor (ICO)", _EXPORT),
    (rb"qoif", "a QOI picture", _EXPORT),
    (rb"DDS ", "a DirectDraw texture (DDS)", _EXPORT),
    (rb"(?i:\s*<svg|\s*<\?xml.*<svg)", "a drawing (SVG)", "export it as PNG, in the size that you want"),
    (
        rb"(?i:\s*<!doctype html|\s*<html)",
        "a web page (HTML)",
        "save the picture, not the page that shows it",
    ),
    (rb"%PDF", "a PDF document", "export the page as PNG"),
    (rb"%!PS", "a PostScript file", "export it as PNG"),
    (rb"....ftyp|....moov|....mdat", "a video (MP4 or QuickTime)", _FRAMES),
    (rb"RIFF....AVI ", "a video (AVI)", _FRAMES),
    (rb"\x1aE\xdf\xa3", "a video (Matroska or WebM)", _FRAMES),
    (rb"version https://git-lfs", "a pointer of Git LFS to a file elsewhere", "run `git lfs pull` first"),
    (rb"PK\x03\x04|7z\xbc\xaf|Rar!|\x1f\x8b|BZh|\xfd7zXZ", "an archive (ZIP or the like)", _UNPACK),
    (rb"\x89HDF", "an HDF5 file, as weights are", _READABLE),
    (rb"\x93NUMPY", "a NumPy array", "save it as a picture, or pass it to nst_tf.stylize"),
)


def _kind_of(data: bytes) -> tuple[str, str]:
    """What a file with these bytes is, with its article, if it is no picture; and what to do with it."""
    beginning = data[:_BEGINNING]
    if not beginning:
        return "empty (0 bytes)", _READABLE
    for pattern, what, advice in _KINDS:
        if re.match(pattern, beginning, re.DOTALL):
            return what, advice
    return "a text" if _is_text(beginning) else "a file of an unknown kind", _READABLE


def _is_text(beginning: bytes) -> bool:
    whole = len(beginning) < _BEGINNING  # else its last letter may be cut in two
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(beginning, final=whole)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)
