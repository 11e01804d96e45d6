"""Files whose names, folders or contents need a word, from the command line to the result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from omegaconf import OmegaConf
from PIL import Image

from nst_tf import stylize
from nst_tf.errors import InputError


@pytest.fixture
def folder(tmp_path: Path, photo: Path) -> Path:
    (tmp_path / "paint (old)").mkdir()
    with Image.open(photo) as image:
        for name in ("x=1.jpg", "a (1).png", "paint (old)/2, b.jpg", "paint (old)/10.jfif"):
            image.save(tmp_path / name, "PNG" if name.endswith("png") else "JPEG")
        cut_out = np.dstack([np.asarray(image), np.full((32, 40), 255, np.uint8)])
    cut_out[:, :24, 3] = 0
    Image.fromarray(cut_out).save(tmp_path / "cut.png")
    (tmp_path / "paint (old)" / "notes.txt").touch()
    return tmp_path


def test_names_count_from_where_they_were_typed_and_any_name_is_found(folder: Path) -> None:
    answer = nst(
        folder,
        *SMALL,
        "content=x=1.jpg",
        "style=[a (1).png,paint (old)/2*.jpg,cut.png,paint (old)]",
        "hydra.run.dir=my (2) = run",
        "hydra.job.chdir=true",
    )
    assert answer.status == 0, answer.err
    assert answer.out == "my (2) = run/image.png\n"
    styles = ["a (1).png", "paint (old)/2, b.jpg", "cut.png", "paint (old)/10.jfif", "paint (old)/2, b.jpg"]
    assert [one["file"] for one in answer.summary["inputs"]["styles"]] == styles
    assert answer.summary["working_folder"] == str(folder)
    log = (answer.run / "nst.log").read_text()
    assert log.count("the style cut.png is 60% transparent, and that part counts as white") == 1
    assert log.count("1 file of paint (old) left out, whose names are not those of pictures: notes.txt") == 1
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["x=1.jpg", "a (1).png", "cut.png", "paint (old)", "my (2) = run"]
    )


def test_a_sweep_over_such_names(folder: Path) -> None:
    words = ("-m", *SMALL, "content=x=1.jpg,paint (old)/", "style=a (1).png", "sweep.compare=false")
    answer = nst(folder, *words, "hydra.sweep.dir=my (3) sweep", "hydra.job.chdir=true")
    assert answer.status == 0, answer.err
    jobs = json.loads((folder / "my (3) sweep" / "sweep.json").read_text())["jobs"]
    named = [next(word for word in job["overrides"] if word.startswith("content=")) for job in jobs]
    assert named == [
        f'content="{name}"' for name in ("x=1.jpg", "paint (old)/2, b.jpg", "paint (old)/10.jfif")
    ]
    assert (
        answer.err.count("1 file of paint (old)/ left out, whose names are not those of pictures: notes.txt")
        == 1
    )


def test_the_library_takes_globs_and_no_addresses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = stylize("x=1.jpg", ["paint (old)/*.j*", "cut.png"], SMALL)
    configuration = OmegaConf.create(result.configuration)
    assert configuration.content == "x=1.jpg"
    assert configuration.style == ["paint (old)/2, b.jpg", "paint (old)/10.jfif", "cut.png"]
    with pytest.raises(InputError, match=r"^https://a\.b//c\.jpg is an address; addresses are not fetched"):
        stylize("https://a.b//c.jpg", "cut.png", SMALL)
