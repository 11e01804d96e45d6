"""Somebody else's run is read, never run, until it is known to name nothing but our own parts."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import Answer, nst
from cli.rerun.rerun_command import nst_rerun
from cli.rerun.saved_folders import saved_folder
from hostile_cases import EXPERIMENTS, FOLDERS, Change, MakesCanary, lay_pickles

from nst_tf.config.build import KERAS_TARGETS, check_targets
from nst_tf.errors import InputError
from nst_tf.runs.saved_run import resumable

OF_THE_RESULT = [
    name for name in FOLDERS if "a picture" in name and "as a" not in name and "write" not in name
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary shows up in the present folder: it is looked for there."""
    monkeypatch.chdir(tmp_path)


def nothing_ran(folder: Path) -> None:
    assert not list(folder.rglob("canary"))
    assert not (folder / "outputs").exists()


def refused(answer: Answer) -> str:
    assert answer.status == 2, answer
    *announced, sentence = answer.err.splitlines()
    assert all(line.startswith("going on in ") for line in announced[:1])
    assert len(announced) <= 1
    assert sentence.startswith("nst: ")
    return sentence


def test_the_canary_would_sing(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(MakesCanary()))
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(("change", "said"), FOLDERS.values(), ids=FOLDERS)
def test_a_hostile_folder_is_refused(change: Change, said: str, tmp_path: Path) -> None:
    run = saved_folder(tmp_path / "theirs")
    lay_pickles(run)
    change(run)
    for words in ((), ("--export", "study.yaml")):
        if words and change in [FOLDERS[name][0] for name in OF_THE_RESULT]:
            continue  # the result is not looked at
        told = nst_rerun(tmp_path, run, *words)
        assert told.status == 2, told
        assert said in told.sentence
        assert not (tmp_path / "study.yaml").exists()
    nothing_ran(tmp_path)


NOT_OF_THE_RESULT = [name for name in FOLDERS if name not in OF_THE_RESULT]


@pytest.mark.parametrize("name", NOT_OF_THE_RESULT)
def test_a_hostile_folder_is_not_resumed(name: str, tmp_path: Path) -> None:
    change, said = FOLDERS[name]
    run = saved_folder(tmp_path / "theirs", status="interrupted")
    lay_pickles(run)
    (run / "checkpoint.npz").write_bytes(pickle.dumps(MakesCanary()))
    change(run)
    with pytest.raises(InputError) as error:
        resumable(run)
    assert said in str(error.value)
    if name in NOT_OF_THE_RESULT[::12]:  # the command comes to the same, after composing for a while
        assert said in refused(nst(tmp_path, f"resume={run}"))
    nothing_ran(tmp_path)


def checkpoint_of(numbers: list[object]) -> Change:
    return lambda run: np.savez(run / "checkpoint.npz", numbers=np.array(numbers))


# case: (what is done to the folder, what the sentence must say)
CHECKPOINTS: dict[str, tuple[Change, str]] = {
    "of objects": (checkpoint_of([MakesCanary()] * 4), "damaged"),
    "a pickle": (lambda run: (run / "checkpoint.npz").write_bytes(pickle.dumps(MakesCanary())), "damaged"),
    "of what is no number": (checkpoint_of([np.nan, np.inf, 0, 0]), "damaged"),
    "a link to write through": (lambda run: (run / "progress").symlink_to(run.parent), "symbolic link"),
}


@pytest.mark.parametrize(("change", "said"), CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_a_hostile_checkpoint(change: Change, said: str, tmp_path: Path) -> None:
    run = saved_folder(tmp_path / "theirs", status="interrupted")
    change(run)
    assert said in refused(nst(tmp_path, f"resume={run}"))
    nothing_ran(tmp_path)


@pytest.mark.parametrize(
    "row", ["[" * 100_000, "{}", '{"step": 0, "size": 1, "seconds": 0, "loss": "x"}', "5"]
)
def test_a_hostile_row_of_metrics(row: str, tmp_path: Path) -> None:
    from nst_tf.runs.folder import RunFolder

    run = saved_folder(tmp_path / "theirs", status="interrupted")
    (run / "metrics.jsonl").write_text(row + "\n")
    with pytest.raises(InputError, match="damaged"):
        RunFolder.resumed(run, 1)


@pytest.mark.parametrize(("text", "said"), EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_a_hostile_experiment_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text(f"# @package _global_\n{text}")
    (tmp_path / "evil.yaml").write_text("_target_: os.system\ncommand: touch canary\n")
    assert said in refused(nst(tmp_path, "experiment=theirs.yaml"))
    nothing_ran(tmp_path)


def test_a_sweep_with_one_hostile_run_is_refused_as_a_whole(tmp_path: Path) -> None:
    for name in ("0", "1"):
        saved_folder(tmp_path / "theirs" / name)
    FOLDERS["another program"][0](tmp_path / "theirs" / "1")
    told = nst_rerun(tmp_path, "theirs")
    assert told.status == 2
    assert "run 1 of the sweep" in told.sentence
    assert "os.system" in told.sentence
    nothing_ran(tmp_path)


def test_words_of_a_run_are_not_obeyed(tmp_path: Path) -> None:
    for name in ("0", "1"):
        run = saved_folder(tmp_path / "theirs" / name, [f"seed={name}"])
        summary = json.loads((run / "run.json").read_text())
        summary["overrides"] = [f"+hydra.callbacks.x={{_target_:os.system,command:touch canary,n:{name}}}"]
        summary["choices"] |= {"optimizer": "../../evil", "hydra/launcher": "evil", "experiment": "/tmp/evil"}
        (run / "run.json").write_text(json.dumps(summary))
    told = nst_rerun(tmp_path, "theirs", "--export", "study.yaml")
    assert told.status == 2
    assert not (tmp_path / "study.yaml").exists()
    nothing_ran(tmp_path)


def test_every_class_that_ours_name_is_allowed_and_is_a_class() -> None:
    import keras

    for target in KERAS_TARGETS:
        parts = target.split(".")[2:]
        place = keras.optimizers.schedules if parts[0] == "schedules" else keras.optimizers
        kind = getattr(place, parts[-1], None)  # the newest are not in the oldest Keras
        base = (
            keras.optimizers.schedules.LearningRateSchedule
            if place is not keras.optimizers
            else keras.optimizers.Optimizer
        )
        assert kind is None or issubclass(kind, base), target
        check_targets({"_target_": target})


@pytest.mark.parametrize(
    "target",
    ["nst_tf.statistics.gram.Gram", "nst_tf.statistics.Gram", "nst_tf.init.FileStart"],
)
def test_classes_are_allowed_by_either_name(target: str) -> None:
    check_targets([{"a": {"_target_": target}}])
