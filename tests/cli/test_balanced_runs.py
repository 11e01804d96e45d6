"""balance=auto from the command line: what it measured is written down, and a run repeats without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command_line import Answer, nst
from omegaconf import OmegaConf

from nst_tf.rerun.rerun import rerun
from nst_tf.runs.saved_run import read_saved_run


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory, small: tuple[str, ...]) -> Answer:
    words = ("pyramid=coarse_to_fine", "pyramid.smallest=24", "image.size=48", "steps=2", "balance=auto")
    answer = nst(tmp_path_factory.mktemp("balanced"), *small, *words, "balance.style=0.7")
    assert answer.status == 0, answer.err
    return answer


@pytest.fixture
def nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nst_tf.style_transfer.gradient_norms_of", None)


@pytest.mark.usefixtures("nothing_is_measured", "sizes_are_kept")
def test_a_run_repeats_without_measuring(balanced: Answer, tmp_path: Path) -> None:
    verdict = rerun(read_saved_run(balanced.run), tmp_path, float("inf"))
    assert verdict.comparison is not None
    assert verdict.comparison.identical
    written = OmegaConf.load(balanced.run / "config.yaml").balance
    assert written.style == 0.7
    assert [len(pair) for pair in written.calibration] == [2, 2]
    assert OmegaConf.load(tmp_path / "config.yaml").balance == written


@pytest.mark.usefixtures("nothing_is_measured")
def test_another_knob_with_what_was_measured_compiles_nothing(balanced: Answer, small: tuple) -> None:
    calibration = str(OmegaConf.load(balanced.run / "config.yaml").balance.calibration).replace(" ", "")
    words = ("pyramid=coarse_to_fine", "pyramid.smallest=24", "image.size=48", "steps=2", "balance=auto")
    answer = nst(balanced.folder, *small, *words, "balance.style=0.1", f"balance.calibration={calibration}")
    assert answer.status == 0, answer.err
    assert answer.summary["traces"] == 0
    before, after = (
        {name: value for name, value in one.rows[0].items() if "/" in name} for one in (balanced, answer)
    )
    style = next(name for name in before if name.startswith("style/"))
    assert after[style] < 0.8 * before[style]


def test_without_content_there_is_nothing_to_weigh(small: tuple[str, ...], tmp_path: Path) -> None:
    answer = nst(tmp_path, *small, "balance=auto", "objective.content.weight=0")
    assert answer.status == 2
    assert "objective.content.weight is 0" in answer.err
    assert not list(tmp_path.rglob("config.yaml"))
