"""Runs with masks: kept pixels, what is recorded, made again, and exported."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli.command_line import nst
from PIL import Image

from nst_tf.rerun.cli import main as rerun
from nst_tf.runs.saved_run import read_saved_run


@pytest.fixture
def guided(small, tmp_path):
    mask = np.zeros((32, 40, 3), np.uint8)
    mask[:20, :, 0], mask[20:, :25, 2] = 255, 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    words = [*small, "guidance=masks", "guidance.content=mask.png", "image.size=40"]
    return [*words, "guidance.regions={red: 0, blue: [0], black: null}", "record.picture=image.png"]


@pytest.mark.usefixtures("sizes_are_kept")
def test_a_guided_run_keeps_pixels_is_recorded_and_is_made_again(guided, photo, tmp_path):
    answer = nst(tmp_path, *guided)
    assert answer.status == 0, answer.err
    pixels, content = (np.asarray(Image.open(path)) for path in (answer.run / "image.png", photo))
    assert (pixels[20:, 25:] == content[20:, 25:]).all()
    assert (pixels[:20] != content[:20]).mean() > 0.5
    (recorded,) = answer.summary["inputs"]["masks"]
    assert recorded["file"] == "mask.png"
    assert recorded["copy"] == "inputs/mask.png"
    assert len(recorded["sha256"]) == 64

    # the copies are enough, and an exported experiment finds them
    (tmp_path / "mask.png").unlink()
    exported = tmp_path / "study.yaml"
    with pytest.raises(SystemExit) as ended:
        rerun([str(answer.run), "--export", str(exported)])
    assert ended.value.code == 0
    again = nst(tmp_path, f"experiment={exported}")
    assert again.status == 0, again.err
    assert (np.asarray(Image.open(again.run / "image.png")) == pixels).all()

    with pytest.raises(SystemExit) as ended:
        rerun([str(answer.run), "--output", str(tmp_path / "again")])
    assert ended.value.code == 0
    verdict = json.loads((tmp_path / "again" / "run.json").read_text())["verdict"]
    assert verdict["identical_pixels"]

    # a copy that is not what it was is noticed
    saved = read_saved_run(answer.run)
    assert saved.located().changed == ()
    with (answer.run / "inputs" / "mask.png").open("ab") as file:
        file.write(b"other")
    assert saved.located().changed == ("mask.png",)


def test_a_statistic_that_knows_no_weights_is_refused(guided, tmp_path):
    answer = nst(tmp_path, *guided, "objective/style=nearest_patches")
    assert answer.status == 2
    assert "NearestPatches" in answer.err
    assert "gram, covariance" in answer.err


def test_blending_and_layers_of_styles_through_the_command_line(small, tmp_path):
    words = [*small, "style=[samples/mosaic.jpg,samples/brush_strokes.jpg]"]
    blended = nst(tmp_path, *words, "blending=statistics", "style_weights=[3,1]")
    assert blended.status == 0, blended.err
    layered = nst(tmp_path, *words, "style_layers=[fine,coarse]")
    assert layered.status == 2
    assert "no layer is coarse" in layered.err
    layered = nst(tmp_path, *words, "style_layers=[block1_conv1,block2_conv1]")
    assert layered.status == 0, layered.err
