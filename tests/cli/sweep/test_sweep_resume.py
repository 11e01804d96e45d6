"""A sweep that was cut short goes on; nothing that belongs to another run is touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli.command_line import nst
from cli.sweep.sweeps import everything, statuses, summary, sweep, told

from nst_tf import recorded_run
from nst_tf.callbacks import Recording


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of two jobs that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    assert sweep(folder, *small, "steps=4,6").status == 0
    return folder


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole / "sweep", tmp_path / "sweep")
    return tmp_path


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps of the runs that were begun."""
    optimize, steps = recorded_run.optimize, []

    def noting(experiment, *arguments):
        steps.append(experiment.steps)
        return optimize(experiment, *arguments)

    monkeypatch.setattr(recorded_run, "optimize", noting)
    return steps


def change(path: Path, **facts) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_only_what_is_not_completed_is_run(small, copied: Path, whole: Path, begun: list[int]) -> None:
    shutil.rmtree(copied / "sweep" / "1")
    before = everything(copied / "sweep" / "0")
    answer = sweep(copied, "steps=4,6", *small[:2], *small[3:])  # the order of the words is no matter
    assert answer.status == 0, answer.err
    assert begun == [6]
    said = "2 jobs in sweep\n1 of 2 jobs is completed already\njob 1 (steps=6) completed in "
    assert answer.err.startswith(said)
    assert statuses(copied) == ["completed", "completed"]
    picture = Path("sweep", "1", "image.png")
    assert (copied / picture).read_bytes() == (whole / picture).read_bytes()
    after = everything(copied / "sweep" / "0")
    kept = [path for path in before if ".hydra" not in path.parts and path.name != "nst.log"]
    assert {"image.png", "config.yaml", "run.json", "inputs", "metrics.jsonl"} <= {path.name for path in kept}
    assert all(before[path] == after[path] for path in kept)


def test_nothing_is_left_to_do(small, copied: Path, begun: list[int]) -> None:
    answer = sweep(copied, *small, "steps=4,6")
    assert answer.status == 0, answer.err
    assert answer.out == "sweep\n"
    assert begun == []
    assert statuses(copied) == ["completed", "completed"]


@pytest.mark.parametrize(
    ("words", "number", "difference"),
    [
        (("steps=5,6",), 0, "(steps: was 4, now 5)"),
        (("steps=3,4,6",), 0, "(steps: was 4, now 3)"),  # the numbers have shifted
        (("steps=4,6", "seed=1"), 0, "(seed: was 0, now 1)"),
        (("steps=4,7",), 1, "(steps: was 6, now 7)"),
        (("steps=4,6", "style=samples/mosaic.jpg"), 0, "a painting.png, now samples/mosaic.jpg)"),
        (("steps=4,6", "optimizer=adam"), 0, "(optimizer: was lbfgs, now adam)"),
        (("steps=4,6", "precision=auto"), 0, "(precision: was float32, now auto)"),
        (
            ("steps=4,6", "seed=1", "objective=pastiche", "image.clip=false", "average=0.5"),
            0,
            "(seed: was 0, now 1; objective: was wasserstein, now pastiche; image.clip: was true, now false;"
            " and ",
        ),
    ],
)
def test_another_configuration_is_refused(words, number: int, difference: str, small, copied: Path) -> None:
    before = everything(copied)
    answer = sweep(copied, *small, *words)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert f"{copied / 'sweep' / str(number)} holds a run with another configuration (" in answer.err
    assert difference in answer.err
    assert everything(copied) == before


def test_another_picture_under_the_same_name_is_refused(
    small, photo: Path, painting: Path, tmp_path: Path
) -> None:
    shutil.copy(photo, tmp_path / "mine.png")
    words = (*small[:-2], small[-1], "content=mine.png", "steps=1,2")
    assert sweep(tmp_path, *words).status == 0
    shutil.copy(painting, tmp_path / "mine.png")
    before = everything(tmp_path)
    answer = sweep(tmp_path, *words)
    assert answer.status == 2
    assert "mine.png is not what it was" in answer.err
    assert everything(tmp_path) == before


def test_the_job_itself_refuses_as_well(small, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the launching process could not see beforehand, such as a folder that came into being since."""
    monkeypatch.setattr("nst_tf.sweep.callback.completed_before", lambda *_: [])
    files = (copied / "sweep" / "0").glob("[cilmr]*")
    run = {path: path.read_bytes() for path in files if path.is_file()}
    assert {path.name for path in run} >= {"image.png", "config.yaml", "run.json", "metrics.jsonl"}
    answer = sweep(copied, *small, "steps=5,6")
    assert answer.status == 1
    assert statuses(copied) == ["failed", "completed"]
    assert "another configuration" in told(copied)["jobs"][0]["error"]
    assert {path: path.read_bytes() for path in run} == run


def test_more_values_at_the_end_add_jobs_and_fewer_forget_none(small, copied: Path, begun: list[int]) -> None:
    assert sweep(copied, *small, "steps=4,6,1").status == 0
    assert begun == [1]
    assert sweep(copied, *small, "steps=4").status == 0
    assert begun == [1]
    assert statuses(copied) == ["completed"] * 3


def test_cut_short_run_goes_on_from_its_checkpoint(small, whole: Path, tmp_path: Path, monkeypatch) -> None:
    class Stopped(BaseException):
        """Stands for the end of the process."""

    report = Recording.on_report

    def stopping(self, one, solver) -> None:
        report(self, one, solver)
        if one.step == 4:
            raise Stopped

    words = (*small, "steps=4,6", "record.checkpoint_every=1e-9", "record.image_every=1")
    monkeypatch.setattr(Recording, "on_report", stopping)
    cut = sweep(tmp_path, *words)
    assert cut.status == 1
    assert "the sweep was cut short (Stopped)" in cut.err.splitlines()[-1]
    assert "Traceback" in (tmp_path / "sweep" / "nst.log").read_text()
    folder = tmp_path / "sweep" / "1"
    assert (folder / "checkpoint.npz").is_file()
    change(folder / "run.json", status="running")  # as a killed process leaves it
    monkeypatch.undo()
    answer = sweep(tmp_path, *words)
    assert answer.status == 0, answer.err
    assert summary(tmp_path, 1)["resumed_at_step"] == 5
    assert "error" not in summary(tmp_path, 1)
    one, other = (
        [json.loads(line)["loss"] for line in (place / "sweep/1/metrics.jsonl").read_text().splitlines()]
        for place in (tmp_path, whole)
    )
    assert one == other


def test_sweep_that_still_goes_on_is_left_alone(small, copied: Path) -> None:
    import subprocess
    from dataclasses import asdict

    from nst_tf.machine import Process

    with subprocess.Popen(["sleep", "60"]) as other:
        process = asdict(Process.numbered(other.pid))
        change(copied / "sweep" / "sweep.json", status="running", process=process)
        before = everything(copied)
        answer = sweep(copied, *small, "steps=4,6")
        assert answer.status == 2
        assert "still going on" in answer.err
        notes = copied / "sweep" / ".jobs"
        notes.mkdir()
        note = {"number": 1, "folder": "1", "overrides": [], "status": "running", "process": process}
        (notes / "1.json").write_text(json.dumps(note))
        before = everything(copied)
        answer = sweep(copied, *small, "steps=4,6")
        assert answer.status == 2
        assert (
            f"job 1 of the sweep in {copied / 'sweep'} is still being run by process {other.pid}"
            in answer.err
        )
        assert everything(copied) == before
        other.kill()
    assert sweep(copied, *small, "steps=4,6").status == 0


def test_single_run_does_not_take_the_folder_of_a_sweep_or_a_job(small, copied: Path) -> None:
    before = everything(copied)
    for folder, said in (("sweep/0", "holds a run already"), ("sweep", "sweep holds a sweep")):
        answer = nst(copied, *small, f"hydra.run.dir={folder}")
        assert answer.status == 2
        assert said in answer.err
    assert everything(copied) == before


def test_sweep_does_not_take_the_folder_of_a_run(small, copied: Path) -> None:
    before = everything(copied)
    answer = nst(copied, "-m", *small, "steps=4,6", "hydra.sweep.dir=sweep/0")
    assert answer.status == 2
    assert "sweep/0 holds a run: choose another" in answer.err
    assert everything(copied) == before


def test_what_a_run_measured_is_no_difference(small, copied: Path) -> None:
    """memory=auto was asked for, and the run wrote memory: plain."""
    answer = sweep(copied, *small, "steps=5,6")
    assert "memory" not in answer.err
    answer = sweep(copied, *small, "steps=4,6", "memory=recompute")
    assert "(memory: was auto, now recompute)" in answer.err
