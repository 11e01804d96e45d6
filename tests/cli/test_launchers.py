"""The launchers and sweepers of the ecosystem: a real sweep of four jobs, one of which raises, with each."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import environment, nst
from test_sweep import statuses, summary, sweep, told

EXTRAS = {
    "joblib": ("hydra_plugins.hydra_joblib_launcher", "joblib"),
    "submitit_local": ("hydra_plugins.hydra_submitit_launcher", "submitit"),
    "ray": ("hydra_plugins.hydra_ray_launcher", "ray"),
    "optuna": ("hydra_plugins.hydra_optuna_sweeper", "optuna"),
}
LAUNCHERS = {
    "joblib": ("hydra.launcher.n_jobs=2",),
    "submitit_local": ("hydra.sweeper.max_batch_size=4",),
    "ray": ("+hydra.launcher.ray.init.num_cpus=2",),
}


def need(option: str) -> None:
    plugin, extra = EXTRAS[option]
    try:
        found = importlib.util.find_spec(plugin)
    except ModuleNotFoundError:
        found = None
    if found is None:
        pytest.skip(f"the extra is not installed: pip install 'nst_tf[{extra}]'")


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


def process(folder: Path, *words: str, **kwargs) -> subprocess.Popen[str]:
    """The installed program if it is this code, else the module."""
    return subprocess.Popen(
        [sys.executable, "-m", "nst_tf", "-m", *words, "hydra.sweep.dir=sweep"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


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


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not appear"
        time.sleep(0.05)


def wait_for_note(folder: Path, job: int) -> dict:
    path = folder / "sweep" / ".jobs" / f"{job}.json"
    wait_for(path)
    note = json.loads(path.read_text())
    assert note["status"] == "running"
    return note


@pytest.fixture
def brightness(monkeypatch: pytest.MonkeyPatch):
    """In the place of the yardstick, the mean of the picture; returns all that were asked for."""
    import numpy as np
    from evaluated import unit

    asked = []

    def value_of(folder: Path, sweeper) -> float:
        asked.append(float(np.mean(unit(folder / "image.png"))))
        return asked[-1]

    monkeypatch.setattr("nst_tf.sweep.job.value_of", value_of)
    return asked


SEARCH = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=1")


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


def test_search_goes_on_from_a_seed(small, brightness: list[float], tmp_path: Path) -> None:
    need("optuna")
    words = (*small, "objective.style.weight=interval(1,10)", *SEARCH, "hydra.sweeper.n_trials=2")
    seeded = (*words, "hydra.sweeper.sampler.seed=1")
    assert sweep(tmp_path, *seeded).status == 0
    shutil.rmtree(tmp_path / "sweep" / "1")
    first = (tmp_path / "sweep" / "0" / "image.png").stat().st_mtime_ns
    answer = sweep(tmp_path, *seeded)
    assert answer.status == 0, answer.err
    assert (tmp_path / "sweep" / "0" / "image.png").stat().st_mtime_ns == first
    assert brightness[:2] == brightness[2:]
    assert "others each time" in sweep(tmp_path, *words).err
    refused = sweep(tmp_path, *seeded, "seed=1")
    assert refused.status == 2
    assert "holds other runs" in refused.err


def test_search_in_which_nothing_succeeds(small, brightness: list[float], tmp_path: Path) -> None:
    need("optuna")
    words = (*small[:-2], small[-1], "content=choice(nothing.png,nowhere.png)", *SEARCH)
    answer = sweep(tmp_path, *words, "hydra.sweeper.n_trials=2")
    assert answer.status == 1
    assert "2 jobs: 2 failed" in answer.err
    assert brightness == []
    assert "cut short" not in answer.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("hydra.sweeper.direction=maximize",), "hydra.sweeper.direction=maximize is not possible"),
        (("steps=0",), "steps must be at least 1, but is 0"),
        (("content=choice(nothing.png,nothing.png)",), "nothing.png does not exist"),
    ],
)
def test_search_that_can_not_succeed_is_refused_at_once(words, expected: str, small, tmp_path: Path) -> None:
    need("optuna")
    pictures = small[-2:] if "content" not in words[0] else small[-1:]
    interval = "objective.style.weight=interval(1,10)"
    answer = sweep(tmp_path, *small[:-2], *pictures, interval, *SEARCH, *words)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert expected in answer.err
    assert list(tmp_path.iterdir()) == []


def test_best_of_a_search() -> None:
    from nst_tf.sweep.search import best_of_search

    assert best_of_search({}) is None
    assert best_of_search({"job 0": 3.0, "job 1": 2.0}) == "job 1, with a trade-off of 2"
    pairs = {"job 0": [1.0, 4.0], "job 1": [2.0, 5.0], "job 2": [3.0, 0.5], "job 3": [1.0, 4.0]}
    assert (
        best_of_search(pairs)
        == "job 0, 1, 4; job 3, 1, 4; job 2, 3, 0.5 (content_distance and style_distance)"
    )


def test_value_of_a_run_is_the_yardstick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both directions of two, the trade-off of one; the measures themselves are tested elsewhere."""
    from types import SimpleNamespace

    from omegaconf import OmegaConf

    from nst_tf.errors import InputError
    from nst_tf.sweep import search
    from nst_tf.vgg import weights as sources

    known = SimpleNamespace(error=None, yardstick={"content_distance": 1.5, "style_distance": 0.25})
    monkeypatch.setattr("nst_tf.compare.reading.read_run", lambda folder: folder)
    monkeypatch.setattr(
        "nst_tf.compare.yardstick.measured_runs",
        lambda runs, weights: [known] if (runs, weights) == ([tmp_path], "vgg19") else [],
    )
    monkeypatch.setattr(sources, "load_weights", lambda name: name)
    assert search.value_of(tmp_path, OmegaConf.create({"direction": "minimize"})) == 6.5
    both = OmegaConf.create({"direction": ["minimize", "minimize"]})
    assert search.value_of(tmp_path, both) == [1.5, 0.25]
    known.error = "its picture is gone"
    with pytest.raises(InputError, match="gone"):
        search.value_of(tmp_path, both)
