"""``nst`` in a process of its own, as people call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def run_nst(*words: str, seconds: float | None = None) -> tuple[list[dict[str, Any]], float]:
    """Run it, or a sweep with ``-m`` as the first word, in a folder that is removed afterwards.

    Returns what each run.json says, with the moment at which it was written as ``written``, and the seconds
    of the whole command. Raises RuntimeError with its last line, TimeoutExpired after so many ``seconds``.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = "hydra.sweep.dir" if words[0] == "-m" else "hydra.run.dir"
        command = [sys.executable, "-m", "nst_tf", *words, f"{place}={folder}/made"]
        # the process that measures may hold memory of a GPU, too
        environment = os.environ | {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        began = time.perf_counter()
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=seconds, env=environment
        )
        took = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError((done.stderr.splitlines() or ["nst failed"])[-1])
        files = [Path(folder) / "made" / "run.json", *Path(folder).glob("made/[0-9]*/run.json")]
        found = [
            json.loads(file.read_text(encoding="utf-8")) | {"written": file.stat().st_mtime}
            for file in files
            if file.exists()
        ]
    return sorted(found, key=lambda summary: summary["written"]), took
