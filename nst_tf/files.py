"""Files that are either wholly there or not there at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HASH_BLOCK = 1 << 20  # bytes read at a time while hashing: bounds memory, any size gives the same hash


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the place of ``path`` in one step.

    The content is flushed to the disk before the rename, so a crash leaves the old file or the new
    one, never a part. On an exception nothing is left behind. The temporary name keeps the suffix of
    ``path``, for writers that choose their format by it.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_text_atomically(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path`` in one step."""
    with written_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as opened:
        while block := opened.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
