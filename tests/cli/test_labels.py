"""``name``, ``tags`` and ``notes``: kept and shown, and no part of the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command_line import nst
from cli.rerun.rerun_command import nst_rerun
from omegaconf import OmegaConf

NOTES = 'Before the change (of layers), see "the issue": it\'s = {odd}.'


def test_they_are_kept_as_they_were_typed_and_an_export_leaves_them_out(
    small: tuple[str, ...], tmp_path: Path
) -> None:
    answer = nst(tmp_path, *small, "name=a, b (c)", "tags=[paper,baseline]", f"notes={NOTES}")
    assert answer.status == 0, answer.err
    saved = OmegaConf.load(answer.run / "config.yaml")
    assert (saved.name, saved.tags, saved.notes) == ("a, b (c)", ["paper", "baseline"], NOTES)
    assert nst_rerun(tmp_path, answer.run, "--export", "study.yaml").status == 0
    study = OmegaConf.load(tmp_path / "study.yaml")
    assert (study.name, study.tags, study.notes) == (None, [], None)
    again = nst_rerun(tmp_path, answer.run)
    assert "bit-identical" in again.out


def test_a_job_is_not_made_again_because_its_notes_changed(small: tuple[str, ...], tmp_path: Path) -> None:
    words = ("-m", *small, "seed=0,1", "sweep.compare=false", "hydra.sweep.dir=sweep")
    assert nst(tmp_path, *words, "notes=first").status == 0
    before = (tmp_path / "sweep" / "0" / "run.json").stat().st_mtime_ns
    answer = nst(tmp_path, *words, "notes=second", "name=other")
    assert answer.status == 0, answer.err
    assert (tmp_path / "sweep" / "0" / "run.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("name=''", "name must be null or a text, but is ''"),
        ("name=" + "x" * 81, "name must be one line of up to 80 letters"),
        ("notes=' '", "notes must be null or a text"),
        ("tags=[1]", "tags must be a list of words"),
        ("tags=['a,b']", "tags must be a list of words"),
    ],
)
def test_what_is_no_label_is_refused(
    word: str, sentence: str, small: tuple[str, ...], tmp_path: Path
) -> None:
    answer = nst(tmp_path, *small, word)
    assert answer.status == 2
    assert sentence in answer.err
    assert list(tmp_path.iterdir()) == []
