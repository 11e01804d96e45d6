"""What a file is, by its first bytes: for the sentence about one that can't be read as a picture."""

from __future__ import annotations

import re
from typing import NamedTuple

PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff"),
    *(".gif", ".bmp", ".dib", ".avif", ".heic", ".heif", ".hif"),
)
"""How the names of the pictures in a folder end. A file that is named itself is judged by its bytes."""

READABLE = "give a sound JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC file"

_BEGINNING = 1024  # bytes that are looked at

_RAW = "develop it in a raw converter and export it as TIFF or JPEG"
_TONES = "map its tones and export it as TIFF or PNG"
_EXPORT = "export it as PNG or TIFF"
_FRAMES = "take pictures out of it first, as with `ffmpeg -i FILE frames/%04d.png`"
_UNPACK = "unpack it, and name the picture"
_DAMAGED = "it is damaged or cut short, fetch or export it again"

# ISO/IEC 14496-12, section 4.3: a box 'ftyp', whose first four letters say by which standard to read
_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs")
_EITHER = (b"mif1", b"msf1", b"miaf")  # the brands that follow say what the pictures are coded with


class Kind(NamedTuple):
    """What a file is, with its article, and what to do with it."""

    what: str
    advice: str


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
    (
        rb"II[*+]\0|MM\0[*+]",
        "a TIFF of a kind that is not read",
        "export it with 8 or 16 bits, or as PNG",
    ),
    (rb"8BPS", "a Photoshop file", _EXPORT),
    (rb"gimp xcf", "a GIMP file", _EXPORT),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000", _EXPORT),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL", _EXPORT),
    (
        rb"\x76\x2f\x31\x01",
        "an OpenEXR picture of linear light",
        _TONES,
    ),
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
    (rb"\x89HDF", "an HDF5 file, as weights are", READABLE),
    (rb"\x93NUMPY", "a NumPy array", "save it as a picture, or pass it to nst_tf.stylize"),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), *said) for pattern, *said in _KINDS)


def is_avif(content: bytes) -> bool:
    """Whether these are the first bytes of an AVIF."""
    return _coded_as(content, _AVIF_BRANDS)


def is_heif(content: bytes) -> bool:
    """Whether these are the first bytes of an HEIF with HEVC in it, as phones write."""
    return _coded_as(content, _HEIF_BRANDS) and not is_avif(content)


def is_tiff(content: bytes) -> bool:
    """Whether these are the first bytes of a TIFF or BigTIFF, which DNG and other raw pictures are, too."""
    return content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def kind_of(content: bytes) -> Kind:
    """What a file with these bytes is, which is no picture that is read."""
    beginning = content[:_BEGINNING]
    if not beginning:
        return Kind("empty (0 bytes)", READABLE)
    for pattern, what, advice in _PATTERNS:
        if pattern.match(beginning):
            return Kind(what, advice)
    if _is_text(beginning):
        return Kind("a text", READABLE)
    return Kind("a file of an unknown kind", READABLE)


def _coded_as(content: bytes, brands: tuple[bytes, ...]) -> bool:
    if content[4:8] != b"ftyp":
        return False
    first, size = content[8:12], int.from_bytes(content[:4], "big")
    others = content[16 : min(size, _BEGINNING)]
    named = [others[place : place + 4] for place in range(0, len(others), 4)]
    return first in brands or (first in _EITHER and any(one in brands for one in named))


def _is_text(beginning: bytes) -> bool:
    try:
        text = beginning.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 3 or len(beginning) < _BEGINNING:  # not a letter cut in two
            return False
        text = beginning[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter.isspace() for letter in text)
