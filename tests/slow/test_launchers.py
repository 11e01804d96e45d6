"""The launchers and sweepers of the ecosystem: a real sweep of four jobs, one of which raises, with each."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from cli.command_line import nst
from cli.sweep.launchers import SEARCH, need, process, wait_for, wait_for_note
from cli.sweep.sweeps import statuses, summary, sweep, told

LAUNCHERS = {
    "joblib": ("hydra.launcher.n_jobs=2",),
    "submitit_local": ("hydra.sweeper.max_batch_size=4",),
    "ray": ("+hydra.launcher.ray.init.num_cpus=2",),
}


@pytest.fixture(scope="module")
def four(photo: Path, painting: Path, small: tuple[str, ...]) -> tuple[str, ...]:
    """Four jobs, of which the third raises."""
    pictures = f"content={photo},samples/mosaic.jpg,nothing.png,samples/still_life.jpg"
    return (*small[:-2], small[-1], "sweep.compare=false", pictures)


@pytest.fixture(scope="module")
def one_after_the_other(four, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same jobs with Hydra's basic launcher, in this process."""
    folder = tmp_path_factory.mktemp("basic")
    assert sweep(folder, *four).status == 1
    return folder


def assert_same_pictures(folder: Path, other: Path, jobs: tuple[int, ...]) -> None:
    for job in jobs:
        picture = Path("sweep", str(job), "image.png")
        assert (folder / picture).read_bytes() == (other / picture).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_launcher(launcher: str, four, one_after_the_other: Path, tmp_path: Path) -> None:
    need(launcher)
    words = (*four, f"hydra/launcher={launcher}", *LAUNCHERS[launcher])
    with process(tmp_path, *words) as started:
        out, err = started.communicate(timeout=900)
    assert started.returncode == 1, err
    assert out == "sweep\n"
    assert statuses(tmp_path) == ["completed", "completed", "failed", "completed"]
    assert told(tmp_path)["status"] == "failed"
    assert summary(tmp_path, 2)["error"].startswith("nothing.png does not exist")
    assert "Traceback" in (tmp_path / "sweep" / "2" / "nst.log").read_text()
    first, *lines = err.splitlines()
    assert first == "4 jobs in sweep"
    assert len(lines) == 4 + 1 + 1, err  # a line a job, the count, and the one that failed
    assert sorted(line[:5] for line in lines[:4]) == ["job 0", "job 1", "job 2", "job 3"]
    assert lines[4].startswith("4 jobs: 3 completed, 1 failed in ")
    assert "Traceback" not in err
    assert_same_pictures(tmp_path, one_after_the_other, (0, 1, 3))
    if launcher != "joblib":  # what is left to do is told apart before any launcher is asked
        return
    times = {job: (tmp_path / "sweep" / str(job) / "image.png").stat().st_mtime_ns for job in (0, 1, 3)}
    with process(tmp_path, *words) as again:
        _, err = again.communicate(timeout=900)
    assert again.returncode == 1
    assert err.startswith(
        "4 jobs in sweep\n3 of 4 jobs are completed already\njob 2 (content=nothing.png) failed: "
    )
    assert {job: (tmp_path / "sweep" / str(job) / "image.png").stat().st_mtime_ns for job in times} == times


@pytest.mark.slow
def test_sweep_whose_worker_is_killed_is_finished_by_another_call(
    four, one_after_the_other: Path, tmp_path: Path
) -> None:
    """joblib gives up all jobs when one of its processes is killed."""
    need("joblib")
    words = (*four, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    with process(tmp_path, *words) as started:
        note = wait_for_note(tmp_path, 1)
        assert note["process"]["number"] != started.pid
        os.kill(note["process"]["number"], signal.SIGKILL)
        _, err = started.communicate(timeout=900)
    assert started.returncode == 1, err
    assert "Traceback" not in err
    job = told(tmp_path)["jobs"][1]
    assert job["status"] == "failed"
    assert "its process was killed" in job["error"]
    assert "the sweep was cut short" in err
    assert "hydra.sweep.dir=sweep" in err
    assert told(tmp_path)["status"] == "failed"
    assert "running" not in statuses(tmp_path)
    with process(tmp_path, *words) as again:
        _, err = again.communicate(timeout=900)
    assert statuses(tmp_path) == ["completed", "completed", "failed", "completed"], err
    assert_same_pictures(tmp_path, one_after_the_other, (0, 1, 3))


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_jobs_in_other_processes_stop_with_the_sweep(
    sent: signal.Signals, status: int, small, tmp_path: Path
) -> None:
    """The signal reaches the launching process alone, as from `kill`."""
    need("joblib")
    words = (*small, "sweep.compare=false", "steps=100000,200000,300000")
    with process(tmp_path, *words, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2") as started:
        numbers = [wait_for_note(tmp_path, job)["process"]["number"] for job in (0, 1)]
        wait_for(tmp_path / "sweep" / "0" / "metrics.jsonl")
        started.send_signal(sent)
        _, err = started.communicate(timeout=60)
    assert started.returncode == status, err
    assert "Traceback" not in err
    assert "nst: interrupted; " in err
    assert statuses(tmp_path) == ["interrupted", "interrupted", "pending"]
    assert told(tmp_path)["status"] == "interrupted"
    assert summary(tmp_path, 0)["status"] == "interrupted"
    for number in numbers:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


@pytest.mark.slow
def test_search(four, brightness: list[float], tmp_path: Path) -> None:
    """The third of four pictures does not exist: its trial fails, and no number is made up for it."""
    need("optuna")
    words = (*four[:-1], four[-1].replace("content=", "content=choice(") + ")")
    grid = (*SEARCH, "hydra/sweeper/sampler=grid", "hydra.sweep.dir=sweep")
    answer = nst(tmp_path, "-m", *words, *grid)
    assert answer.status == 1, answer.err
    assert sorted(statuses(tmp_path)) == ["completed"] * 3 + ["failed"]
    (failed,) = (job for job in told(tmp_path)["jobs"] if job["status"] == "failed")
    assert "nothing.png does not exist" in failed["error"]
    assert len(brightness) == 3
    best = next(line for line in answer.err.splitlines() if line.startswith("the best: "))
    assert best.endswith(f", with a trade-off of {min(brightness):.4g}")
    assert "Failed experiment" not in answer.err
    assert "A new study" not in answer.err
    assert answer.err.count("nothing.png does not exist") == 2
    assert len(answer.err.splitlines()) == 1 + 4 + 1 + 1 + 1
