"""An unfinished run goes on from its folder alone, wherever that went."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from run.command_line import SMALL, nst

from nst_tf.run.recording import Recording


class Stopped(BaseException):
    """Stands for the end of the process."""


def test_a_run_that_was_cut_short_and_moved(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("photo.png", "start.png"):
        (project / name).write_bytes(photo.read_bytes())
    words = (*SMALL, "steps=6", "content=photo.png", "style=[start.png]", "init=file", "init.path=start.png")
    whole = nst(project, *words)
    assert whole.status == 0, whole.err
    report = Recording.on_report

    def stopping(self, one, solver) -> None:
        report(self, one, solver)
        if one.step == 3:
            raise Stopped

    monkeypatch.setattr(Recording, "on_report", stopping)
    with pytest.raises(Stopped):
        nst(project, *words, "hydra.run.dir=cut", "record.checkpoint_every=1e-9", "record.image_every=1")
    monkeypatch.undo()
    picture = (whole.run / "image.png").read_bytes()
    shutil.move(project / "cut", tmp_path / "moved")
    shutil.rmtree(project)
    resumed = nst(tmp_path, "resume=moved")
    assert resumed.status == 0, resumed.err
    (tmp_path / "whole.png").write_bytes(picture)
    # the files' metadata differ in record.*, the pixels do not
    pixels = [np.asarray(Image.open(tmp_path / name)) for name in ("whole.png", "moved/image.png")]
    assert np.array_equal(*pixels)
