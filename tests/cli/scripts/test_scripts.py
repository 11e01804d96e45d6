"""The measuring scripts: help at once, without TensorFlow and what it prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "scripts"
_HELP = """
import runpy, sys
script = sys.argv[1]
sys.argv = [script, "--help"]
sys.path.insert(0, script.rpartition("/")[0])
try:
    runpy.run_path(script, run_name="__main__")
except SystemExit:
    print("LOADED" if "tensorflow" in sys.modules else "")
"""


def test_help_does_not_load_tensorflow() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", _HELP, str(SCRIPTS / "benchmark.py")],
        env={"PYTHONPATH": str(SCRIPTS.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stderr == ""
    assert "1, 4, 9" in answer.stdout
    assert "LOADED" not in answer.stdout
