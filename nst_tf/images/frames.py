"""Animations as files: frames read, kept in an archive, and written."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image
from PIL.ExifTags import Base

from nst_tf.errors import InputError, require
from nst_tf.files import written_atomically
from nst_tf.images.opening import check_area, formats_of, log, opened_image, read_data, refusals
from nst_tf.images.read import Picture, picture_from_bytes, picture_from_pillow, read_picture

# ---- the frames of an animation: of an animated file, of numbered files, of an archive ----

_ON_ITS_SIDE = (5, 6, 7, 8)  # values of Orientation: EXIF 2.3, table 4
_BEGINNING = 64  # bytes of a file that say what it is


@dataclass(frozen=True)
class Frames:
    """An animation of at least two frames, all of one size as far as their headers can be read.

    ``names`` are for messages; ``seconds`` how long each is shown, None where no file says; ``loop`` how
    often the whole is repeated, 0 without end, None: shown once. ``files`` are those that have one frame
    each, or ``archive`` has all of them; neither, of an animated file.
    """

    names: tuple[str, ...]
    read: Callable[[int], Picture]
    """The frame of this index; raises InputError if it can't be read. Reading in order is fastest."""
    seconds: tuple[float, ...] | None = None
    loop: int | None = 0
    files: tuple[Path, ...] = ()
    archive: Path | None = None

    def __len__(self) -> int:
        """How many, with those that can't be read."""
        return len(self.names)

    def first(self) -> Picture:
        """The first frame that can be read; raises InputError, with the reason of the first, if none can."""
        reasons = []
        for index in range(len(self)):
            try:
                return self.read(index)
            except InputError as error:
                reasons.append(str(error))
        raise InputError(f"none of {len(self)} frames can be read; of the first: {reasons[0]}")


def frames_of_files(name: str, files: Sequence[Path]) -> Frames:
    """An animation of one file a frame; ``name`` is what the user calls it.

    Raises InputError for fewer than two, and for the first whose size differs from those before it.
    """
    if len(files) < 2:
        raise InputError(f"{name} holds one picture, {files[0]}: an animation needs at least 2 frames")

    def shape(file: Path) -> tuple[int, int] | None:
        try:
            with file.open("rb") as opened:
                formats = formats_of(opened.read(_BEGINNING), file)
                opened.seek(0)
                with Image.open(opened, formats=formats) as image:
                    turned = image.getexif().get(Base.Orientation) in _ON_ITS_SIDE
                    return (image.width, image.height) if turned else (image.height, image.width)
        except Exception:  # whatever is wrong with it is told when its turn comes
            return None

    _check_one_size([(str(file), shape(file)) for file in files])
    return Frames(tuple(map(str, files)), lambda index: read_picture(files[index]), files=tuple(files))


def frames_of_file(file: Path) -> Frames:
    """An animated GIF, WebP or PNG, a TIFF with pages, or an archive of pictures.

    Raises InputError for a file that can't be read, or that has one frame only.
    """
    data = read_data(file)
    if data[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC:
        return _animated(file, data)
    members = _archive_members(data, str(file))
    _check_enough(file, len(members))
    names = tuple(f"{file}, {name}" for name, _ in members)

    def read(index: int) -> Picture:
        return picture_from_bytes(members[index][1], names[index], names[index])

    return Frames(names, read, archive=file)


def _animated(file: Path, data: bytes) -> Frames:
    with refusals(file, data), opened_image(data, file) as image:
        check_area(image.width, image.height, file)
        seconds, shapes, loop = _scan(image, file)
    _check_enough(file, len(shapes))
    names = tuple(f"{file}, frame {number}" for number in range(1, len(shapes) + 1))
    _check_one_size(list(zip(names, shapes, strict=True)))
    opened: list[Image.Image] = []

    def read(index: int) -> Picture:
        with refusals(names[index], data):
            if not opened:
                opened.append(opened_image(data, file))
            try:
                opened[0].seek(index)
                return picture_from_pillow(opened[0], names[index], data)
            except BaseException:
                opened.clear()  # in any state: the next one begins anew
                raise

    return Frames(names, read, tuple(seconds) if all(one > 0 for one in seconds) else None, loop)


def _scan(image: Image.Image, file: Path) -> tuple[list[float], list[tuple[int, int]], int | None]:
    """Seconds and size of every frame, and how often the whole is repeated."""
    seconds, shapes = [], []
    loop = image.info.get("loop")
    while True:
        try:
            image.seek(len(shapes))
            if image.format in ("WEBP", "AVIF"):  # only then its duration is known
                image.load()
        except EOFError:
            break
        except Exception as error:
            log.warning("%s breaks off after %d frames (%s)", file, len(shapes), error)
            break
        shapes.append((image.height, image.width))
        duration = image.info.get("duration", 0)
        seconds.append(float(duration) / 1000 if isinstance(duration, (int, float)) else 0.0)
    return seconds, shapes, loop if isinstance(loop, int) else None


def _check_enough(file: Path, count: int) -> None:
    if count < 2:
        raise InputError(
            f"{file} has one frame: an animation is an animated GIF, WebP or PNG, a folder of frames, or a"
            " pattern such as frames/%04d.png"
        )


def _check_one_size(shapes: Sequence[tuple[str, tuple[int, int] | None]]) -> None:
    known = [(name, f"{shape[1]} x {shape[0]}") for name, shape in shapes if shape is not None]
    for name, size in known[1:]:
        if size != known[0][1]:
            raise InputError(
                f"the frames have different sizes: {known[0][0]} has {known[0][1]} pixels and {name}"
                f" has {size}; give frames of one size"
            )


# ---- numbered frames in a tar archive, as a run keeps them: the same frames give the same bytes ----

_MAGIC, _MAGIC_AT = b"ustar", 257  # POSIX.1-1988, the header of a member


def _archive_members(data: bytes, name: str) -> list[tuple[str, bytes]]:
    """Name and bytes of every file in the archive, in order; nothing is written to the disk.

    Raises InputError for a damaged archive; entries that are no plain files are left out.
    """
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r:") as archive:
            return [
                (one.name, opened.read())
                for one in archive
                if one.isreg() and (opened := archive.extractfile(one)) is not None
            ]
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise InputError(f"{name} is a damaged archive ({error}): make it anew") from None


def write_archive(files: Sequence[Path], target: Path | None = None) -> str:
    """Pack the files, numbered from 1, into ``target``; returns the archive's SHA-256.

    Without a target only the hash is computed. A file that can't be read is packed as an empty one, so that
    each keeps its place.
    """
    with target.open("wb") if target else nullcontext() as opened:
        hashing = _Hashing(opened)
        with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.USTAR_FORMAT) as archive:  # pyright: ignore[reportArgumentType, reportCallIssue]
            for number, file in enumerate(files, 1):
                try:
                    data = read_data(file)
                except InputError:
                    data = b""
                # no time and no owner: the archive says nothing of the machine
                suffix = file.suffix.lower() if file.suffix.isascii() else ""
                entry = tarfile.TarInfo(f"{number:06d}{suffix}")
                entry.size = len(data)
                archive.addfile(entry, BytesIO(data))
    return hashing.digest.hexdigest()


class _Hashing:
    """Hashes what is written, and passes it on to a file if there is one."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, block: bytes) -> int:
        self.digest.update(block)
        return len(block) if self._file is None else self._file.write(block)


# ---- writing: the pictures of a run's frames in one file ----

_FORMATS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    # every frame with a palette of its own, without merging: a stylized frame changes everywhere
    ".gif": ("GIF", {"optimize": False}),
    ".webp": ("WEBP", {"quality": 90, "method": 4}),
    ".png": ("PNG", {}),
}
_COLORS = 256  # of a GIF's palette


def check_animation_suffix(name: str | None) -> None:
    """Raise InputError for a name that is not null, with a folder, or of a format that can't be written."""
    right = name is None or (Path(name).name == name and Path(name).suffix.lower() in _FORMATS)
    require(right, "record.animation", name, f"null or a name that ends in {', '.join(_FORMATS)}")


def write_animation(
    target: Path, frames: Sequence[Path], seconds: Sequence[float], loop: int | None = 0
) -> None:
    """Write the pictures ``frames``, each shown for so many ``seconds``, to ``target``, in one step.

    ``loop`` says how often the whole is repeated, 0 without end, None: shown once. A GIF has 256 colors a
    frame, dithered, and counts hundredths of a second; the others keep all colors. Pictures that are equal
    to the one before it may be stored once, for the time of both.
    """
    name, options = _FORMATS[target.suffix.lower()]

    def images() -> Iterator[Image.Image]:
        for frame in frames:
            with Image.open(frame) as opened:
                image = opened.convert("RGB")
            # the median cut follows the colors of the frame better than the octree, which is faster
            yield image.quantize(_COLORS, Image.Quantize.MEDIANCUT) if name == "GIF" else image

    options = {**options, "duration": [round(1000 * one) for one in seconds]}
    if loop is not None or name != "GIF":  # a GIF without it is shown once
        options["loop"] = 1 if loop is None else loop
    read = images()
    with written_atomically(target) as temporary:
        next(read).save(temporary, name, save_all=True, append_images=read, **options)
