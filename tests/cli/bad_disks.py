"""Disks that are full or read-only, really: as root by mounting one, otherwise by what any user can do."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LARGEST_FILE = 2_000  # bytes: less than a configuration has


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Make ``folder`` a disk of 1 MB; yields False, with nothing done, where this user can't."""
    folder.mkdir()
    if not _mounted(folder, "-o", "size=1m"):
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def small_files() -> Iterator[None]:
    """No file can grow beyond 2 kB: what a quota does, and any user can have."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make ``folder`` one that can't be written: on a disk of its own for root, whom modes don't stop."""
    folder.mkdir()
    if os.getuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
    elif _mounted(folder, "-o", "ro"):
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    else:  # a container's root: the kernel's own folders can't be written by anybody
        folder.rmdir()
        folder.symlink_to("/proc/self/fdinfo")
        yield
        folder.unlink()


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk of ``folder`` but for so many bytes; returns the file that does."""
    filler = folder / "filler"
    place = os.statvfs(folder)
    filler.write_bytes(bytes(max(0, place.f_bavail * place.f_frsize - leave)))
    return filler


def _mounted(folder: Path, *options: str) -> bool:
    if os.getuid() != 0:
        return False
    done = subprocess.run(
        ["mount", "-t", "tmpfs", *options, "tmpfs", folder], capture_output=True, check=False
    )
    return done.returncode == 0
