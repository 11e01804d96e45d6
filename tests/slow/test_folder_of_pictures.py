"""A whole folder of pictures: one of them is broken, and then mended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.command_line import SMALL, nst
from PIL import Image


@pytest.mark.slow
def test_pictures_of_any_shape_and_one_that_is_broken(tmp_path: Path, photo: Path, painting: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    with Image.open(photo) as picture:
        picture.save(folder / "a, wide.png")
        picture.rotate(90, expand=True).save(folder / "c=tall.webp")
    (folder / "b.jpg").write_bytes(b"no picture")
    words = ("content=photos/", f"style={painting}", *SMALL, "sweep.compare=false", "hydra.sweep.dir=out")
    answer = nst(tmp_path, *words)
    assert answer.status == 1
    assert "photos/b.jpg is not a picture" in answer.err
    summaries = {job: json.loads((tmp_path / "out" / job / "run.json").read_text()) for job in "012"}
    assert [one["status"] for one in summaries.values()] == ["completed", "failed", "completed"]
    assert summaries["0"]["size"] == {"height": 26, "width": 32}
    assert summaries["2"]["size"] == {"height": 32, "width": 26}
    # the second call makes what is missing, and what is new, and nothing else
    with Image.open(photo) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "b.jpg", "PNG")
        picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(folder / "0 new.png")
    made = {job: (tmp_path / "out" / job / "image.png").stat().st_mtime_ns for job in "02"}
    answer = nst(tmp_path, *words)
    assert answer.status == 0, answer.err
    assert made == {job: (tmp_path / "out" / job / "image.png").stat().st_mtime_ns for job in "02"}
    assert json.loads((tmp_path / "out" / "3" / "run.json").read_text())["inputs"]["content"]["file"] == (
        "photos/0 new.png"
    )
