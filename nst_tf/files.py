"""Files: written wholly or not at all, hashed, and in the order of the numbers in their names."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HASH_BLOCK = 1 << 20  # bytes read at a time while hashing: bounds memory, any size gives the same hash
_PREFIX = ".unfinished-"
_TEMPORARY = re.compile(re.escape(_PREFIX) + r".*-[a-z0-9_]{8}(\.[^.]+)?")  # what mkstemp puts in is of 8
_being_written: set[Path] = set()


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the place of ``path`` in one step.

    The content is flushed to the disk before the rename, and the folder after it, so a crash leaves the
    old file or the new one, never a part, and what is there afterwards stays there. On an exception nothing
    is left behind; of a process that is killed, ``remove_unfinished`` takes it away. The temporary name
    keeps the suffix of ``path``, for writers that choose their format by it.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{_PREFIX}{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    _being_written.add(temporary)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        temporary.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    finally:
        _being_written.discard(temporary)


def write_text_atomically(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path`` in one step."""
    with written_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def hard_link(path: Path, other: Path) -> None:
    """Hard-link ``path``, if it is there, to ``other``, replacing it; without links it is renamed."""
    if not path.exists():
        return
    try:
        other.unlink(missing_ok=True)
        os.link(path, other)
    except OSError:
        path.replace(other)


def remove_unfinished(folder: Path) -> None:
    """Delete what a killed process left half-written in ``folder`` (not below it)."""
    for path in folder.glob(f"{_PREFIX}*"):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def remove_empty(folders: Iterable[Path]) -> None:
    """Take the folders away, innermost first, up to the first that holds anything."""
    for folder in folders:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return


def abandon_what_is_being_written() -> None:
    """Delete the temporary files of this process, which is about to end in the middle of writing."""
    for temporary in list(_being_written):
        with suppress(OSError):
            temporary.unlink()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as opened:
        while block := opened.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def natural_order(name: str) -> list[tuple[int, str]]:
    """A key for sorting: numbers compare as numbers, and other letters without regard to case first."""
    parts = re.split(r"(\d+)", name)
    keys = [(int(part), part) if index % 2 else (0, part.casefold()) for index, part in enumerate(parts)]
    return [*keys, (0, name)]


def relative_to_here(path: Path) -> Path:
    """As seen from the working folder, if it is below that."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _sync_folder(folder: Path) -> None:
    # without it a rename may be lost when the power fails; where a system can't, nothing can
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def obstacle_to_writing(folder: Path) -> str | None:
    """Why the folder could not be made or written, as "/there is not writable"; None if it can."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    return None if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} is not writable"
