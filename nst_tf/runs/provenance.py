"""What a result depends on besides its configuration, and where the time of a run went."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nst_tf.config.schema import LABELS, Settings
from nst_tf.machine import processor_name, version_of

try:
    import resource
except ImportError:  # Windows
    resource = None

_PACKAGES = ("nst_tf", "tensorflow", "keras", "hydra-core", "omegaconf", "numpy", "pillow")
_GIT_SECONDS = 5  # reading a commit takes milliseconds; a hanging file system must not hold a run


def provenance() -> dict[str, Any]:
    """Versions, git commit of the code (None outside of a checkout), machine and processor."""
    return {
        "versions": {"python": platform.python_version()} | {name: version_of(name) for name in _PACKAGES},
        "git_commit": _git_commit(),
        "machine": {
            "system": platform.platform(),
            "processor": processor_name(),
            "cores": os.cpu_count(),
        },
    }


def peak_memory_bytes() -> int | None:
    """The largest resident memory of this process so far, in bytes; None where the system does not tell."""
    if resource is None:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024  # Linux counts in KiB, macOS in bytes


@cache  # the code that is loaded is that of the first run
def _git_commit() -> str | None:
    folder = Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--match="],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # a package that was installed inside of somebody's checkout is not that checkout's code
    in_checkout = (folder.parents[1] / ".git").exists()
    return found.stdout.strip() or None if found.returncode == 0 and in_checkout else None


SETTLED_BY_A_RUN = {"precision": "auto", "memory": "auto", "tile_size": None, "balance.calibration": None}
"""What a run finds out itself and writes into its configuration, and what stands there before."""

NOT_OF_A_RUN = ("sweep", "logger", "resume", "profile", *LABELS)
"""What is done with a whole sweep, or only told: no part of the identity of a run."""


def requested_sha256(settings: Settings) -> str:
    """The identity of a configuration as it was asked for, before anything in it was resolved by measurement.

    Equal for equal settings, whatever the order of the words that asked for them. What is done with a whole
    sweep, or only told, is no part of a run.
    """
    asked: Any = OmegaConf.to_container(settings, resolve=True, enum_to_str=True)
    for key in NOT_OF_A_RUN:
        asked.pop(key, None)
    if not asked["record"]["keep_checkpoint"]:  # of runs from before there was this key
        del asked["record"]["keep_checkpoint"]
    canonical = json.dumps(asked, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


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
