"""Picture files put together byte by byte, so that the tests do not trust the writer they test."""

from __future__ import annotations

import struct
import zlib

import numpy as np

LEVELS = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
LEVEL = 1 / 255
DEEP = np.random.default_rng(2).integers(0, 65536, (17, 20), dtype=np.uint16)

D50 = (0.9642, 1.0, 0.8249)  # the white of ICC's connection space
SRGB_TO_D50 = np.array(  # linear sRGB to XYZ, adapted to D50 (Bradford); Lindbloom's tables
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
ADOBE_TO_D50 = np.array(  # the same for Adobe RGB (1998)
    [[0.6097559, 0.2052401, 0.1492240], [0.3111242, 0.6256560, 0.0632197], [0.0194811, 0.0608902, 0.7448387]]
)
ADOBE_GAMMA = 2.19921875


def saved(image, path, **options):
    """The path, after Pillow wrote the image there."""
    image.save(path, **options)
    return path


def written(content, path):
    path.write_bytes(content)
    return path


def unit(levels):
    """What reading 8-bit levels gives: float32 in [0, 1]."""
    return levels.astype(np.float32) / np.float32(255)


def png(width, height, depth, color_type, rows, chunks=b""):
    """A PNG of raw big-endian ``rows`` (bytes each), with ``chunks`` before the data."""
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + chunks
        + png_chunk(b"IDAT", data)
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def tiff(data, width, height, bits, photometric=1, sample_format=1):
    """A little-endian, uncompressed, one-strip grey TIFF."""
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 0, 277: 1, 278: height}
    tags |= {279: len(data), 339: sample_format}
    start = 8 + 2 + 12 * len(tags) + 4
    tags[273] = start
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + data


def rgb_profile(to_d50, gamma):
    """An ICC matrix profile: column c of ``to_d50`` is the XYZ of channel c."""
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"
    tags = {b"wtpt": _xyz(D50)}
    for channel, letter in enumerate((b"r", b"g", b"b")):
        tags[letter + b"XYZ"] = _xyz(to_d50[:, channel])
        tags[letter + b"TRC"] = curve
    return _profile(b"RGB ", tags)


def grey_profile(gamma):
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"
    return _profile(b"GRAY", {b"wtpt": _xyz(D50), b"kTRC": curve})


def black_ink_profile():
    """An ICC printer profile in which only black ink counts: L* = 100 (1 - k), a* = b* = 0.

    One lut8Type table (ICC.1:2001 section 6.5.8), two grid points for each of the four inks.
    """
    identity = bytes(range(256))
    unit = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    grid = b"".join(bytes([0 if index & 1 else 255, 128, 128]) for index in range(16))  # black varies fastest
    table = b"mft1" + struct.pack(">I4B", 0, 4, 3, 2, 0) + unit + identity * 4 + grid + identity * 3
    table += b"\0" * (-len(table) % 4)
    return _profile(b"CMYK", {b"wtpt": _xyz(D50), b"A2B0": table}, b"prtr", b"Lab ")


def encoded_srgb(linear):
    """The transfer function of IEC 61966-2-1, of linear light clipped to [0, 1]."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _xyz(values):
    return b"XYZ " + struct.pack(">I3i", 0, *(round(value * 65536) for value in values))


def _profile(color_space, tags, kind=b"mntr", connection_space=b"XYZ "):
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, kind, color_space, connection_space)
    header += struct.pack(">6H4s", 2000, 1, 1, 0, 0, 0, b"acsp").ljust(32, b"\0") + _xyz(D50)[8:]
    return header.ljust(128, b"\0") + table + body
