"""Numbered frames in one file, a tar archive, as a run keeps them: the same frames give the same bytes."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from nst_tf.errors import InputError
from nst_tf.images.opening import content_of

_MAGIC, _MAGIC_AT = b"ustar", 257  # POSIX.1-1988, the header of a member


def is_archive(content: bytes) -> bool:
    """Whether these are the bytes of a tar archive."""
    return content[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC


def members(content: bytes, name: str) -> list[tuple[str, bytes]]:
    """Name and bytes of every file in the archive, in order; nothing is written to the disk.

    Raises InputError for a damaged archive; entries that are no plain files are left out.
    """
    try:
        with tarfile.open(fileobj=BytesIO(content), mode="r:") as archive:
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
    if target is None:
        return _packed(files, _Sink(None))
    with target.open("wb") as opened:
        return _packed(files, _Sink(opened))


def _packed(files: Sequence[Path], sink: _Sink) -> str:
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.USTAR_FORMAT) as archive:  # pyright: ignore[reportArgumentType, reportCallIssue]
        for number, file in enumerate(files, 1):
            try:
                content = content_of(file)
            except InputError:
                content = b""
            # no time and no owner: the archive says nothing of the machine
            entry = tarfile.TarInfo(f"{number:06d}{file.suffix.lower() if file.suffix.isascii() else ''}")
            entry.size = len(content)
            archive.addfile(entry, BytesIO(content))
    return sink.digest.hexdigest()


class _Sink:
    """What is written goes to a file, if there is one, and into a hash."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, block: bytes) -> int:
        self.digest.update(block)
        return len(block) if self._file is None else self._file.write(block)
