"""One word that stands for several pictures: a folder, a glob, a pattern of numbered files."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path

from nst_tf.configuration.places import SAMPLES, picture_path
from nst_tf.counted import counted
from nst_tf.errors import InputError
from nst_tf.images.kinds import PICTURE_SUFFIXES

_MAGIC = re.compile(r"[*?]|\[[^\]]+\]")
_NOT_A_GLOB = ("[", "{", "$", '"', "'")  # how Hydra's own values begin: lists, mappings, references, quotes
_NUMBER = re.compile(r"%(0\d+)?d")  # as ffmpeg and OpenCV name numbered files: %d, %04d
_MOST_NAMED = 8  # files that are left out: a line has room for no more
_DIGITS = re.compile(r"(\d+)")


def stands_for_several(name: str) -> bool:
    """Whether the name is a folder, a glob or a pattern such as frames/%04d.png, and no file itself."""
    try:
        if not name or picture_path(name).is_file():
            return False
        if _folder(name) is not None:
            return True
    except (OSError, ValueError, RuntimeError):  # no name of a file at all
        return False
    is_list = name.startswith(_NOT_A_GLOB)
    return not is_list and bool(_MAGIC.search(name) or _NUMBER.search(name.rpartition("/")[2]))


def several_pictures(name: str) -> list[str]:
    """The names of the files, in the order of the numbers in them: 2 before 10; as paths from here.

    Of a folder these are the files that have the suffix of a picture, of a glob (``**`` is any depth) all
    files that it matches, of a pattern those with a number in the place of ``%d``. ``samples/`` is the
    folder of the bundled pictures, unless there is one here. Hidden files are left out.

    Raises InputError if there is none, or the folder can't be read.
    """
    folder = _folder(name)
    if folder is not None:
        found = [f"{name.rstrip('/') or '/'}/{file}" for file in _listed(folder)]
        what = f"the folder {name} holds no picture ({', '.join(PICTURE_SUFFIXES)})"
    else:
        found = [one for one in _matches(name) if picture_path(one).is_file()]
        what = f"no file matches {name}"
    if not found:
        raise InputError(f"{what}: give a folder of pictures, or a glob in quotes such as 'photos/*.jpg'")
    return sorted(found, key=_natural)


def left_out_of(names: Iterable[str]) -> list[str]:
    """A line for each folder among the names that holds files which are not taken for pictures.

    Hidden files are passed over in silence.
    """
    lines = []
    for name in names:
        folder = _folder(name)
        if folder is None:
            continue
        others = sorted(set(_files_in(folder)) - set(_listed(folder)), key=_natural)
        if others:
            more = f" and {len(others) - _MOST_NAMED} others" if len(others) > _MOST_NAMED else ""
            lines.append(
                f"{counted(len(others), 'file')} of {name} left out, whose names are not those of pictures:"
                f" {', '.join(others[:_MOST_NAMED])}{more}"
            )
    return lines


def _folder(name: str) -> Path | None:
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    return SAMPLES if name.rstrip("/") == SAMPLES.name and not path.exists() else None


def _listed(folder: Path) -> list[str]:
    return [name for name in _files_in(folder) if name.lower().endswith(PICTURE_SUFFIXES)]


def _files_in(folder: Path) -> list[str]:
    """Without hidden ones."""
    try:
        return [one.name for one in folder.iterdir() if not one.name.startswith(".") and one.is_file()]
    except OSError as error:
        raise InputError(f"the folder {folder} can't be read ({error.strerror}): give another") from error


def _matches(name: str) -> list[str]:
    expanded = os.path.expanduser(name)  # noqa: PTH111  (a Path would take a slash at the end away)
    parent, _, last = expanded.rpartition("/")
    if number := _NUMBER.search(last):
        before, after = last[: number.start()], last[number.end() :]
        width = int(number[1] or 1)
        wanted = re.compile(rf"{re.escape(before)}\d{{{width},}}{re.escape(after)}")
        return [one for one in _globbed(parent, "*") if wanted.fullmatch(one.rpartition("/")[2])]
    found = glob.glob(expanded, recursive=True)  # noqa: PTH207  (the name may be absolute)
    if not found and expanded.startswith(f"{SAMPLES.name}/"):
        return glob.glob(expanded, root_dir=SAMPLES.parent)  # noqa: PTH207
    return found


def _globbed(parent: str, pattern: str) -> list[str]:
    return glob.glob(f"{glob.escape(parent)}/{pattern}" if parent else pattern)  # noqa: PTH207


def _natural(name: str) -> list[tuple[int, str]]:
    """Numbers compare as numbers, and other letters without regard to case first."""
    parts = _DIGITS.split(name)
    return [(int(part), part) if index % 2 else (0, part.casefold()) for index, part in enumerate(parts)] + [
        (0, name)
    ]
