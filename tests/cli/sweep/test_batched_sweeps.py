"""Runs of a sweep that are optimized at once, against the same runs one by one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from PIL import Image

from nst_tf.process_cache import CACHE
from nst_tf.sweep.batch import Batches


@pytest.fixture(autouse=True)
def cold():
    """Nothing of the tests before."""
    CACHE.forget_sizes()
    Batches.current = None


def saved(run: Path, name: str = "image.png") -> np.ndarray:
    return np.asarray(Image.open(run / name), np.float32)


def summary(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def rows(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def sweep(folder: Path, *words: str, batch: str = "4", name: str = "sweep", status: int = 0) -> list[Path]:
    """The folders of its runs; SMALL's own words may be said anew."""
    said = {word.partition("=")[0] for word in words}
    small = [word for word in SMALL if word.partition("=")[0] not in said]
    answer = nst(folder, "-m", *small, *words, f"sweep.batch={batch}", f"hydra.sweep.dir={name}")
    assert answer.status == status, answer.err
    return sorted(path.parent for path in (folder / name).glob("*/run.json"))


def assert_alike(run: Path, alone: Path) -> None:
    """Every file of both, and what is in them to rounding."""
    assert {path.name for path in run.iterdir()} == {path.name for path in alone.iterdir()}
    for row, expected in zip(rows(run), rows(alone), strict=True):
        assert row.keys() == expected.keys()
        for name in row.keys() - {"seconds"}:
            assert row[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-9)
    pictures = [path.name for path in (alone / "progress").glob("*.png")]
    assert [path.name for path in (run / "progress").glob("*.png")] == pictures
    for name in ("image.png", *(f"progress/{one}" for one in pictures)):
        # 8 bits: a value that rounding moves over the edge between two of them
        np.testing.assert_allclose(saved(run, name), saved(alone, name), atol=1)
    mine, expected = summary(run), summary(alone)
    assert mine["status"] == expected["status"] == "completed"
    assert mine["steps"] == expected["steps"]
    assert mine["loss_of_saved_picture"] == pytest.approx(expected["loss_of_saved_picture"], rel=1e-3)
    assert mine["requested_sha256"] == expected["requested_sha256"]
    assert mine["inputs"] == expected["inputs"]
    assert (run / "config.yaml").read_text() == (alone / "config.yaml").read_text().replace(
        "batch: 1", "batch: 4"
    )


def test_runs_that_differ_in_numbers_and_pictures_are_made_at_once(tmp_path):
    words = (
        "content=samples/landscape.jpg,samples/still_life.jpg",
        "optimizer=adam",
        "optimizer.learning_rate=0.01,0.03",
        "image.stretch=square",
        "record.image_every=2",
        "steps=4",
        "init=noise",
        "sweep.compare=false",
    )
    together = sweep(tmp_path, *words)
    assert [summary(run).get("batch") for run in together] == [4] * 4
    assert sum(summary(run)["traces"] for run in together) == 1
    one_by_one = sweep(tmp_path, *words, batch="1", name="alone")
    assert not any("batch" in summary(run) for run in one_by_one)
    for run, alone in zip(together, one_by_one, strict=True):
        assert_alike(run, alone)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("optimizer=lbfgs", "objective.style.weight=1,30", "seed=1,2", "init=noise"),
        ("optimizer=adam", "style=samples/brush_strokes.jpg,samples/mosaic.jpg", "image.size=64", "steps=3"),
        ("optimizer=sgd", "average=0.5", "optimizer.learning_rate=0.1,0.2", "objective/style=covariance"),
        ("optimizer=adam", "objective/style=sliced_wasserstein", "optimizer.learning_rate=0.01,0.02"),
    ],
    ids=["lbfgs", "pyramid", "average", "sliced"],
)
def test_they_end_as_one_by_one(tmp_path, words, weights_file):
    words = (*words, f"model.weights={weights_file}")
    if "image.size=64" in words:
        words = (*words, "pyramid=coarse_to_fine", "pyramid.smallest=32")
    together = sweep(tmp_path, *words, "sweep.compare=false")
    assert all(summary(run)["batch"] == len(together) for run in together)
    for run, alone in zip(
        together, sweep(tmp_path, *words, "sweep.compare=false", batch="1", name="alone"), strict=True
    ):
        assert_alike(run, alone)


@pytest.mark.slow
def test_one_that_diverges_ends_as_alone_and_disturbs_nobody(tmp_path):
    words = (
        "optimizer=adam",
        "optimizer.learning_rate=0.01,1e30,0.02",
        "image.clip=false",
        "steps=8",
        "sweep.compare=false",
    )
    together = sweep(tmp_path, *words, status=1)
    assert [summary(run)["status"] for run in together] == ["completed", "diverged", "completed"]
    assert [summary(run).get("batch") for run in together] == [3, None, 3]
    one_by_one = sweep(tmp_path, *words, batch="1", name="alone", status=1)
    np.testing.assert_array_equal(saved(together[1]), saved(one_by_one[1]))
    for number in (0, 2):
        assert_alike(together[number], one_by_one[number])


@pytest.mark.slow
def test_what_does_not_go_together_is_made_one_by_one(tmp_path):
    shapes = sweep(tmp_path, "image.size=32,40", "sweep.compare=false")
    assert not any("batch" in summary(run) for run in shapes)
    patient = sweep(
        tmp_path, "objective.style.weight=1,2", "stop.patience=5", "sweep.compare=false", name="patient"
    )
    assert not any("batch" in summary(run) for run in patient)


@pytest.mark.slow
def test_two_optimizers_in_turn_make_two_batches(tmp_path):
    runs = sweep(tmp_path, "objective.style.weight=1,2,3", "optimizer=adam,sgd", "sweep.compare=false")
    assert [summary(run)["batch"] for run in runs] == [3] * 6
    assert sum(summary(run)["traces"] for run in runs) == 2


@pytest.mark.slow
def test_auto_on_a_cpu_is_one_by_one(tmp_path):
    assert not any(
        "batch" in summary(run) for run in sweep(tmp_path, "objective.style.weight=1,2", batch="auto")
    )


@pytest.mark.parametrize("batch", ["0", "1.5"])
def test_anything_else_is_refused_in_one_sentence(tmp_path, batch):
    answer = nst(tmp_path, "-m", *SMALL, "seed=1,2", f"sweep.batch={batch}", "hydra.sweep.dir=refused")
    assert answer.status == 2
    assert "sweep.batch must be auto or a whole number of at least 1" in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not (tmp_path / "refused").exists()


@pytest.mark.slow
def test_an_interruption_in_a_batch_is_gone_on_with_by_the_same_words(tmp_path, monkeypatch, weights_file):
    import nst_tf.batch_transfer as together

    def interrupted(*arguments):
        raise KeyboardInterrupt

    words = (*SMALL, "seed=1,2,3", "init=noise", "sweep.batch=2", "hydra.sweep.dir=sweep")
    words = (*words, f"model.weights={weights_file}")
    with monkeypatch.context() as patch:
        patch.setattr(together, "steps_together", interrupted)
        answer = nst(tmp_path, "-m", *words)
    assert answer.status == 130
    assert summary(tmp_path / "sweep/0")["status"] == "interrupted"
    again = nst(tmp_path, "-m", *words)
    assert again.status == 0, again.err
    runs = [tmp_path / "sweep" / str(number) for number in range(3)]
    assert [summary(run)["status"] for run in runs] == ["completed"] * 3
    assert [summary(run).get("batch") for run in runs] == [2, 2, None]
