"""``tests/fuzz.py`` as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def fuzz(scratch: Path, *words: str) -> str:
    """What the script says; it ends with status 0 only if nothing is wrong."""
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tests" / "fuzz.py", *words],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert list(scratch.iterdir()) == []
    return done.stdout
