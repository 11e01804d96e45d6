"""What an interrupted run left, and that it goes on from there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.command_line import Answer, nst


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def status_of(run: Path) -> str:
    return json.loads((run / "run.json").read_text())["status"]


def assert_goes_on_to_the_same_end(folder: Path, whole: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    run = folder / "run"
    resumed = nst(folder, "resume=run")
    assert resumed.status == 0, resumed.err
    assert (run / "image.png").read_bytes() == (whole.run / "image.png").read_bytes()
    assert losses(run) == losses(whole.run)
    assert not (run / "checkpoint.npz").exists()
