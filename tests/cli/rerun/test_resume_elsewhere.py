"""An unfinished run goes on from its folder alone, wherever that went."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from PIL import Image

from nst_tf.callbacks import Recording
from nst_tf.machine import PRETEND


class Stopped(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def cut_after(monkeypatch: pytest.MonkeyPatch):
    """Make runs stop after so many steps, until ``monkeypatch`` is undone."""
    report = Recording.on_report

    def arrange(steps: int) -> None:
        def stopping(self, one, solver) -> None:
            report(self, one, solver)
            if one.step + 1 == steps:
                raise Stopped

        monkeypatch.setattr(Recording, "on_report", stopping)

    return arrange


def test_a_run_that_goes_on_on_another_kind_of_machine(
    photo: Path, tmp_path: Path, cut_after, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRETEND, "bfloat16")
    cut_after(1)
    words = [word for word in SMALL if not word.startswith("precision=")]
    cut = ("record.checkpoint_every=1e-9", "record.image_every=1", "hydra.run.dir=cut")
    with pytest.raises(Stopped):
        nst(tmp_path, *words, f"content={photo}", f"style={photo}", *cut)
    monkeypatch.undo()
    monkeypatch.setenv(PRETEND, "")
    resumed = nst(tmp_path, "resume=cut")
    assert resumed.status == 0, resumed.err
    assert resumed.err.count("bits will differ") == 1
    assert "saved with precision bfloat16, which this processor lacks: runs in float32" in resumed.err
    summary = json.loads((tmp_path / "cut" / "run.json").read_text())
    assert (summary["precision"], summary["begun_with"]["precision"]) == ("float32", "bfloat16")


def test_a_run_that_was_cut_short_and_moved(
    photo: Path, tmp_path: Path, cut_after, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("photo.png", "start.png"):
        (project / name).write_bytes(photo.read_bytes())
    words = (*SMALL, "steps=6", "content=photo.png", "style=[start.png]", "init=file", "init.path=start.png")
    whole = nst(project, *words)
    assert whole.status == 0, whole.err
    cut_after(4)
    with pytest.raises(Stopped):
        nst(project, *words, "hydra.run.dir=cut", "record.checkpoint_every=1e-9", "record.image_every=1")
    monkeypatch.undo()
    picture = (whole.run / "image.png").read_bytes()
    shutil.move(project / "cut", tmp_path / "moved")
    shutil.rmtree(project)
    # another processor rounds in another way: it is told, and the run goes on
    file = tmp_path / "moved" / "run.json"
    facts = json.loads(file.read_text())
    here = facts["machine"]["processor"]
    facts["machine"]["processor"] = "Another\nProcessor"
    file.write_text(json.dumps(facts))
    resumed = nst(tmp_path, "resume=moved")
    assert resumed.status == 0, resumed.err
    assert f"begun on Another Processor, goes on on {here}: bits will differ" in resumed.err.splitlines()
    facts = json.loads(file.read_text())
    assert facts["machine"]["processor"] == here
    assert facts["begun_with"]["machine"]["processor"] == "Another\nProcessor"
    (tmp_path / "whole.png").write_bytes(picture)
    # the files' metadata differ in record.*, the pixels do not
    pixels = [np.asarray(Image.open(tmp_path / name)) for name in ("whole.png", "moved/image.png")]
    assert np.array_equal(*pixels)
