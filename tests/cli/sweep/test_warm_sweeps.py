"""A job of a sweep that differs from an earlier one only in numbers repeats none of its work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from PIL import Image

from nst_tf.process_cache import CACHE
from nst_tf.vgg.network import FeatureExtractor


@pytest.fixture(autouse=True)
def cold():
    """Nothing of the tests before."""
    CACHE.forget_sizes()


def saved(folder: Path) -> np.ndarray:
    return np.asarray(Image.open(folder / "image.png"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "numbers"),
    [
        ("adam", "objective/style=gram objective.style.weight=5,50 optimizer.learning_rate=0.01,0.05"),
        ("lbfgs", "seed=1,2 init=noise model.weights={weights} objective.content.weight=1,3"),
        ("lbfgs_torch", "optimizer.learning_rate=0.5,1.0 steps=3,5"),
        ("sgd", "style_weights=[1,0],[1,2] optimizer.learning_rate=0.1 average=0.5"),
    ],
)
def test_numbers_alone_trace_nothing_and_each_job_ends_as_it_does_alone(
    tmp_path, optimizer, numbers, weights_file
):
    style = "style=[samples/brush_strokes.jpg,samples/landscape.jpg]" if "style_weights" in numbers else ""
    words = [*SMALL, f"optimizer={optimizer}", *numbers.format(weights=weights_file).split(), *style.split()]
    sweep = nst(tmp_path, "-m", *words, "hydra.sweep.dir=sweep")
    assert sweep.status == 0, sweep.err
    jobs = sorted(path.parent for path in tmp_path.glob("sweep/*/run.json"))
    assert len(jobs) >= 2
    for number, job in (0, jobs[0]), (-1, jobs[-1]):  # which differ in every number
        CACHE.forget_sizes()
        overrides = (job / ".hydra/overrides.yaml").read_text().splitlines()
        alone = nst(tmp_path, *(line[2:].strip("'") for line in overrides), f"hydra.run.dir=alone/{number}")
        assert alone.summary["traces"] == 1
        np.testing.assert_array_equal(saved(job), saved(alone.run))
        assert alone.summary["loss_of_saved_picture"] == _summary(job)["loss_of_saved_picture"]
    assert [_summary(job)["traces"] for job in jobs] == [1] + [0] * (len(jobs) - 1)


def test_the_network_sees_each_picture_once_in_a_sweep(tmp_path, monkeypatch):
    seen = []
    call = FeatureExtractor.__call__
    monkeypatch.setattr(
        FeatureExtractor, "__call__", lambda self, image: (seen.append(1), call(self, image))[1]
    )
    first = nst(tmp_path, *SMALL, "optimizer=adam")
    cold_calls = len(seen)
    seen.clear()
    second = nst(tmp_path, *SMALL, "optimizer=adam", "objective.style.weight=7")
    assert first.status == second.status == 0
    # content and style are bound once; the step, and the loss of what was saved, are traced once
    assert cold_calls == 4
    assert seen == []


def test_what_a_pyramid_and_alternating_optimizers_left_is_used_again(tmp_path):
    words = [word for word in SMALL if not word.startswith("pyramid")]
    nst(
        tmp_path,
        "-m",
        *words,
        "image.size=64",
        "pyramid.smallest=32",
        "objective.style.weight=5,50",
        "objective/style=gram",
        "optimizer=adam,sgd",
        "hydra.sweep.dir=sweep",
    )
    jobs = sorted(path.parent for path in tmp_path.glob("sweep/*/run.json"))
    assert [_summary(job)["traces"] for job in jobs] == [2, 2, 0, 0]


def test_other_shapes_free_what_was_kept(tmp_path):
    words = (*SMALL, "optimizer=adam", "objective/style=gram")
    nst(tmp_path, *words, keeps_sizes=False)
    assert len(CACHE.steps) == 1
    kept = CACHE.pictures.bytes
    nst(tmp_path, *words, "image.size=40", keeps_sizes=False)
    assert len(CACHE.steps) == 1
    assert kept < CACHE.pictures.bytes < 3 * kept


def _summary(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())
