"""``stylize``: pictures of any kind in, a picture and its history out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import SMALL, nst
from omegaconf import OmegaConf
from PIL import Image

from nst_tf import InputError, stylize


def test_the_same_as_the_command_line(
    photo: Path, painting: Path, small: tuple[str, ...], weights_file: Path, tmp_path: Path
) -> None:
    words = [f"model.weights={weights_file}", "init.noise=0.5", "seed=5", "steps=3"]
    answer = nst(tmp_path, *small, *words)
    result = stylize(photo, painting, [*SMALL, *words])
    with Image.open(answer.run / "image.png") as saved:
        np.testing.assert_array_equal(np.asarray(result.image), np.asarray(saved))
    assert result.loss == answer.summary["loss_of_saved_picture"]
    assert result.parts == answer.summary["parts_of_saved_picture"]
    assert [(row.step, row.loss) for row in result.history] == [
        (row["step"], row["loss"]) for row in answer.rows
    ]
    ours, theirs = OmegaConf.create(result.configuration), OmegaConf.load(answer.run / "config.yaml")
    assert {**ours, "content": "", "style": ""} == {**theirs, "content": "", "style": ""}


def test_paths_images_and_arrays_are_the_same_picture(photo: Path, painting: Path) -> None:
    with Image.open(photo) as image, Image.open(painting) as style:
        levels = np.asarray(image)
        contents = [str(photo), image.copy(), levels, (levels / 255).astype(np.float32), levels / 255]
        styles = [painting, style.copy(), np.asarray(style), str(painting), [painting]]
    results = [stylize(content, style, SMALL) for content, style in zip(contents, styles, strict=True)]
    for result in results[1:]:
        np.testing.assert_array_equal(result.pixels, results[0].pixels)
        assert result.loss == results[0].loss


def test_result(photo: Path, painting: Path) -> None:
    result = stylize(photo, painting, [*SMALL, "steps=4"])
    assert result.pixels.shape == (26, 32, 3)  # 40 x 32 pixels to a long side of 32: 25.6 is rounded
    assert result.image.size == (32, 26)
    np.testing.assert_array_equal(result.pixels * 255, np.rint(result.pixels * 255))
    assert [report.step for report in result.history] == [0, 1, 2, 3]
    assert {report.size for report in result.history} == {32}
    assert result.history[0].parts["content/block2_conv2"] == 0
    assert sum(result.parts.values()) == pytest.approx(result.loss, rel=1e-5)
    assert result.loss < result.history[0].loss
    assert result.diverged is None


def test_styles_are_weighted(photo: Path, painting: Path) -> None:
    """A style of weight 0 has no say; two of one weight have half each."""
    words = [*SMALL, "steps=1"]
    alone = stylize(photo, painting, words)
    other = stylize(photo, photo, words)
    silent = stylize(photo, [painting, photo], [*words, "style_weights=[3,0]"])
    both = stylize(photo, [painting, photo], words)
    assert silent.history[0].loss == pytest.approx(alone.history[0].loss, rel=1e-6)
    assert both.history[0].loss == pytest.approx(
        (alone.history[0].loss + other.history[0].loss) / 2, rel=1e-5
    )


def test_diverged_run_is_a_result(photo: Path, painting: Path) -> None:
    words = ["optimizer=sgd", "optimizer.learning_rate=1e30", "image.clip=false", "steps=6"]
    result = stylize(photo, painting, [*SMALL, *words])
    assert result.diverged is not None
    assert result.diverged.startswith("the loss is ")
    assert np.isfinite(result.pixels).all()
    assert np.isfinite(result.loss)


GREY = np.zeros((20, 20), np.uint8)


@pytest.mark.parametrize(
    ("content", "style", "words", "expected"),
    [
        ("nothing.jpg", GREY, [], "nothing.jpg does not exist"),
        (GREY, [], [], "style is an empty list"),
        (5, GREY, [], "but is a int"),
        (GREY, [GREY, None], [], "but is a NoneType"),
        (GREY.astype(np.int32), GREY, [], "int32"),
        (np.full((20, 20, 3), 1.5), GREY, [], "1.5"),
        (np.full((20, 20, 3), np.nan), GREY, [], "nan"),
        (GREY[:4], GREY, [], "4 x 20"),
        (np.zeros((20, 20, 2), np.uint8), GREY, [], r"\(20, 20, 2\)"),
        (GREY, GREY, ["style_weights=[1,2]"], "style_weights has 2"),
        (GREY, GREY, ["steps=0"], "steps must be at least 1"),
        (GREY, GREY, ["stepz=1"], "did you mean 'steps'"),
        (GREY, GREY, ["optimizer=adm"], "adam, lbfgs"),
        (GREY, GREY, ["optimizer=5"], "optimizer=5"),
        (GREY, GREY, ["init.noise=2"], "init.noise"),
        (GREY, GREY, ["steps=${nothing}"], "'nothing'"),
        (GREY, np.zeros((16, 200), np.uint8), [], "size=32"),
    ],
)
def test_bad_things_are_refused(content, style, words, expected) -> None:
    with pytest.raises(InputError, match=expected) as refused:
        stylize(content, style, [*SMALL, *words])
    assert "\n" not in str(refused.value)
