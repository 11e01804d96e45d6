"""A completed run goes on for more steps, or says how the same is had; every advice works when followed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, Answer, nst
from cli.rerun.rerun_command import nst_rerun
from PIL import Image

WORDS = (*SMALL, "style=samples/mosaic.jpg", "hydra.run.dir=run")
PYRAMID = ("pyramid=coarse_to_fine", "pyramid.smallest=24", "image.size=48")


def refused(answer: Answer) -> str:
    assert answer.status == 2, answer
    sentence = answer.err.splitlines()[-1]
    assert sentence.startswith("nst: ")
    return sentence


def pixels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("optimizer", ["adam", pytest.param("lbfgs", marks=pytest.mark.slow)])
def test_more_steps_are_those_of_a_run_that_makes_them_at_once(
    optimizer: str, photo: Path, tmp_path: Path
) -> None:
    words = (*WORDS, *PYRAMID, f"content={photo}", f"optimizer={optimizer}", "record.keep_checkpoint=true")
    first = nst(tmp_path, *words, "steps=3")
    assert first.status == 0, first.err
    assert [file.name for file in first.run.glob("checkpoint*")] == ["checkpoint.npz"]
    before = pixels(first.run / "image.png")
    # every advice works: the first names a command, the second a number
    sentence = refused(nst(tmp_path, "resume=run"))
    assert sentence.endswith("is completed: for more steps say nst resume=run steps=6")
    sentence = refused(nst(tmp_path, "resume=run", "steps=3"))
    assert "steps=3 is possible only above the 3 steps" in sentence
    assert json.loads((first.run / "run.json").read_text())["status"] == "completed"
    more = nst(tmp_path, "resume=run", "steps=6")
    assert more.status == 0, more.err
    assert more.run == first.run
    rows = [row["size"] for row in first.rows]
    assert (rows.count(48), rows.count(24)) == (6, 3)  # as it was: 6 steps at once would take 6 there, too
    summary = first.summary
    assert (summary["status"], summary["steps"], summary["resumed_at_step"]) == ("completed", 9, 6)
    assert summary["overrides"][-1] == "steps=6"
    assert not np.array_equal(pixels(first.run / "image.png"), before)
    # its folder says how it was made, so that it can be made at once
    again = nst_rerun(tmp_path, "run")
    assert (again.status, "bit-identical" in again.out) == (0, True), again
    assert (first.run / "checkpoint.npz").is_file()  # and once more


def test_a_run_whose_state_was_not_kept_names_the_way_that_there_is(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    run = nst(folder, *WORDS, f"content={photo}").run
    assert not list(run.glob("checkpoint*"))
    for words in ((), ("steps=3",)):
        sentence = refused(nst(tmp_path, f"resume={run}", *words))
        assert "record.keep_checkpoint=true" in sentence
        program, *advice = shlex.split(sentence.partition(" say ")[2])
        assert program == "nst-rerun"
    told = nst_rerun(tmp_path, *advice, "--output", "more")
    assert told.status == 0, told
    assert json.loads((tmp_path / "more" / "run.json").read_text())["steps"] == 3
    start = json.loads((tmp_path / "more" / "run.json").read_text())["inputs"]["init"]["file"]
    assert start == str(run / "image.png")
    other = refused(nst(tmp_path, f"resume={run}", "seed=1", "steps=3"))
    assert other == "nst: a resumed run keeps its own configuration: leave out seed=1"
