"""How much memory a run can have: of the machine, of its control group."""

from __future__ import annotations

import os
from pathlib import Path

_NO_LIMIT = 1 << 60  # control groups version 1 write a number near 2^63 for "no limit"


def available_bytes(root: Path = Path("/")) -> int | None:
    """What this process can have in all, with what it has already; None where nothing tells.

    The least of what Linux says is available (``MemAvailable``) and of what the control group leaves,
    in either version of the interface; elsewhere the physical memory. ``root`` is for tests.
    """
    own = _own_bytes(root)
    found = [one + own for one in (_mem_available(root), *_left_in_groups(root)) if one is not None]
    if found:
        return min(found)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def free_bytes(root: Path = Path("/")) -> int | None:
    """What this process can have beside what it has already; None where nothing tells."""
    there = available_bytes(root)
    return None if there is None else there - _own_bytes(root)


def _mem_available(root: Path) -> int | None:
    for line in _lines(root / "proc/meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) << 10
    return None


def _own_bytes(root: Path) -> int:
    for line in _lines(root / "proc/self/status"):
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) << 10
    return 0


def _left_in_groups(root: Path) -> list[int]:
    """Of every control group that this process is in, from its own up to the root, the limit less the use."""
    groups = root / "sys/fs/cgroup"
    left = []
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            base, limit, usage = groups, "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            base, limit, usage = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        folder = base / path.strip("/")
        # in a container the path may be that of the host, which is not seen here: the root then counts
        for group in (folder, *folder.parents):
            most, used = _number(group / limit), _number(group / usage)
            if most is not None and used is not None and most < _NO_LIMIT:
                left.append(max(0, most - used + _number_of("inactive_file", group / "memory.stat")))
            if group == base:
                break
    return left


def _number(file: Path) -> int | None:
    text = "".join(_lines(file)).strip()
    return int(text) if text.isdecimal() else None


def _number_of(name: str, file: Path) -> int:
    """A named count of ``memory.stat``; file pages that nobody uses are given up when memory is asked for."""
    for line in _lines(file):
        found, _, value = line.partition(" ")
        if found == name:
            return int(value)
    return 0


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
