"""One process at a time in the folder of a run."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from nst_tf.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

Place = tuple[int, int]
"""Device and inode of a folder."""

_held: dict[Place, int] = {}  # by this process: the open folders


class FolderInUse(InputError):
    """Another process is at the run in this folder: whatever is in it belongs to that one."""


def claim(folder: Path) -> Place | None:
    """Lock the existing folder for this process, until ``release``; raises FolderInUse if another has it.

    The lock (flock(2), of the folder itself) is the kernel's and ends with the process however that ends, so
    it leaves no file behind and can't be stale. Where the file system has no such locks, nothing is locked.
    Returns what ``release`` takes: the folder may have another name by then, or none.
    """
    if fcntl is None:
        return None
    opened = os.open(folder, os.O_RDONLY)
    place = os.fstat(opened)
    key = (place.st_dev, place.st_ino)
    try:
        if key not in _held:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _held[key] = opened
    except BlockingIOError:
        raise FolderInUse(
            f"another process is at the run in {folder}: wait for its end, or choose another folder with"
            " hydra.run.dir"
        ) from None
    except OSError:  # a network's file system without locks
        return None
    finally:
        if _held.get(key) != opened:
            os.close(opened)
    return key


def release(place: Place | None) -> None:
    """Let others have the folder; nothing if this process has it no more."""
    if place in _held:
        os.close(_held.pop(place))


def alone_in(parameter: str) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
    """A decorator: the function holds the folder that its parameter of this name says; see ``claim``.

    A folder that is not there is left to the function.
    """

    def decorated(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        signature = inspect.signature(function)

        @wraps(function)
        def alone(*arguments: _Arguments.args, **others: _Arguments.kwargs) -> _Result:
            folder = signature.bind(*arguments, **others).arguments[parameter]
            if not folder.is_dir():
                return function(*arguments, **others)
            place = claim(folder)
            try:
                return function(*arguments, **others)
            finally:
                release(place)

        return alone

    return decorated
