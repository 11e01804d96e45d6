"""Two pictures and a sweep of four runs, made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.compare.made_runs import made_run, save, waves


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 x 32 pixels."""
    return save(tmp_path_factory.mktemp("content") / "a photo.png", waves(32, 48, seed=1))


@pytest.fixture(scope="session")
def style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 x 48 pixels."""
    return save(tmp_path_factory.mktemp("style") / "painting.png", waves(48, 40, seed=2))


@pytest.fixture
def sweep(tmp_path: Path, content: Path, style: Path) -> Path:
    """style.weight=5,20 optimizer=lbfgs,adam, of which the last one failed."""
    folder = tmp_path / "sweep"
    for number, (weight, optimizer) in enumerate([(5, "lbfgs"), (5, "adam"), (20, "lbfgs"), (20, "adam")]):
        words = [f"objective.style.weight={weight}", f"optimizer={optimizer}"]
        values = {"objective.style.weight": weight}
        if optimizer == "adam":
            values["optimizer"] = {"_target_": "keras.optimizers.Adam", "beta_1": 0.9}
        failed = {"status": "failed", "error": "MemoryError: no room"} if number == 3 else {}
        made_run(
            folder / str(number),
            values,
            overrides=words,
            choices={"optimizer": optimizer},
            pixels=None if failed else waves(32, 48, seed=10 + number),
            content=content,
            styles=[style],
            **failed,
        )
    return folder


@pytest.fixture
def drawn_once(random_weights) -> Iterator[None]:
    """``nst-compare`` with untrained weights, which are drawn once for all tests."""
    from nst_tf.compare import yardstick

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yardstick, "load_weights", lambda name, wanted: random_weights)
        yield
