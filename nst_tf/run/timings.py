"""Where the time of a run goes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

_IMPORTED = time.perf_counter()


class Timings:
    """Seconds of each part of a run, by name; the parts do not overlap."""

    def __init__(self) -> None:
        """The first part begins now."""
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """The time since the last lap was spent on ``name``."""
        self.split(name, {})

    def split(self, rest: str, known: Mapping[str, float]) -> None:
        """Of the time since the last lap so much was spent as is ``known``, and what is left on ``rest``."""
        now = time.perf_counter()
        took, self._last = now - self._last, now
        for name, seconds in (*known.items(), (rest, max(0.0, took - sum(known.values())))):
            self.seconds[name] = round(seconds, 3)


def seconds_of_process() -> float:
    """How long this process has been running; where the system does not tell, since this was imported."""
    try:
        # proc(5): field 22 of stat is the start in clock ticks since boot; the name (2) may hold spaces
        ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
        return up - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):  # without /proc, or without sysconf
        return time.perf_counter() - _IMPORTED
