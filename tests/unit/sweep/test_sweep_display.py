"""The lines of a sweep, where jobs end in other processes: several between two looks, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from nst_tf.errors import counted
from nst_tf.machine import Process
from nst_tf.sweep import display
from nst_tf.sweep.display import SweepDisplay
from nst_tf.sweep.plan import PlannedJob
from nst_tf.sweep.state import JobRecord, Sweep, write_record


def lines(
    folder: Path,
    capsys: pytest.CaptureFixture,
    *batches: Mapping[int, str | tuple[str, str]],
    count: int = 4,
    completed=(),
) -> list[str]:
    """What is told when the jobs of each batch ended between two looks, without the time that is left."""
    jobs = [PlannedJob(number, (f"seed={number}",), str(number)) for number in range(count)]
    plan = SimpleNamespace(jobs=jobs, count=count, overrides=("seed=0,1",), fixed=frozenset())
    sweep = Sweep(folder, plan, completed)  # type: ignore[arg-type]
    sweep.begin()
    shown = SweepDisplay(sweep)
    shown.start()
    for batch in batches:
        for number, status in batch.items():
            if isinstance(status, tuple):  # rows of the metrics of one that runs
                (folder / str(number)).mkdir(exist_ok=True)
                (folder / str(number) / "metrics.jsonl").write_text(status[1])
                status = status[0]
            error = "it broke" if status == "failed" else None
            record = JobRecord(number, str(number), (f"seed={number}",), status, Process.this(), error, 3.0)
            write_record(folder, record)
        shown.look()
    shown.stop()
    first, *told = [line.partition(", about")[0] for line in capsys.readouterr().err.splitlines()]
    assert first == f"{counted(count, 'job')} in {folder}"
    return told


@pytest.fixture(autouse=True)
def _no_looks_but_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LOOKS", 1000)


def test_counts_are_those_of_the_lines_so_far(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    told = lines(tmp_path, capsys, {0: "completed"}, {1: "completed", 2: "failed", 3: "completed"})
    assert told == [
        "job 0 (seed=0) completed in 3 s: 1 of 4 jobs done",
        "job 1 (seed=1) completed in 3 s: 2 of 4 jobs done",
        "job 2 (seed=2) failed: it broke",
        "job 3 (seed=3) completed in 3 s: 4 of 4 jobs done, 1 failed",
    ]


def test_interrupted_job_is_not_done(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    told = lines(tmp_path, capsys, {1: "interrupted"}, completed=[0])
    assert told == [
        "1 of 4 jobs is completed already",
        "job 1 (seed=1) interrupted in 3 s: 1 of 4 jobs done",
    ]


def test_one_job(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert lines(tmp_path, capsys, {0: "completed"}, count=1) == [
        "job 0 (seed=0) completed in 3 s: 1 of 1 job done"
    ]


def test_a_job_that_runs_is_told_of_with_its_step_and_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that is being written, and a run without any, are passed over."""
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0)
    rows = '{"step": 3, "loss": 2.0}\n{"step": 4, "loss": 1.23456}\n{"step": 5, "lo'
    told = lines(tmp_path, capsys, {0: ("running", rows), 1: ("running", ""), 2: ("running", "null\n")})
    assert set(told) == {"job 0 at step 5, loss 1.235"}
    assert lines(tmp_path, capsys, {0: "completed", 1: "completed"})[-1].endswith("2 of 4 jobs done")
