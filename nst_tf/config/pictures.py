"""Which pictures a name on the command line stands for: one, or all of a folder, a glob, numbered files."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nst_tf.config.schema import SAMPLES, as_list, is_there, picture_path, user_path
from nst_tf.errors import InputError, counted
from nst_tf.files import natural_order
from nst_tf.images.opening import PICTURE_SUFFIXES
from nst_tf.images.read import read_picture

# RFC 3986, section 3.1; at least two letters, for a drive of Windows has one
_ADDRESS = re.compile(r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://|data:[^,]*,)")


def is_address(name: str) -> bool:
    """Whether the name is one, such as https://... or s3://..."""
    return bool(_ADDRESS.match(name))


def check_no_address(name: str, key: str | None = None) -> None:
    """Raise InputError if the name is an address; ``key`` is where it was given."""
    if not (found := _ADDRESS.match(name)):
        return
    said = f"{key}={name}" if key else name
    if found["scheme"] == "file":
        raise InputError(f"{said} is an address: name the file by its path, without file://")
    raise InputError(f"{said} is an address; addresses are not fetched: download it first, and name the file")


# which experiment file named a picture: of this process, as Hydra's store of the experiments is
_NAMED_IN: dict[str, Path] = {}


def note_name(name: str, experiment: Path) -> None:
    """Remember that the experiment file names this picture or these weights."""
    _NAMED_IN[name] = experiment


def check_there(name: str) -> None:
    """Raise InputError for an address, and if there is no such file and an experiment file named it.

    The sentence then says where it was sought.
    """
    check_no_address(name)
    experiment = _NAMED_IN.get(name)
    if experiment is None or is_there(picture_path(name)):
        return
    where = "which does not exist"
    if not user_path(name).is_absolute():
        beside = os.path.abspath(experiment.parent / name)  # noqa: PTH100  (keeps links as they are named)
        where = f"which is neither beside it ({beside}) nor in the present folder"
    raise InputError(f"{experiment} names {name}, {where}: take the file and its pictures along together")


# ---- The size of the content picture, which image.size=native takes ----

NATIVE_SIZE = "${native:}"
"""How a configuration says it; OmegaConf asks ``_native_size`` for the number."""


def _native_size(_root_: Any) -> int:
    name = _root_.content
    if not isinstance(name, str) or not name:
        raise InputError("image.size=native is the size of a content: say one, or a number of pixels")
    check_there(name)
    path = picture_path(several_pictures(name)[0] if stands_for_several(name) else name)
    status = path.stat() if is_there(path) else None
    return _long_side(path, status and (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=256)
def _long_side(path: Path, version: object) -> int:
    """Of the picture in the file, as it is shown; ``version`` tells the file from what it was before."""
    return max(read_picture(path).pixels.shape[:2])


OmegaConf.register_new_resolver("native", _native_size, replace=True)


# ---- One name for several pictures: a folder, a glob, a pattern of numbered files ----

_MAGIC = re.compile(r"[*?]|\[[^\]]+\]")
_NOT_A_GLOB = ("[", "{", "$", '"', "'")  # how Hydra's own values begin: lists, mappings, references, quotes
_NUMBER = re.compile(r"%(0\d+)?d")  # as ffmpeg and OpenCV name numbered files: %d, %04d
_MOST_NAMED = 8  # files that are left out: a line has room for no more


def stands_for_several(name: str) -> bool:
    """Whether the name is a folder, a glob or a pattern such as frames/%04d.png, and no file itself."""
    try:
        if not name or picture_path(name).is_file():
            return False
        if _folder(name) is not None:
            return True
    except (OSError, ValueError):  # no name of a file at all
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
    return sorted(found, key=natural_order)


def left_out_of(names: Iterable[str]) -> list[str]:
    """A line for each folder among the names that holds files which are not taken for pictures.

    Hidden files are passed over in silence.
    """
    lines = []
    for name in names:
        folder = _folder(name)
        if folder is None:
            continue
        others = sorted(set(_files_in(folder)) - set(_listed(folder)), key=natural_order)
        if others:
            more = f" and {len(others) - _MOST_NAMED} others" if len(others) > _MOST_NAMED else ""
            lines.append(
                f"{counted(len(others), 'file')} of {name} left out, whose names are not those of pictures:"
                f" {', '.join(others[:_MOST_NAMED])}{more}"
            )
    return lines


def _folder(name: str) -> Path | None:
    path = user_path(name)
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
        beside = glob.glob(f"{glob.escape(parent)}/*" if parent else "*")  # noqa: PTH207
        return [one for one in beside if wanted.fullmatch(one.rpartition("/")[2])]
    found = glob.glob(expanded, recursive=True)  # noqa: PTH207  (the name may be absolute)
    if not found and expanded.startswith(f"{SAMPLES.name}/"):
        return glob.glob(expanded, root_dir=SAMPLES.parent)  # noqa: PTH207
    return found


def style_names(style: Any) -> list[str]:
    """The names of the style pictures: those that are given, and for a folder all that lie in it, by name.

    Raises InputError for what is no name, and for a folder without pictures.
    """
    given = as_list(style)
    if not given or not all(isinstance(name, str) and name for name in given):
        raise InputError(
            f"style must be the path of a picture or a folder, or a list of paths, but is {style!r}"
        )
    return [picture for name in given for picture in _pictures_of(name)]


def _pictures_of(name: str) -> list[str]:
    path = picture_path(name)
    if not path.is_dir():
        return [name]
    try:
        entries = sorted(entry.name for entry in path.iterdir() if entry.is_file())
    except OSError as error:
        raise InputError(f"the folder of styles {name} can't be read: {error.strerror}") from None
    found = [entry for entry in entries if entry[0] != "." and entry.lower().endswith(PICTURE_SUFFIXES)]
    if not found:
        holds = "is empty" if not entries else f"holds no picture among its {counted(len(entries), 'file')}"
        raise InputError(
            f"the folder of styles {name} {holds}: a picture is a file that ends in"
            f" {', '.join(sorted(PICTURE_SUFFIXES))}"
        )
    return [(Path(name) / entry).as_posix() for entry in found]
