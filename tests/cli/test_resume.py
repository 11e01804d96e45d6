"""A run that is killed goes on from its checkpoint and ends as if nothing had happened."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import Answer, nst
from PIL import Image

from nst_tf.callbacks import Recording

PYRAMID = (
    "pyramid=coarse_to_fine",
    "pyramid.smallest=24",
    "pyramid.steps_factor=1",
    "image.size=48",
    "steps=6",
)
REGIONS = "guidance.regions={red: 0, blue: null}"
OPTIMIZERS = {
    "lbfgs": ("optimizer=lbfgs",),
    "lbfgs_torch": ("optimizer=lbfgs_torch", "optimizer.learning_rate=0.1", "keep_best=false"),
    "adam with a moving average": ("optimizer=adam", "average=0.9", "keep_best=false"),
    "sgd": ("optimizer=sgd",),
    "lbfgs_scipy": ("optimizer=lbfgs_scipy", "optimizer.evaluations=4"),
    "lbfgs of luminance": ("optimizer=lbfgs", "color=luminance", "init=noise"),
    # what is matched at the second size depends on what came out at the first
    "adam of matched features": (
        "optimizer=adam",
        "objective=nnst",
        "pyramid.last_passes=2",
        "keep_best=false",
    ),
    "adam of drawn positions": ("optimizer=adam", "objective=strotss", "keep_best=false"),
    "adam of bands": ("optimizer=adam", "parameterization=laplacian", "parameterization.bands=3"),
    "lbfgs of frequencies": ("optimizer=lbfgs", "parameterization=fourier"),
    "lbfgs with masks": ("optimizer=lbfgs", "guidance=masks", "guidance.content=../mask.png", REGIONS),
}
# what has a test of its own, and what other optimizers show as well
SLOW = (
    *("lbfgs_torch", "lbfgs_scipy", "lbfgs of luminance", "lbfgs with masks", "sgd"),
    *("adam of bands", "adam of drawn positions", "lbfgs of frequencies"),
)


class Stopped(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch):
    """Make the next run stop after so many steps; its checkpoints are written at every host sync."""

    def arrange(steps: int) -> None:
        report = Recording.on_report

        def stopping(self, one, solver) -> None:
            report(self, one, solver)
            if one.step + 1 >= steps:
                raise Stopped

        monkeypatch.setattr(Recording, "on_report", stopping)

    yield arrange
    monkeypatch.undo()


def rows_of(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def losses(run: Path) -> list[float]:
    return [row["loss"] for row in rows_of(run)]


def run_in(folder: Path, *words: str) -> Answer:
    folder.mkdir(exist_ok=True)
    return nst(folder, *words, "hydra.run.dir=run", "record.checkpoint_every=1e-9")


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(2, id="at the first size", marks=pytest.mark.slow),
        pytest.param(6, id="between sizes"),
        pytest.param(9, id="at the second size", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "optimizer",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in OPTIMIZERS],
)
def test_the_end_is_the_same(
    optimizer: str, steps: int, small: tuple[str, ...], tmp_path: Path, stop_after, monkeypatch
) -> None:
    words = (*small, *PYRAMID, *OPTIMIZERS[optimizer])
    Image.fromarray(np.repeat([[(255, 0, 0)] * 24 + [(0, 0, 255)] * 16], 32, axis=0).astype(np.uint8)).save(
        tmp_path / "mask.png"
    )
    whole = run_in(tmp_path / "whole", *words)
    assert whole.status == 0, whole.err
    stop_after(steps)
    with pytest.raises(Stopped):
        run_in(tmp_path / "stopped", *words)
    monkeypatch.undo()
    (tmp_path / "mask.png").unlink()  # its copy in the run's folder is enough
    run = tmp_path / "stopped" / "run"
    assert (run / "checkpoint.npz").is_file()
    with (run / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"step": 99, "a row after the checkpoint')
    resumed = nst(tmp_path, f"resume={run}")
    assert resumed.status == 0, resumed.err
    assert (run / "image.png").read_bytes() == (whole.run / "image.png").read_bytes()
    assert losses(run) == losses(whole.run)
    summary = json.loads((run / "run.json").read_text())
    assert summary["status"] == "completed"
    assert 0 < summary["resumed_at_step"] <= steps  # a compiled call of several steps may have ended before
    assert not (run / "checkpoint.npz").exists()
    assert not (tmp_path / "outputs").exists()


def refused(answer: Answer) -> str:
    assert answer.status == 2
    sentence = answer.err.splitlines()[-1]
    assert sentence.startswith("nst: ")
    return sentence


def test_what_can_not_be_resumed(small: tuple[str, ...], tmp_path: Path, stop_after, monkeypatch) -> None:
    whole = run_in(tmp_path / "whole", *small)
    assert "completed" in refused(nst(tmp_path, f"resume={whole.run}"))
    assert "not the folder of a run" in refused(nst(tmp_path, "resume=nowhere"))
    stop_after(1)
    with pytest.raises(Stopped):
        run_in(tmp_path / "stopped", *small)
    monkeypatch.undo()
    run = tmp_path / "stopped" / "run"
    assert "steps=3" in refused(nst(tmp_path, f"resume={run}", "steps=3"))
    checkpoint = run / "checkpoint.npz"
    sound = checkpoint.read_bytes()
    checkpoint.write_bytes(sound[: len(sound) // 2])
    assert "damaged" in refused(nst(tmp_path, f"resume={run}"))
    checkpoint.write_bytes(sound)
    text = (run / "config.yaml").read_text()
    for right, wrong, said in (
        ("nst_tf.optim.LBFGS", "os.system", "os.system"),
        ("steps: 2", "steps: two", "can't be read"),
        ("size: 32", "size: 40", "does not fit"),
    ):
        (run / "config.yaml").write_text(text.replace(right, wrong))
        assert said in refused(nst(tmp_path, f"resume={run}"))


def test_a_run_without_a_checkpoint_begins_again(
    small: tuple[str, ...], tmp_path: Path, stop_after, monkeypatch
) -> None:
    """Killed before its first checkpoint, or while nothing but half a checkpoint was there."""
    whole = run_in(tmp_path / "whole", *small)
    stop_after(1)
    with pytest.raises(Stopped):
        run_in(tmp_path / "stopped", *small)
    monkeypatch.undo()
    run = tmp_path / "stopped" / "run"
    # what this machine holds of the default configuration is nothing to the run that is gone on with
    monkeypatch.setattr("nst_tf.runs.memory.available_bytes", lambda: 1 << 30)
    half = run / ".unfinished-checkpoint-abcd_123.npz"
    (run / "checkpoint.npz").rename(half)
    (run / ".mine.txt").touch()
    resumed = nst(tmp_path, f"resume={run}")
    assert resumed.status == 0, resumed.err
    assert (run / "image.png").read_bytes() == (whole.run / "image.png").read_bytes()
    assert losses(run) == losses(whole.run)
    assert not half.exists()
    assert (run / ".mine.txt").exists()


@pytest.mark.parametrize(
    "damage",
    ["flipped", pytest.param("cut", marks=pytest.mark.slow), pytest.param("missing", marks=pytest.mark.slow)],
)
def test_a_damaged_checkpoint_is_replaced_by_the_previous_one(
    damage: str, small: tuple[str, ...], tmp_path: Path, stop_after, monkeypatch
) -> None:
    words = (*small, "optimizer=adam", "steps=5", "record.image_every=1")
    whole = run_in(tmp_path / "whole", *words)
    stop_after(4)
    with pytest.raises(Stopped):
        run_in(tmp_path / "stopped", *words)
    monkeypatch.undo()
    run = tmp_path / "stopped" / "run"
    checkpoint = run / "checkpoint.npz"
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 0x10
    if damage == "cut":
        content = content[:-1000]
    checkpoint.write_bytes(content)
    if damage == "missing":
        checkpoint.unlink()
    resumed = nst(tmp_path, f"resume={run}")
    assert resumed.status == 0, resumed.err
    said = "missing" if damage == "missing" else "damaged"
    sentence = next(line for line in resumed.err.splitlines()[1:] if said in line)
    assert sentence.endswith("the run goes on from the previous one, after step 3")
    assert sentence in (run / "nst.log").read_text()
    summary = json.loads((run / "run.json").read_text())
    assert summary["damage"] == sentence
    assert summary["resumed_at_step"] == 3
    assert (run / "image.png").read_bytes() == (whole.run / "image.png").read_bytes()
    assert losses(run) == losses(whole.run)
    assert not list(run.glob("checkpoint*"))
