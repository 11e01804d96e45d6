"""Damaged and hostile input by the hundred, and that whatever may not happen is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli.command_line import REPOSITORY
from cli.scripts.fuzzed import fuzz


@pytest.mark.slow
def test_many_damaged_pictures(tmp_path: Path) -> None:
    fuzz(tmp_path, "--pictures=2000", "--overrides=0", "--folders=0", "--seed=1")


@pytest.mark.slow
def test_odd_words(tmp_path: Path) -> None:
    assert "accepted" in fuzz(tmp_path, "--pictures=0", "--overrides=150", "--folders=0", "--seed=1")


@pytest.mark.slow
def test_damaged_folders(tmp_path: Path) -> None:
    fuzz(tmp_path, "--pictures=0", "--overrides=0", "--folders=60", "--seed=1")


_BAD = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from fuzzing.batches import Answer, MOST_BYTES, run_cases
from fuzzing.watch import Watch

place = Path(sys.argv[2])
(place / "inside").mkdir()
watches = []

def check(number):
    if not watches:
        watches.append(Watch())
    watches[0].begin(place / "inside")
    kept = None
    if number == 1:
        raise ValueError("a mistake")
    if number == 2:
        while True:
            pass
    if number == 3:
        os.abort()
    if number == 4:
        (place / "outside.txt").write_text("x")
    if number == 5:
        os.system("true")
    if number == 6:
        os.write(2, b"chatter")
    if number == 7:
        kept = b"x" * (MOST_BYTES + 100_000_000)
    if number == 8:
        (place / "inside" / "a.txt").write_text("x")
        (place / "inside" / "../../elsewhere.txt").write_text("x")
    return Answer("done", tuple(watches[0].end()))

tally = run_cases(check, range(10), seconds=10)
for number, reasons in sorted(tally.wrong.items()):
    print(number, "; ".join(reasons))
print(sum(tally.outcomes.values()))
"""


@pytest.mark.slow
def test_whatever_a_case_does_is_seen(tmp_path: Path) -> None:
    """The judge itself: one case of each kind that may not be, and two that may."""
    done = subprocess.run(
        [sys.executable, "-c", _BAD, REPOSITORY / "tests", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    *lines, total = done.stdout.splitlines()
    assert total == "10", done.stderr
    seen = dict(line.split(" ", 1) for line in lines)
    expected = {
        "1": "ValueError: a mistake",
        "2": "hangs: killed",
        "3": "its process died: SIGABRT",
        "4": "outside.txt",
        "5": "os.system",
        "6": "prints 7 bytes: b'chatter'",
        "7": "takes 2",
        "8": "elsewhere.txt",
    }
    assert seen.keys() == expected.keys()
    assert [number for number, part in expected.items() if part not in seen[number]] == []
