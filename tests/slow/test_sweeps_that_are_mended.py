"""The same words again, after what made jobs of a sweep fail is mended."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.sweep.sweeps import summary, sweep


@pytest.mark.slow
def test_failed_jobs_are_tried_again(small, tmp_path: Path, mistakes: list[int], monkeypatch) -> None:
    assert sweep(tmp_path, *small, "steps=1,3").status == 1
    rows = tmp_path / "sweep" / "1" / "metrics.jsonl"
    rows.write_text('{"step": 0}\n' * 7)
    (tmp_path / "sweep" / "1" / "remarks.txt").touch()
    monkeypatch.undo()
    answer = sweep(tmp_path, *small, "steps=1,3")
    assert answer.status == 0, answer.err
    assert mistakes == [1, 3]
    assert summary(tmp_path, 1)["status"] == "completed"
    assert "error" not in summary(tmp_path, 1)
    assert len(rows.read_text().splitlines()) == 3
    assert (tmp_path / "sweep" / "1" / "remarks.txt").exists()


@pytest.mark.slow
def test_value_that_can_not_be_resolved_may_be_mended(small, tmp_path: Path, monkeypatch) -> None:
    words = (*small, "steps=1,${oc.env:NST_TF_STEPS}")
    assert sweep(tmp_path, *words).status == 1
    assert "NST_TF_STEPS" in summary(tmp_path, 1)["error"]
    assert sweep(tmp_path, *words).status == 1
    monkeypatch.setenv("NST_TF_STEPS", "2")
    answer = sweep(tmp_path, *words)
    assert answer.status == 0, answer.err
    assert summary(tmp_path, 1)["steps"] == 2
