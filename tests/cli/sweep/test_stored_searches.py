"""A search that is stored in a database goes on: new trials only, numbered on, the best named among all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cli.command_line import Answer, nst

pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")

STORED = (
    *("-m", "hydra/sweeper=optuna", "hydra.sweeper.n_jobs=1", "sweep.compare=false"),
    *("hydra.sweeper.storage=sqlite:///o.db", "hydra.sweeper.study_name=x"),
    "objective.style.weight=interval(1,1000)",
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The weights of the jobs that were made, in order; nothing is computed, and the weight is the value."""
    weights: list[float] = []

    def run(settings, choices, folder: Path, words, **more) -> Path:
        weights.append(settings.objective.style.weight)
        (folder / "run.json").write_text(json.dumps({"status": "completed", "weight": weights[-1]}))
        return folder

    def value(folder: Path, sweeper) -> float:
        return json.loads((folder / "run.json").read_text())["weight"]

    monkeypatch.setattr("nst_tf.sweep.job.run", run)
    monkeypatch.setattr("nst_tf.sweep.job.value_of", value)
    return weights


def search(folder: Path, trials: int, *words: str) -> Answer:
    return nst(folder, *STORED, f"hydra.sweeper.n_trials={trials}", *words)


def jobs(folder: Path) -> list[tuple[int, str, str]]:
    told = json.loads((folder / "sweep.json").read_text())["jobs"]
    return [(job["number"], job["folder"], job["status"]) for job in told]


@pytest.mark.parametrize("sampler", [(), ("hydra/sweeper/sampler=random", "hydra.sweeper.sampler.seed=1")])
def test_new_trials_only_numbered_on(sampler: tuple[str, ...], made: list[float], tmp_path: Path) -> None:
    words = (*sampler, "hydra.sweep.dir=sweep")
    first = search(tmp_path, 3, *words)
    assert first.status == 0, first.err
    second = search(tmp_path, 5, *words)
    assert second.status == 0, second.err
    assert jobs(tmp_path / "sweep") == [(number, str(number), "completed") for number in range(5)]
    assert len(set(made)) == 5  # none was made twice, nor sampled again
    assert "the study x has 3 trials: 2 more come" in second.err
    assert "2 jobs: 2 completed" in second.err
    best = made.index(min(made))
    for answer in (second, search(tmp_path, 5, *words)):
        assert answer.status == 0, answer.err
        (line,) = (line for line in answer.err.splitlines() if line.startswith("the best: "))
        assert re.match(rf"the best: job {best} \(.*\), with a trade-off of {min(made):.4g}$", line)
    assert (
        "the study x has 5 trials, and is complete: a larger hydra.sweeper.n_trials makes more" in answer.err
    )
    assert len(made) == 5


def test_in_another_folder_too(made: list[float], tmp_path: Path) -> None:
    assert search(tmp_path, 3, "hydra.sweep.dir=first").status == 0
    answer = search(tmp_path, 4, "hydra.sweep.dir=second")
    assert answer.status == 0, answer.err
    assert jobs(tmp_path / "second") == [(3, "3", "completed")]
    number = made.index(min(made))
    assert f"the best: {'job' if number == 3 else 'trial'} {number} (" in answer.err


def test_trials_that_ended_without_a_result(made: list[float], tmp_path: Path) -> None:
    """One failed, which counts; the process of another was killed, and a new trial comes in its place."""
    import optuna

    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'o.db'}", study_name="x")
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    study.ask()
    answer = search(tmp_path, 3, "hydra.sweep.dir=sweep")
    assert answer.status == 0, answer.err
    assert [number for number, *_ in jobs(tmp_path / "sweep")] == [2, 3]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("hydra.sweeper.storage=sqlite:///broken.db",),
            "hydra.sweeper.storage=sqlite:///broken.db can't be used (",
        ),
        (("hydra.sweeper.storage=nosql://x",), "hydra.sweeper.storage=nosql://x can't be used ("),
        (("seed=1",), "holds other runs"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], said: str, made: list[float], tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text("no database, but long enough to be looked at" * 40)
    if words == ("seed=1",):
        assert search(tmp_path, 1, "hydra.sweep.dir=sweep").status == 0
    before = sorted(tmp_path.iterdir())
    answer = search(tmp_path, 2, "hydra.sweep.dir=sweep", *words)
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert said in answer.err
    assert sorted(tmp_path.iterdir()) == before
