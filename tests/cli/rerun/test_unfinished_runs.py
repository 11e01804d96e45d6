"""Runs that were not completed are named with their error, and keep no completed run from being used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from cli.command_line import SMALL, nst
from cli.rerun.rerun_command import nst_rerun
from cli.rerun.saved_folders import saved_folder

ERROR = "optimizer.learning_rate must be above 0, but is nan"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two completed jobs, and two that failed before anything of them was begun."""
    folder = tmp_path_factory.mktemp("unfinished")
    words = ("optimizer=adam", "optimizer.learning_rate=0.02,0.01,nan,foo", "sweep.compare=false")
    answer = nst(folder, "-m", *SMALL, *words, "hydra.sweep.dir=sweep")
    assert answer.status == 1, answer.err
    statuses = [job["status"] for job in json.loads((folder / "sweep" / "sweep.json").read_text())["jobs"]]
    assert statuses == ["completed", "completed", "failed", "failed"]
    assert "inputs" not in json.loads((folder / "sweep" / "2" / "run.json").read_text())
    return folder / "sweep"


def said_of_the_failed(err: str) -> bool:
    two, three = (line for line in err.splitlines() if line.endswith(": left out"))
    return "sweep/2 failed" in two and "nan" in two and "sweep/3 failed" in three and "foo" in three


def test_a_sweep_is_repeated_without_its_failed_jobs(sweep: Path, tmp_path: Path) -> None:
    told = nst_rerun(tmp_path, sweep, "--output", "again")
    assert told.status == 0, told.err
    assert said_of_the_failed(told.err)
    assert "2 of 2 bit-identical; 2 left out" in told.out
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["0", "1", "sweep.json"]


def test_the_completed_jobs_of_a_sweep_are_exported(sweep: Path, tmp_path: Path) -> None:
    told = nst_rerun(tmp_path, sweep, "--export", "all.yaml")
    assert told.status == 0, told.err
    assert said_of_the_failed(told.err)
    content = yaml.safe_load((tmp_path / "all.yaml").read_text())
    assert content["hydra"]["sweeper"]["params"] == {"optimizer.learning_rate": "0.02,0.01"}


@pytest.mark.parametrize(
    ("words", "said"), [((), "only completed runs are repeated"), (("--export", "x.yaml"), "before it began")]
)
def test_a_failed_run_is_refused_with_its_error(
    words: tuple[str, ...], said: str, sweep: Path, tmp_path: Path
) -> None:
    told = nst_rerun(tmp_path, sweep / "2", *words)
    assert told.status == 2
    assert told.sentence.startswith(f"nst-rerun: the run in {sweep / '2'} failed (")
    assert "but is nan" in told.sentence
    assert said in told.sentence
    assert not list(tmp_path.iterdir())


def test_what_is_left_must_be_a_grid(tmp_path: Path) -> None:
    for number, (steps, seed) in enumerate(((1, 1), (1, 2), (2, 1), (2, 2))):
        status = "failed" if number == 3 else "completed"
        saved_folder(tmp_path / "sweep" / str(number), [f"steps={steps}", f"seed={seed}"], status)
    told = nst_rerun(tmp_path, "sweep", "--export", "all.yaml")
    assert told.status == 2
    assert "the 3 completed of 4 runs in sweep are not all combinations" in told.sentence
    assert not (tmp_path / "all.yaml").exists()


def test_a_sweep_without_a_completed_run(tmp_path: Path) -> None:
    run = saved_folder(tmp_path / "sweep" / "0", status="failed")
    (run / "run.json").write_text(json.dumps({"status": "failed", "error": f"{ERROR}\x1b[2J\nand more"}))
    for words in ((), ("--export", "all.yaml")):
        told = nst_rerun(tmp_path, "sweep", *words)
        assert told.status == 2
        assert "no run of the sweep in sweep is completed: the run in sweep/0 failed" in told.sentence
        assert ERROR in told.sentence
        assert "\x1b" not in told.sentence


@pytest.mark.parametrize(
    ("status", "has_checkpoint", "said"),
    [
        (
            "interrupted",
            True,
            "was interrupted: only completed runs are repeated; go on with it: nst resume",
        ),
        ("interrupted", False, "was interrupted: only completed runs are repeated\n"),
        ("diverged", True, "diverged: only completed runs are repeated\n"),
        ("running", False, "is not at its end, or was killed: only completed runs are repeated\n"),
        ("od\x1bd", False, "has the status 'od\\x1bd': only"),
    ],
)
def test_the_way_on_is_named_only_if_there_is_one(
    status: str, has_checkpoint: bool, said: str, tmp_path: Path
) -> None:
    run = saved_folder(tmp_path / "run", status=status)
    if has_checkpoint:
        (run / "checkpoint.npz").touch()
    told = nst_rerun(tmp_path, run)
    assert told.status == 2
    assert said in told.err
