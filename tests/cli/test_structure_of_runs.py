"""objective/structure in runs: recorded, made again, with everything that it can be chosen beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from omegaconf import OmegaConf
from PIL import Image

from nst_tf.rerun.cli import main as rerun_command
from nst_tf.rerun.rerun import rerun
from nst_tf.runs.saved_run import read_saved_run

MATTING = ("objective/structure=matting", "objective.structure.weight=1")
LAPLACIAN = ("objective/structure=laplacian", "objective.structure.pools=[1,4]")


@pytest.mark.usefixtures("sizes_are_kept")
@pytest.mark.parametrize("words", [MATTING, LAPLACIAN], ids=["matting", "laplacian"])
def test_it_is_a_part_of_the_loss_and_the_run_repeats(words, small, tmp_path: Path) -> None:
    answer = nst(tmp_path, *small, *words)
    assert answer.status == 0, answer.err
    assert answer.rows[0]["structure"] < 1e-3 * answer.rows[0]["loss"]  # begun at the content
    assert answer.rows[1]["structure"] > 0
    assert answer.summary["choices"]["objective/structure"] == words[0].partition("=")[2]
    again = tmp_path / "again"
    again.mkdir()
    verdict = rerun(read_saved_run(answer.run), again, float("inf"))
    assert verdict.comparison is not None
    assert verdict.comparison.identical
    with pytest.raises(SystemExit) as ended:
        rerun_command([str(answer.run), "--export", str(tmp_path / "study.yaml")])
    assert ended.value.code == 0
    assert f"/objective/structure: {words[0].partition('=')[2]}" in (tmp_path / "study.yaml").read_text()


def test_a_large_weight_holds_the_colors_to_functions_of_the_content(small, tmp_path: Path) -> None:
    """One matte of it all: each window of the result is an affine function of the content's colors."""
    words = [*small, "steps=8", "objective/structure=matting"]
    free, held = (nst(tmp_path, *words, f"objective.structure.weight={weight}") for weight in (1e-9, 1e4))
    assert held.rows[-1]["structure"] / 1e4 < 0.1 * free.rows[-1]["structure"] / 1e-9


@pytest.mark.parametrize(
    "words",
    [
        ("memory=tiles", "tile_size=16"),
        ("memory=recompute",),
        ("color=luminance",),
        ("color=recombine",),
        ("model.padding=circular",),
        ("balance=auto",),
        ("image.stretch=square",),
        ("jit_compile=true",),
        ("layers.style=block1_conv1", "objective.content.weight=0"),
        ("objective.style.weight=0", "objective.content.weight=0", "init=noise"),
    ],
    ids=lambda words: words[0].replace("=", " "),
)
def test_it_goes_with_other_choices(words, small, tmp_path: Path) -> None:
    answer = nst(tmp_path, *small, *MATTING, *words)
    assert answer.status == 0, answer.err
    assert all(np.isfinite(row["structure"]) for row in answer.rows)
    assert answer.rows[-1]["structure"] > 0


def test_frames_are_compared_with_their_own_content(photo: Path, painting: Path, tmp_path: Path) -> None:
    with Image.open(photo) as opened:
        views = [opened.convert("RGB").crop((left, 0, left + 32, 32)) for left in (0, 4, 8)]
    views[0].save(tmp_path / "pan.gif", save_all=True, append_images=views[1:], duration=100)
    words = (*SMALL, "content=pan.gif", f"style={painting}", "video=independent", *MATTING)
    answer = nst(tmp_path, *words)
    assert answer.status == 0, answer.err
    begun = [row["structure"] for row in answer.rows if row["step"] % 2 == 0]
    assert len(begun) == 3
    assert all(value < 1e-3 * answer.rows[0]["loss"] for value in begun)  # each frame begins at its content


def test_kept_pixels_stay(small, photo: Path, tmp_path: Path) -> None:
    mask = np.zeros((32, 40, 3), np.uint8)
    mask[:20, :, 0] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    words = (*small, "guidance=masks", "guidance.content=mask.png", "image.size=40", *MATTING)
    answer = nst(tmp_path, *words, "guidance.regions={red: 0, black: null}", "record.picture=image.png")
    assert answer.status == 0, answer.err
    pixels, content = (np.asarray(Image.open(path)) for path in (answer.run / "image.png", photo))
    assert (pixels[20:] == content[20:]).all()
    assert (pixels[:20] != content[:20]).any()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("content=null", "experiment=texture", *MATTING), "but content=null: say objective/structure=none"),
        (("objective.structure.weight=5",), "objective.structure"),
        ((*MATTING, "objective.structure.weight=-1"), "the weight of objective.structure must be finite"),
        ((*MATTING, "objective.structure.epsilon=0"), "objective.structure.epsilon must be"),
        ((*LAPLACIAN, "objective.structure.pools=[16]"), "at least 48 pixels a side"),
    ],
)
def test_what_is_refused_is_one_sentence(words, said: str, small, tmp_path: Path) -> None:
    answer = nst(tmp_path, *small, *words)
    assert answer.status == 2
    assert said in answer.err
    *_, refusal = answer.err.splitlines()
    assert refusal.startswith("nst: ")


def test_a_run_of_before_has_no_such_term(small, tmp_path: Path) -> None:
    answer = nst(tmp_path, *small)
    path = answer.run / "config.yaml"
    settings = OmegaConf.load(path)
    assert settings.objective.pop("structure") == {"_target_": "nst_tf.structure.NoStructure"}
    path.write_text(OmegaConf.to_yaml(settings))
    again = tmp_path / "again"
    again.mkdir()
    verdict = rerun(read_saved_run(answer.run), again, float("inf"))
    assert verdict.comparison is not None
    assert verdict.comparison.identical
    assert "structure" not in answer.rows[0]
