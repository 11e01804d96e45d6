"""Damaged and hostile input by the hundred: ``tests/fuzz.py`` itself, with fewer cases."""

from __future__ import annotations

from pathlib import Path

from cli.scripts.fuzzed import fuzz

_FIRST = 6  # the cases before it are bombs, of which each takes a second to make


def test_damaged_pictures(tmp_path: Path) -> None:
    said = fuzz(tmp_path, "--pictures=150", f"--first={_FIRST}", "--overrides=0", "--folders=0")
    assert "150 cases" in said
    assert "refused" in said
    assert "read" in said
