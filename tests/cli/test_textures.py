"""Textures from the command line, and styles from a folder: what is recorded, and that it repeats."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli.command_line import nst
from omegaconf import OmegaConf
from PIL import Image

from nst_tf.rerun.rerun import rerun
from nst_tf.runs.saved_run import read_saved_run

TEXTURE = ("image.size=48", "image.style_size=48", "pyramid.smallest=20", "steps=2", "precision=float32")
LAYERS = ("model.weights=random", "layers.style=[block1_conv1,block2_conv1,block3_conv1]")


@pytest.mark.usefixtures("sizes_are_kept")
def test_a_texture_of_a_folder_of_styles_is_recorded_and_repeats(
    photo: Path, painting: Path, tmp_path: Path
) -> None:
    styles = tmp_path / "styles"
    styles.mkdir()
    shutil.copy(photo, styles / "b.png")
    shutil.copy(painting, styles / "a.png")
    words = ("experiment=tileable_texture", *TEXTURE, *LAYERS, "image.aspect=1.5", "style=styles/")
    answer = nst(tmp_path, *words)
    assert answer.status == 0, answer.err
    with Image.open(answer.run / "image.png") as picture:
        assert picture.size == (48, 32)
    assert OmegaConf.load(answer.run / "config.yaml").style == ["styles/a.png", "styles/b.png"]
    inputs = answer.summary["inputs"]
    assert inputs["content"] is None
    assert [one["copy"] for one in inputs["styles"]] == ["inputs/style-0.png", "inputs/style-1.png"]
    again = tmp_path / "again"
    again.mkdir()
    shutil.rmtree(styles)  # the copies serve
    verdict = rerun(read_saved_run(answer.run), again, float("inf"))
    assert verdict.comparison is not None
    assert verdict.comparison.identical


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("experiment=texture", "init=content"), "init=content needs a content picture"),
        (
            ("experiment=tileable_texture", "image.size=50"),
            "the nearest possible are 48 x 48, with image.size=48 and image.aspect=1",
        ),
        (("average=0.9", "optimizer=lbfgs"), "average=0.9 is for optimizers of small steps"),
    ],
)
def test_what_is_refused_leaves_nothing(words, said: str, painting: Path, tmp_path: Path) -> None:
    answer = nst(tmp_path, *TEXTURE, *LAYERS, f"style={painting}", *words)
    assert answer.status == 2
    assert said in answer.err
    *before, refusal = answer.err.splitlines()
    assert refusal.startswith("nst: ")
    told = len(before) == 1 and " in the style of " in before[0]  # what the run was to do
    assert told if "image.size=50" in words else not before
    assert not list(tmp_path.rglob("*.yaml"))
