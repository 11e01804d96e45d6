"""Jobs of a sweep that fail, in this process: what they leave, what is said, what is refused beforehand."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli.command_line import nst
from cli.sweep.sweeps import SWEEP, statuses, summary, sweep, told

from nst_tf.api import composed
from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import ComparedRun


def test_whatever_happens_in_a_job_stays_in_it(small, tmp_path: Path, mistakes: list[int]) -> None:
    answer = sweep(tmp_path, *small, "steps=2,3,4,5,1")
    assert answer.status == 1
    assert answer.out == "sweep\n"
    assert mistakes == [2, 3, 4, 5, 1]
    errors = {
        1: "not enough memory",
        2: "not enough memory",
        3: "ValueError: operands could not be broadcast",
    }
    causes = {1: "MemoryError", 2: "ResourceExhaustedError", 3: "ValueError"}
    for number, job in enumerate(told(tmp_path)["jobs"]):
        assert (job["number"], job["folder"]) == (number, str(number))
        assert f"steps={(2, 3, 4, 5, 1)[number]}" in job["overrides"]
        folder, log = summary(tmp_path, number), (tmp_path / "sweep" / str(number) / "nst.log").read_text()
        assert folder["status"] == job["status"] == ("failed" if number in errors else "completed")
        if number in errors:
            assert errors[number] in job["error"]
            assert "\n" not in job["error"]
            assert folder["error"] == job["error"]
            assert "Traceback" in log
            assert causes[number] in log
            alike = sum(one.get("error") == job["error"] for one in told(tmp_path)["jobs"])
            assert answer.err.count(job["error"]) == 2 * alike  # when it happened, and in the end
        else:
            assert "Traceback" not in log
            assert "error" not in job
    assert summary(tmp_path, 4)["traces"] == 1  # nothing that a broken run left is used again
    assert told(tmp_path)["status"] == "failed"
    assert not (tmp_path / "sweep" / ".jobs").exists()
    assert "Traceback" not in answer.err
    assert "Error executing" not in answer.err
    lines = answer.err.splitlines()
    assert lines[0] == "5 jobs in sweep"
    assert re.fullmatch(r"job 0 \(steps=2\) completed in \d+ s: \d of 5 jobs done(, .*)?", lines[1])
    assert re.fullmatch(r"5 jobs: 2 completed, 3 failed in 0:0\d:\d\d", lines[-4])
    assert lines[-3].startswith("  job 1 (steps=3) failed: there was not enough memory")
    assert len(lines) == 1 + 5 + 1 + 3  # what comes, one a job, the count, and one for each that failed


def test_picture_that_one_job_lacks_and_a_divergence(small, photo: Path, tmp_path: Path) -> None:
    words = ("optimizer=sgd", "image.clip=false", "steps=8", "record.checkpoint_every=0")
    rates = "optimizer.learning_rate=1e-3,1e30"
    answer = sweep(tmp_path, *small, *words, rates, f"content={photo},nothing.png")
    assert answer.status == 1
    assert statuses(tmp_path) == ["completed", "diverged", "failed", "failed"]
    missing = summary(tmp_path, 2)
    assert missing["error"].startswith("nothing.png does not exist")
    assert missing["choices"]["optimizer"] == "sgd"
    assert "optimizer.learning_rate=0.001" in missing["overrides"]
    assert "nothing.png" in (tmp_path / "sweep" / "2" / "config.yaml").read_text()
    diverged = summary(tmp_path, 1)
    assert diverged["status"] == "diverged"
    assert (tmp_path / "sweep" / "1" / diverged["picture"]).is_file()
    assert told(tmp_path)["jobs"][1]["error"].startswith("the loss is ")


def test_all_jobs_completed(small, tmp_path: Path) -> None:
    answer = sweep(tmp_path, *small, "steps=1,2")
    assert answer.status == 0, answer.err
    assert answer.out == "sweep\n"
    assert answer.err.splitlines()[-1].startswith("2 jobs: 2 completed in ")
    assert told(tmp_path)["status"] == "completed"
    assert "steps=1,2" in told(tmp_path)["overrides"]


REFUSED = [
    (("steps=0",), "steps must be at least 1, but is 0"),
    (
        ("steps=0,-1",),
        "none of the 2 jobs of the sweep is possible; of the first: steps must be at least 1",
    ),
    (("steps=1,2", "content=nothing.png"), "nothing.png does not exist"),
    (("steps=1,2", "image.size=[1"), "KEY=VALUE"),
    (("steps=1,2", "optimizer=adam,adm"), "unknown option optimizer=adm"),
    (("steps=1,2", "imagesize=3"), "unknown key 'imagesize'"),
    (("steps=1,${nothing}", "seed=${nothing}"), "'nothing'"),
    (("steps=1,2", "hydra.launcher.n_jobs=2"), "unknown key 'hydra.launcher.n_jobs'"),
    (("steps=1,2", "hydra/launcher=nowhere"), "unknown option hydra/launcher=nowhere"),
    (("steps=1,2", "resume=here"), "hydra.sweep.dir"),
    (("steps=interval(1,2)",), "hydra/sweeper=optuna"),
    (("experiment=ablation/alpha_beta", "steps=0"), "steps must be at least 1"),
]
DEFAULT, NAMED = "sweep.compare=true", "hydra.sweep.dir=a/b"


@pytest.mark.parametrize(
    ("words", "expected", "where"),
    # of a folder that was named, one of each moment: no job is possible, no picture, no such option
    [*((*case, DEFAULT) for case in REFUSED), *((*REFUSED[index], NAMED) for index in (1, 2, 4))],
)
def test_sweep_that_can_not_succeed_is_refused_at_once(
    words: tuple[str, ...], expected: str, where: str, small, tmp_path: Path
) -> None:
    answer = nst(tmp_path, "-m", *small, *words, where)
    assert answer.status == 2, answer.err
    assert answer.out == ""
    assert answer.err.startswith("nst: ")
    assert answer.err.count("\n") == 1
    assert expected in answer.err
    assert list(tmp_path.iterdir()) == []


def test_folder_that_can_not_be_written(small, tmp_path: Path) -> None:
    (tmp_path / "sweep").touch()
    answer = sweep(tmp_path, *small, "steps=1,2")
    assert answer.status == 2
    assert "sweep is not a folder" in answer.err


def test_sweep_json_while_it_goes_on(small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nst_tf import recorded_run

    optimize, seen = recorded_run.optimize, []

    def looking(*arguments):
        seen.append(statuses(tmp_path))
        notes = {path.name for path in (tmp_path / "sweep" / ".jobs").iterdir()}
        assert f"{len(seen) - 1}.json" in notes
        assert told(tmp_path)["status"] == "running"
        return optimize(*arguments)

    monkeypatch.setattr(recorded_run, "optimize", looking)
    assert sweep(tmp_path, *small, "steps=1,2").status == 0
    assert seen[0][1] == seen[1][1].replace("running", "pending") == "pending"
    assert seen[0][0] in ("pending", "running")


def test_interrupted_sweep_says_how_to_go_on(small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nst_tf import recorded_run

    optimize = recorded_run.optimize

    def interrupted(experiment, *arguments):
        if experiment.steps == 2:
            raise KeyboardInterrupt
        return optimize(experiment, *arguments)

    monkeypatch.setattr(recorded_run, "optimize", interrupted)
    answer = sweep(tmp_path, *small, "steps=1,2,3")
    assert answer.status == 130
    assert answer.out == ""
    assert answer.err.splitlines()[-2].startswith("3 jobs: 1 completed, 1 interrupted, 1 pending in ")
    assert "nst: interrupted; " in answer.err.splitlines()[-1]
    assert "hydra.sweep.dir=sweep" in answer.err.splitlines()[-1]
    assert statuses(tmp_path) == ["completed", "interrupted", "pending"]
    assert told(tmp_path)["status"] == "interrupted"
    assert summary(tmp_path, 1)["status"] == "interrupted"
    monkeypatch.setattr(recorded_run, "optimize", optimize)
    again = sweep(tmp_path, *small, "steps=1,2,3")
    assert again.status == 0, again.err
    assert "1 of 3 jobs is completed already" in again.err
    assert statuses(tmp_path) == ["completed"] * 3
    assert "error" not in summary(tmp_path, 1)


def test_saved_sweep_is_one_as_well(small, tmp_path: Path) -> None:
    words = (
        "experiment=ablation/optimizers",
        "objective=relative",
        "hydra.sweeper.params={optimizer:'lbfgs,adam'}",
    )
    answer = nst(tmp_path, *words, *small, *SWEEP)
    assert answer.status == 0, answer.err
    assert [job["overrides"][0] for job in told(tmp_path)["jobs"]] == ["optimizer=lbfgs", "optimizer=adam"]
    assert answer.err.splitlines()[1].startswith("job 0 (optimizer=lbfgs")


def test_folders_that_are_named_by_their_words(small, tmp_path: Path) -> None:
    subdir = "hydra.sweep.subdir=of_${steps}/${hydra.job.num}"
    for said in ("completed in", "2 of 2 jobs are completed already"):
        answer = sweep(tmp_path, *small, "steps=1,2", subdir)
        assert answer.status == 0, answer.err
        assert said in answer.err
        assert [job["folder"] for job in told(tmp_path)["jobs"]] == ["of_1/0", "of_2/1"]
        assert (tmp_path / "sweep" / "of_2" / "1" / "run.json").is_file()


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch) -> list:
    """A stand-in for the comparison, which has tests of its own; returns what it was asked to compare."""
    from nst_tf.compare import comparing

    asked = []

    def compare(paths, output, *, on_run):
        asked.append((paths, output))
        on_run(1, 2)
        distances = {"2": 0.5, "0": 0.1, "1": 0.3}
        runs = [
            ComparedRun(
                Path(name), name, "completed", yardstick={"content_distance": far, "style_distance": 0.1}
            )
            for name, far in distances.items()
        ]
        return SimpleNamespace(output=output, runs=runs, shown=Study(runs, []))

    monkeypatch.setattr(comparing, "compare", compare)
    return asked


def test_runs_are_compared_in_the_end(small, tmp_path: Path, comparison: list) -> None:
    answer = nst(tmp_path, "-m", *small, "steps=1,2", "hydra.sweep.dir=sweep")
    assert answer.status == 0, answer.err
    *_, heading, _, first, second, third, said = [line for line in answer.err.splitlines() if line]
    assert heading.split()[:3] == ["run", "content", "style"]
    assert [line.split()[0] for line in (first, second, third)] == ["0", "1", "2"]  # the best first
    assert said == "compared in sweep/report.html"
    assert comparison == [([tmp_path / "sweep"], tmp_path / "sweep")]
    for off in ("false", "null"):  # every run is there already
        words = (*small, "steps=1,2", "hydra.sweep.dir=sweep", f"sweep.compare={off}")
        assert nst(tmp_path, "-m", *words).status == 0
    assert len(comparison) == 1


def test_comparison_that_fails_does_no_harm(small, tmp_path: Path, comparison: list, monkeypatch) -> None:
    def broken(*_, **__):
        raise RuntimeError("no\nyardstick")

    monkeypatch.setattr("nst_tf.compare.comparing.compare", broken)
    answer = nst(tmp_path, "-m", *small, "steps=1", "hydra.sweep.dir=sweep")
    assert answer.status == 0
    assert "the runs could not be compared: RuntimeError: no yardstick" in answer.err.splitlines()


def test_what_is_done_with_a_sweep_is_no_part_of_a_run() -> None:
    from nst_tf.runs.provenance import requested_sha256

    one, other, third = (
        composed([word])[0] for word in ("sweep.compare=false", "sweep.compare=true", "steps=3")
    )
    assert requested_sha256(one) == requested_sha256(other) != requested_sha256(third)
