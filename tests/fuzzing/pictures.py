"""Picture files of every format that is read, damaged in ways that follow the format, or blindly."""

from __future__ import annotations

import io
import logging
import random
import re
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any, Literal

import numpy as np
import png
import tifffile
from PIL import Image, ImageCms, PngImagePlugin, features

from fuzzing.batches import Answer
from fuzzing.commands import wrong_sentence
from fuzzing.watch import Watch
from nst_tf.errors import InputError
from nst_tf.images.opening import AVIF, FORMATS, HEIF
from nst_tf.images.read import read_picture

_MOST_LOGGED = 20  # lines of warnings about one file: more would drown whatever else is said
_FEW, _MANY = 6, 200  # changed bytes
_HEADER = 128  # bytes, in which the structure of most formats stands
# sizes that overflow something: 15 and 16 bits, 31 and 32 bits, and beyond what is decoded
_LYING_SIZES = (0, 1, 15, 0x7FFF, 0xFFFF, 13_377, 14_000, 65_500, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)

Mutation = Callable[[bytes, random.Random], bytes]


@cache
def seeds() -> dict[str, bytes]:
    """Sound files, in an order that stays."""
    noise = np.random.default_rng(0)
    rgb = Image.fromarray(noise.integers(0, 256, (24, 20, 3), dtype=np.uint8)).resize((61, 47))
    rgba = rgb.copy()
    rgba.putalpha(rgb.convert("L"))
    grey, deep = rgb.convert("L"), np.asarray(rgb.convert("L"), np.uint16) * 257
    palette = rgb.quantize(17)
    exif = Image.Exif()
    exif[274], exif[270] = 6, "a description"
    exif.get_ifd(0x8769)[36867] = "2026:01:01 00:00:00"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile[:24] + bytes(12) + profile[36:]  # without the moment at which it was made
    frames = [rgb.rotate(turn) for turn in (90, 180)]
    moving = {"save_all": True, "append_images": frames, "duration": 50, "loop": 0}
    both = {"exif": exif, "icc_profile": profile}
    plans = [
        ("jpeg", rgb, "JPEG", both),
        ("jpeg-progressive", rgb, "JPEG", {"progressive": True, "quality": 60}),
        ("jpeg-grey", grey, "JPEG", {}),
        ("jpeg-cmyk", rgb.convert("CMYK"), "JPEG", {"icc_profile": profile}),
        ("png", rgb, "PNG", both),
        ("png-alpha", rgba, "PNG", {}),
        ("png-palette", palette, "PNG", {"transparency": 3}),
        ("png-16", Image.fromarray(deep), "PNG", {}),
        ("png-1", grey.convert("1"), "PNG", {}),
        ("png-grey-alpha", rgba.convert("LA"), "PNG", {}),
        ("png-moving", rgb, "PNG", moving),
        ("webp", rgb, "WEBP", both),
        ("webp-lossless", rgba, "WEBP", {"lossless": True}),
        ("webp-moving", rgba, "WEBP", moving),
        ("tiff", rgb, "TIFF", both),
        ("tiff-lzw", rgba, "TIFF", {"compression": "tiff_lzw"}),
        ("tiff-deflate", rgb, "TIFF", {"compression": "tiff_deflate"}),
        ("tiff-jpeg", rgb, "TIFF", {"compression": "jpeg"}),
        ("tiff-packbits", palette, "TIFF", {"compression": "packbits"}),
        ("tiff-fax", grey.convert("1"), "TIFF", {"compression": "group4"}),
        ("tiff-cmyk", rgb.convert("CMYK"), "TIFF", {}),
        ("tiff-16", Image.fromarray(deep), "TIFF", {}),
        ("tiff-float", Image.fromarray(np.asarray(grey, np.float32) / 255), "TIFF", {}),
        ("tiff-lab", rgb.convert("LAB"), "TIFF", {}),
        ("tiff-pages", rgb, "TIFF", {"save_all": True, "append_images": frames}),
        ("gif", palette, "GIF", {"transparency": 1}),
        ("gif-moving", palette, "GIF", {**moving, "append_images": [one.quantize(9) for one in frames]}),
        ("bmp", rgb, "BMP", {}),
        ("bmp-palette", palette, "BMP", {}),
        ("bmp-1", grey.convert("1"), "BMP", {}),
        ("bmp-alpha", rgba, "BMP", {}),
    ]
    if features.check("avif"):
        plans += [("avif", rgba, AVIF, both), ("avif-moving", rgb, AVIF, {**moving, "speed": 10})]
    with suppress(ImportError):
        import_module("pillow_heif").register_heif_opener()
        plans.append(("heic", rgb, HEIF, both))
    files = {name: _saved(image, kind, **options) for name, image, kind, options in plans}
    written = io.BytesIO()
    png.Writer(61, 47, greyscale=False, bitdepth=16).write(written, np.zeros((47, 61 * 3), np.uint16))
    floats, pixels = noise.random((47, 61, 4), dtype=np.float32), np.asarray(rgb)
    preview = (pixels[::2, ::2], {"subifds": 1, "subfiletype": 1})
    return files | {
        "png-rgb16": written.getvalue(),
        "tiff-floats": _tiff((floats[..., :3], {"compression": "zlib", "rowsperstrip": 9})),
        "tiff-floats-tiled": _tiff((floats, {"extrasamples": ["assocalpha"], "tile": (16, 32)})),
        "tiff-floats-apart": _tiff((np.moveaxis(floats[..., :3], 2, 0), {"planarconfig": "separate"})),
        "tiff-preview": _tiff(preview, (pixels, {})),
    }


def case(seed: int, number: int) -> tuple[str, bytes]:
    """What is done to which file, and the bytes that come of it."""
    chance = random.Random(f"picture {seed} {number}")
    if number < len(BOMBS):
        name, make = list(BOMBS.items())[number]
        return name, make()
    name = chance.choice(list(seeds()))
    content, done = seeds()[name], []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        mutation = chance.choice(_MUTATIONS)
        content = mutation(content, chance)
        done.append(mutation.__name__.strip("_"))
    return f"{name}: {', '.join(done)}", content


def checker(seed: int, sound: Path, show: Callable[..., None]) -> Callable[[int, Path], Answer]:
    """A check of one case in the folder that it is given."""
    seeds()  # once, before the processes part

    def check(number: int, place: Path) -> Answer:
        name, content = case(seed, number)
        path = place / f"picture.{re.split('[-:]', name)[0]}"
        path.write_bytes(content)
        watch, logged = Watch(), BufferingHandler(capacity=sys.maxsize)
        logging.getLogger().addHandler(logged)
        watch.begin(place)
        try:
            outcome, wrong = _read(path)
        finally:
            wrong_done = watch.end()
            logging.getLogger().removeHandler(logged)
        lines = [record.getMessage() for record in logged.buffer]
        show(name, outcome, lines)
        wrong += wrong_done + [one for line in lines for one in wrong_sentence(line)]
        wrong += [f"{len(lines)} warnings"] if len(lines) > _MOST_LOGGED else []
        wrong += [f"leaves {one}" for one in place.iterdir() if one != path]
        return Answer(outcome, tuple(f"{name}: {one}" for one in wrong))

    return check


def _read(path: Path) -> tuple[str, list[str]]:
    try:
        picture = read_picture(path)
    except InputError as error:
        unnamed = [] if str(path) in str(error) else [f"does not name the file: {error}"]
        return "refused", wrong_sentence(str(error)) + unnamed
    pixels, alpha = picture.pixels, picture.alpha
    faults = {
        # so that a pixel that is no number is outside, too
        "pixels outside of [0, 1]": not (pixels.min() >= 0 and pixels.max() <= 1),
        "alpha outside of [0, 1]": alpha is not None and not (alpha.min() >= 0 and alpha.max() <= 1),
        f"pixels are {pixels.dtype} {pixels.shape}": pixels.dtype != np.float32
        or pixels.shape != (picture.height, picture.width, 3),
    }
    return "read", [fault for fault, is_there in faults.items() if is_there]


def _bit_flips(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 2, _FEW, _MANY))):
        # half of the damage is done to the header
        place = chance.randrange(min(len(damaged), chance.choice((_HEADER, len(damaged)))))
        damaged[place] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _odd_bytes(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.randint(1, _FEW)):
        place = chance.randrange(min(len(damaged), chance.choice((_HEADER, len(damaged)))))
        damaged[place] = chance.choice((0, 0xFF, 0x80, 0x7F, chance.randrange(256)))
    return bytes(damaged)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.choice((chance.randrange(1, len(content)), chance.randrange(1, _HEADER)))]


def _taken_out(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    return (content[:start] + content[start + chance.randint(1, 400) :]) or b"\0"


def _repeated(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    part = content[start : start + chance.randint(1, 200)]
    return content[:start] + part * chance.choice((2, 3, 1000)) + content[start:]


def _put_in(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + chance.randbytes(chance.choice((1, 4, 1000))) + content[start:]


def _joined(content: bytes, chance: random.Random) -> bytes:
    other = chance.choice(list(seeds().values()))
    return content[: chance.randrange(1, len(content))] + other[chance.randrange(len(other)) :]


# how the files of a format begin, how long their header is, places of sizes and the like, and their bytes
_SIZES = (
    (b"\x89PNG", 33, (16, 20), 4, "big"),
    (b"BM", 30, (18, 22, 10, 14, 28), 4, "little"),
    (b"GIF", 10, (6, 8), 2, "little"),
    (b"RIFF", 30, (4, 16, 24, 27, 20), 3, "little"),
)


def _lying_size(content: bytes, chance: random.Random) -> bytes:
    """Another width or height (or depth), in the place where the format has it."""
    value = chance.choice(_LYING_SIZES)
    if content[:4] in (b"II*\0", b"MM\0*"):
        return _lying_tag(content, chance)
    for beginning, header, places, size, order in _SIZES:
        if content.startswith(beginning) and len(content) > header:
            content = _with_number(content, chance.choice(places), value, size, order)
            if beginning == b"\x89PNG":  # else the lie is noticed at once
                content = _with_number(content, 29, zlib.crc32(content[12:29]), 4, order)
    frame = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
    if content.startswith(b"\xff\xd8") and 0 < frame < len(content) - 9:
        content = _with_number(content, frame + chance.choice((5, 7, 4, 9)), value, 2, "big")
    return content


def _lying_tag(content: bytes, chance: random.Random) -> bytes:
    """Another value, type or count of an entry of a TIFF's first directory (TIFF 6.0, section 2)."""
    order = "little" if content.startswith(b"II") else "big"
    start = int.from_bytes(content[4:8], order)
    if len(content) < 8 or start + 2 > len(content):
        return content
    entries = int.from_bytes(content[start : start + 2], order)
    place = start + 2 + 12 * chance.randrange(max(1, min(entries, 40)))
    if place + 12 > len(content):
        return content
    part, size = chance.choice(((8, 4), (8, 4), (8, 2), (4, 4), (2, 2), (0, 2)))
    value = chance.choice((*_LYING_SIZES, chance.randrange(1 << 16), len(content) - 3))
    return _with_number(content, place + part, value, size, order)


def _with_number(content: bytes, place: int, value: int, size: int, order: Literal["little", "big"]) -> bytes:
    """Put the lowest bytes of the value there."""
    return content[:place] + (value & (256**size - 1)).to_bytes(size, order) + content[place + size :]


_MUTATIONS: tuple[Mutation, ...] = (
    *(_bit_flips, _bit_flips, _odd_bytes, _odd_bytes, _cut, _taken_out, _repeated, _put_in, _joined),
    *(_lying_size, _lying_size, _lying_size),
)


def _saved(image: Image.Image, image_format: str, **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, image_format, **options)
    return written.getvalue()


def _tiff(*pages: tuple[np.ndarray, dict[str, Any]]) -> bytes:
    """Pages of samples in RGB, each with options of tifffile."""
    written = io.BytesIO()
    with tifffile.TiffWriter(written) as writer:
        for samples, options in pages:
            writer.write(samples, photometric="rgb", metadata=None, **options)
    return written.getvalue()


def _bomb(mode: str, image_format: str, **options: Any) -> bytes:
    """A sound file of few bytes that is a huge picture: 100 megapixels, below the limit by their header."""
    return _saved(Image.new(mode, (10_000, 10_000)), image_format, **options)


def _with_text(size: int) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "\0" * size, zip=True)
    return _saved(Image.new("RGB", (61, 47)), "PNG", pnginfo=text)


BOMBS: dict[str, Callable[[], bytes]] = {
    "png: 100 megapixels of zeros": lambda: _bomb("RGB", "PNG"),
    "png: 16-bit grey zeros": lambda: _bomb("I;16", "PNG"),
    "png: 1-bit zeros": lambda: _bomb("1", "PNG"),
    "tiff: 100 megapixels of zeros": lambda: _bomb("RGB", "TIFF", compression="tiff_deflate"),
    "gif: 100 megapixels of one color": lambda: _bomb("P", "GIF"),
    "png: a chunk of text that unpacks to 200 MB": lambda: _with_text(200_000_000),
}

if missing := set(FORMATS) - {"JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"}:
    raise RuntimeError(f"there is no seed of {missing}")
