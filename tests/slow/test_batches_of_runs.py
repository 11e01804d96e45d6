"""Runs that are optimized at once end as one by one: other optimizers, divergence, interruption."""

from __future__ import annotations

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from cli.sweep.batches import assert_alike, cold, saved, summary, sweep

__all__ = ["cold"]  # a fixture


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
