"""Whether the process that made a note is still there."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOST_PROCESSES = 1 << 31  # a pid_t has 32 bits with a sign


@dataclass(frozen=True)
class Process:
    """A process, so that no later one with the same number is taken for it.

    ``began`` is its start in clock ticks since the machine was booted, as Linux tells it; None elsewhere.
    """

    number: int
    host: str
    began: int | None = None

    @classmethod
    def this(cls) -> Process:
        """The process that asks."""
        return cls(os.getpid(), platform.node(), _began(os.getpid()))

    @classmethod
    def of(cls, note: Any) -> Process | None:
        """The process of a note that may have been written by anybody; None if it tells of none."""
        if not isinstance(note, Mapping):
            return None
        number, host, began = (note.get(name) for name in ("number", "host", "began"))
        if not (isinstance(number, int) and 0 < number < _MOST_PROCESSES and isinstance(host, str)):
            return None
        return cls(number, host, began) if began is None or isinstance(began, int) else None

    @property
    def is_of_this_host(self) -> bool:
        """Whether ``is_alive`` can tell."""
        return self.host == platform.node()

    @property
    def is_alive(self) -> bool:
        """Whether it runs on this machine; never true of one on another machine, which can't be seen."""
        if not self.is_of_this_host:
            return False
        try:
            os.kill(self.number, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's: it exists
            pass
        return _began(self.number) == self.began if self.began is not None else True


def _began(number: int) -> int | None:
    """Field 22 of /proc/NUMBER/stat (proc(5)); None without /proc, and of a process that only lingers."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name, in parentheses, may hold anything
    return None if fields[0] in "ZX" else int(fields[19])
