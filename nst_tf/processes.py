"""Whether the process that made a note is still there."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOST_PROCESSES = 1 << 31  # a pid_t has 32 bits with a sign
# processthreadsapi.h and winerror.h: PROCESS_QUERY_LIMITED_INFORMATION, STILL_ACTIVE, ERROR_ACCESS_DENIED
_QUERY, _STILL_ACTIVE, _ACCESS_DENIED = 0x1000, 259, 5


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
        if not _exists(self.number):
            return False
        return _began(self.number) == self.began if self.began is not None else True


def _exists(number: int) -> bool:
    if sys.platform == "win32":  # where os.kill ends the process, whatever the signal
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(_QUERY, False, number)
        if not handle:
            return kernel.GetLastError() == _ACCESS_DENIED  # somebody else's: it exists
        status = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(status))
        kernel.CloseHandle(handle)
        return status.value == _STILL_ACTIVE
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's: it exists
        pass
    return True


def _began(number: int) -> int | None:
    """Field 22 of /proc/NUMBER/stat (proc(5)); None without /proc, and of a process that only lingers."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name, in parentheses, may hold anything
    return None if fields[0] in "ZX" else int(fields[19])
