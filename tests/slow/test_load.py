"""What ``tests/load.py`` measures, with fewer runs and steps."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli.command_line import REPOSITORY, environment

pytestmark = pytest.mark.alone  # memory is measured, and workers are killed by the clock

SCRIPT = REPOSITORY / "tests" / "load.py"


def load(folder: Path, *words: str) -> dict:
    answer = subprocess.run(
        [sys.executable, str(SCRIPT), *words, "--folder", str(folder), "--output", str(folder / "load.json")],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    found = json.loads((folder / "load.json").read_text())[words[0]]
    assert answer.returncode == (0 if found["kept"] else 1), answer.stderr
    return found


@pytest.mark.slow
def test_runs_in_one_process_leave_neither_memory_nor_open_files(tmp_path: Path) -> None:
    found = load(tmp_path, "sweep", "--runs", "40")
    assert found["kept"], found
    assert found["completed"] == 40
    assert found["growth_MB_a_run"] < 1


@pytest.mark.slow
def test_runs_in_workers_that_are_killed_are_completed_once(tmp_path: Path) -> None:
    if importlib.util.find_spec("joblib") is None:
        pytest.skip("the extra is not installed: pip install 'nst_tf[joblib]'")
    found = load(tmp_path, "killed", "--runs", "16", "--kills", "3")
    assert found["kept"], found
    assert (found["kills"], found["completed"], found["run_twice"]) == (3, 16, 0)


@pytest.mark.slow
def test_many_steps_leave_no_memory(tmp_path: Path) -> None:
    """Their speed is measured by the script alone: a test would measure the machine."""
    found = load(tmp_path, "soak", "--steps", "3000")
    assert found["status"] == 0
    resident = found["resident_MB"]
    assert resident[-1] < 1.02 * resident[0]
