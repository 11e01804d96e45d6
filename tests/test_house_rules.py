"""The rules of the house that machines check: style, types, and which room may import which."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["lint-imports", "--no-cache"],
        ["pyright", "nst_tf"],
    ],
    ids=lambda command: command[0] + ("-format" if "format" in command else ""),
)
def test_a_checker_is_content(command: list[str]) -> None:
    program = shutil.which(command[0], path=f"{Path(sys.executable).parent}")
    assert program, f"{command[0]} is not installed beside Python: pip install -e '.[test]'"
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_of_the_package_are_one_idea_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "nst_tf").rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > 300} == {}
