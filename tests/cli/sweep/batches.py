"""Sweeps whose runs are optimized at once, held against the same runs one by one."""

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
