"""Runs of a sweep that are optimized at once, against the same runs one by one."""

from __future__ import annotations

import pytest
from cli.command_line import SMALL, nst
from cli.sweep.batches import assert_alike, cold, summary, sweep

__all__ = ["cold"]  # a fixture


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


def test_each_is_compared_with_the_pixels_of_its_own_content(tmp_path):
    words = (
        "content=samples/landscape.jpg,samples/still_life.jpg",
        "objective/structure=matting",
        "objective.structure.weight=1e-2",
        "image.stretch=square",
        "steps=4",
        "sweep.compare=false",
    )
    together, alone = sweep(tmp_path, *words), sweep(tmp_path, *words, batch="1", name="alone")
    assert [summary(run).get("batch") for run in together] == [2] * 2
    for run, other in zip(together, alone, strict=True):
        assert_alike(run, other)


@pytest.mark.parametrize("batch", ["0", "1.5"])
def test_anything_else_is_refused_in_one_sentence(tmp_path, batch):
    answer = nst(tmp_path, "-m", *SMALL, "seed=1,2", f"sweep.batch={batch}", "hydra.sweep.dir=refused")
    assert answer.status == 2
    assert "sweep.batch must be auto or a whole number of at least 1" in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not (tmp_path / "refused").exists()
