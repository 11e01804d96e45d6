"""The frames of an animation, one after another: of an animated file, of numbered files, of an archive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image

from nst_tf.errors import InputError
from nst_tf.images.formats import formats_of, opened_image
from nst_tf.images.frame_archive import is_archive, members
from nst_tf.images.opening import check_area, content_of, log, refusals
from nst_tf.images.read import Picture, picture_from_bytes, picture_from_pillow, read_picture

_ORIENTATION, _ON_ITS_SIDE = 274, (5, 6, 7, 8)  # EXIF 2.3, table 4
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
    """Frames in files of their own; ``name`` is how they were asked for.

    Raises InputError for fewer than two, and for the first whose size differs from those before it.
    """
    if len(files) < 2:
        raise InputError(f"{name} holds one picture, {files[0]}: an animation needs at least 2 frames")

    def shape(file: Path) -> tuple[int, int] | None:
        try:
            with file.open("rb") as opened, Image.open(opened, formats=_formats_of(opened, file)) as image:
                turned = image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
                return (image.width, image.height) if turned else (image.height, image.width)
        except Exception:  # whatever is wrong with it is told when its turn comes
            return None

    _check_one_size([(str(file), shape(file)) for file in files])
    return Frames(tuple(map(str, files)), lambda index: read_picture(files[index]), files=tuple(files))


def frames_of_file(file: Path) -> Frames:
    """Frames of an animated GIF, WebP or PNG, of a TIFF with pages, or of an archive of pictures.

    Raises InputError for a file that can't be read, or that has one frame only.
    """
    content = content_of(file)
    if is_archive(content):
        parts = members(content, str(file))
        names = tuple(f"{file}, {name}" for name, _ in parts)

        def read(index: int) -> Picture:
            return picture_from_bytes(parts[index][1], names[index], names[index])

        _check_enough(file, len(parts))
        return Frames(names, read, archive=file)
    return _animated(file, content)


def _formats_of(opened: IO[bytes], file: Path) -> tuple[str, ...]:
    beginning = opened.read(_BEGINNING)
    opened.seek(0)
    return formats_of(beginning, file)


def _animated(file: Path, content: bytes) -> Frames:
    with refusals(file, content), opened_image(content, file) as image:
        check_area(image.width, image.height, file)
        seconds, shapes, loop = _scan(image, file)
    _check_enough(file, len(shapes))
    names = tuple(f"{file}, frame {number}" for number in range(1, len(shapes) + 1))
    _check_one_size(list(zip(names, shapes, strict=True)))
    opened: list[Image.Image] = []

    def read(index: int) -> Picture:
        with refusals(names[index], content):
            if not opened:
                opened.append(opened_image(content, file))
            try:
                opened[0].seek(index)
                return picture_from_pillow(opened[0], names[index], content)
            except BaseException:
                opened.clear()  # in any state: the next one begins anew
                raise

    known = tuple(seconds) if all(one > 0 for one in seconds) else None
    return Frames(names, read, known, loop)


def _scan(image: Image.Image, file: Path) -> tuple[list[float], list[tuple[int, int] | None], int | None]:
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
    known = [(name, shape) for name, shape in shapes if shape is not None]
    for name, shape in known[1:]:
        if shape != known[0][1]:
            raise InputError(
                f"the frames have different sizes: {known[0][0]} has {_words(known[0][1])} pixels and {name}"
                f" has {_words(shape)}; give frames of one size"
            )


def _words(shape: tuple[int, int]) -> str:
    return f"{shape[1]} x {shape[0]}"
