"""Texts of strangers' runs in the terminal, on the sheet and in the table: shown, and nothing more."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from unit.compare.made_runs import made_run, waves

from nst_tf.compare.cli import main

HOSTILE = {
    "a\nsetting": "\x1b[31mred\x1b]0;title\x07",
    "=HYPERLINK(1)": "=1+cmd|' /C calc'!A0",
    "turned": "\u202egnp.exe",
    "long": "x" * 1_000_000,
    "markup": "[red]not a color[/]",
}


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for number in (0, 1):
        values = {name: f"{value}{number}" for name, value in HOSTILE.items()}
        failed = {"status": "failed", "error": "two\nlines \x1b[2J\ud800"} if number else {}
        made_run(tmp_path / f"{number}", values, pixels=waves(24, 32, number), **failed)
    return tmp_path


def test_they_are_shown_on_lines_of_ours(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(sweep), "--no-yardstick"])
    said = capsys.readouterr()
    main(["--diff", str(sweep / "0"), str(sweep / "1"), "--no-yardstick"])
    table = capsys.readouterr()
    for text in (said.out, said.err, table.out, table.err):
        assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert "two lines \\x1b[2J\\ud800" in said.err
    assert "\\u202egnp.exe0" in table.out
    assert "[red]not a color[/]0" in table.out
    assert max(map(len, table.out.splitlines())) < 2100  # the long one is cut


def test_a_spreadsheet_finds_no_formula(sweep: Path) -> None:
    main([str(sweep), "--no-yardstick"])
    with (sweep / "results.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = list(csv.reader(file))
    cells = [cell for row in (head, *rows) for cell in row]
    assert "'=HYPERLINK(1)" in head
    assert "'=1+cmd|' /C calc'!A00" in rows[0]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in cells)
    assert "two\nlines \x1b[2J\\ud800" in rows[1][3].replace(" ", "\n", 1)


def test_names_that_are_none(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beyond what a file system takes, in the places where names of files stand."""
    jobs = [{"number": 0, "folder": "x" * 5000, "status": "completed"}]
    (sweep / "sweep.json").write_text(json.dumps({"jobs": jobs}))
    summary = json.loads((sweep / "0" / "run.json").read_text())
    (sweep / "0" / "run.json").write_text(json.dumps(summary | {"picture": "y" * 5000}))
    main([str(sweep), "--no-yardstick"])
    said = capsys.readouterr()
    assert "2 runs: 1 unreadable, 1 failed" in said.out
    assert "no file (File name too long)" in said.err
