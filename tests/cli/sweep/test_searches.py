"""Searches by Optuna: what they find, that they go on, and what is refused beforehand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli.sweep.launchers import SEARCH, need
from cli.sweep.sweeps import sweep


def test_search_goes_on_from_a_seed(small, brightness: list[float], tmp_path: Path) -> None:
    need("optuna")
    words = (*small, "objective.style.weight=interval(1,10)", *SEARCH, "hydra.sweeper.n_trials=2")
    seeded = (*words, "hydra.sweeper.sampler.seed=1")
    assert sweep(tmp_path, *seeded).status == 0
    shutil.rmtree(tmp_path / "sweep" / "1")
    first = (tmp_path / "sweep" / "0" / "image.png").stat().st_mtime_ns
    answer = sweep(tmp_path, *seeded)
    assert answer.status == 0, answer.err
    assert (tmp_path / "sweep" / "0" / "image.png").stat().st_mtime_ns == first
    assert brightness[:2] == brightness[2:]
    assert "others each time" in sweep(tmp_path, *words).err
    refused = sweep(tmp_path, *seeded, "seed=1")
    assert refused.status == 2
    assert "holds other runs" in refused.err


def test_search_in_which_nothing_succeeds(small, brightness: list[float], tmp_path: Path) -> None:
    need("optuna")
    words = (*small[:-2], small[-1], "content=choice(nothing.png,nowhere.png)", *SEARCH)
    answer = sweep(tmp_path, *words, "hydra.sweeper.n_trials=2")
    assert answer.status == 1
    assert "2 jobs: 2 failed" in answer.err
    assert brightness == []
    assert "cut short" not in answer.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("hydra.sweeper.direction=maximize",), "hydra.sweeper.direction=maximize is not possible"),
        (("steps=0",), "steps must be at least 1, but is 0"),
        (("content=choice(nothing.png,nothing.png)",), "nothing.png does not exist"),
    ],
)
def test_search_that_can_not_succeed_is_refused_at_once(words, expected: str, small, tmp_path: Path) -> None:
    need("optuna")
    pictures = small[-2:] if "content" not in words[0] else small[-1:]
    interval = "objective.style.weight=interval(1,10)"
    answer = sweep(tmp_path, *small[:-2], *pictures, interval, *SEARCH, *words)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert expected in answer.err
    assert list(tmp_path.iterdir()) == []


def test_best_of_a_search() -> None:
    from nst_tf.sweep.search import best_of_search

    assert best_of_search({}) is None
    assert best_of_search({"job 0": 3.0, "job 1": 2.0}) == "job 1, with a trade-off of 2"
    pairs = {"job 0": [1.0, 4.0], "job 1": [2.0, 5.0], "job 2": [3.0, 0.5], "job 3": [1.0, 4.0]}
    assert (
        best_of_search(pairs)
        == "job 0, 1, 4; job 3, 1, 4; job 2, 3, 0.5 (content_distance and style_distance)"
    )


def test_value_of_a_run_is_the_yardstick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both directions of two, the trade-off of one; the measures themselves are tested elsewhere."""
    from types import SimpleNamespace

    from omegaconf import OmegaConf

    from nst_tf.errors import InputError
    from nst_tf.sweep import search
    from nst_tf.vgg import weights as sources

    known = SimpleNamespace(error=None, yardstick={"content_distance": 1.5, "style_distance": 0.25})
    monkeypatch.setattr("nst_tf.compare.reading.read_run", lambda folder: folder)
    monkeypatch.setattr(
        "nst_tf.compare.yardstick.measured_runs",
        lambda runs, weights: [known] if (runs, weights) == ([tmp_path], "vgg19") else [],
    )
    monkeypatch.setattr(sources, "load_weights", lambda name: name)
    assert search.value_of(tmp_path, OmegaConf.create({"direction": "minimize"})) == 6.5
    both = OmegaConf.create({"direction": ["minimize", "minimize"]})
    assert search.value_of(tmp_path, both) == [1.5, 0.25]
    known.error = "its picture is gone"
    with pytest.raises(InputError, match="gone"):
        search.value_of(tmp_path, both)
