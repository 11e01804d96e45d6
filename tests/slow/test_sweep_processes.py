"""Sweeps and runs as processes: what is seen in a terminal, six at once, and one that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from cli.pseudo_terminal import nst_in_terminal, read_terminal
from cli.sweep.launchers import need, process, wait_for, wait_for_note
from cli.sweep.sweeps import statuses, summary, told


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_one_line_that_moves_in_a_terminal(launcher: str, small, tmp_path: Path) -> None:
    words = [*small, "sweep.compare=false", "steps=1,2,3", "content=nothing.png,samples/mosaic.jpg"]
    if launcher == "joblib":
        need("joblib")
        words += ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    started, ours = nst_in_terminal(tmp_path, "-m", *words, "hydra.sweep.dir=sweep")
    shown, deadline = "", time.monotonic() + 200
    while time.monotonic() < deadline and (piece := read_terminal(ours)):
        shown += piece
    assert started.wait(timeout=10) == 1, shown[-2000:]
    os.close(ours)
    assert "6 jobs done, 3 failed" in shown
    assert "left" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    pieces = {piece.strip() for piece in re.split(r"[\r\n]+", plain)} - {""}
    told_of = [piece for piece in pieces if not piece.startswith("sweep")]  # the bar, and the answer
    assert sorted(piece[:5] for piece in told_of) == ["6 job", "6 job", "job 0", "job 2", "job 4"]
    assert shown.rstrip().endswith("sweep")
    assert "steps/s" not in shown
    assert "Traceback" not in shown
    # a worker that loads TensorFlow after a job that was refused grows, and is kept
    made = {summary(tmp_path, job)["process"]["number"] for job in (1, 3, 5)}
    assert len(made) <= (2 if launcher == "joblib" else 1)


@pytest.mark.slow
def test_sweep_that_is_killed_goes_on(small, tmp_path: Path) -> None:
    """SIGKILL of the only process, while it is at the second of three jobs."""
    words = (*small, "sweep.compare=false", "steps=3,4,5", "record.checkpoint_every=1e-9", "image.size=64")
    with process(tmp_path, *words) as started:
        wait_for(tmp_path / "sweep" / "1" / "run.json")
        started.kill()
        started.communicate(timeout=60)
    assert told(tmp_path)["status"] == "running"
    assert wait_for_note(tmp_path, 1)["process"]["number"] == started.pid
    assert summary(tmp_path, 1)["status"] == "running"
    done = (tmp_path / "sweep" / "0" / "image.png").stat().st_mtime_ns
    with process(tmp_path, *words) as again:
        _, err = again.communicate(timeout=200)
    assert again.returncode == 0, err
    assert err.startswith("3 jobs in sweep\n1 of 3 jobs is completed already\n")
    assert statuses(tmp_path) == ["completed"] * 3
    assert (tmp_path / "sweep" / "0" / "image.png").stat().st_mtime_ns == done
    losses = [
        json.loads(line)["loss"] for line in (tmp_path / "sweep/1/metrics.jsonl").read_text().splitlines()
    ]
    assert len(losses) == 4


@pytest.mark.slow
def test_end_of_a_sweep_in_one_process_by_sigterm(small, tmp_path: Path) -> None:
    with process(tmp_path, *small, "sweep.compare=false", "steps=100000,200000") as started:
        wait_for(tmp_path / "sweep" / "0" / "metrics.jsonl")
        started.send_signal(signal.SIGTERM)
        _, err = started.communicate(timeout=60)
    assert started.returncode == 143, err
    assert "Traceback" not in err
    assert statuses(tmp_path) == ["interrupted", "pending"]
    assert summary(tmp_path, 0)["status"] == "interrupted"
