"""What the word ``parameterization`` does to real, small runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.command_line import Answer, nst
from PIL import Image

from nst_tf.api import composed
from nst_tf.config.inputs import read_inputs
from nst_tf.experiment import build_parts, prepare
from nst_tf.images.read import read_picture
from nst_tf.style_transfer import stage_at
from nst_tf.vgg.weights import load_weights

TWO_SIZES = ("pyramid=coarse_to_fine", "pyramid.smallest=20", "pyramid.steps_factor=1", "steps=4")
LAPLACIAN = ("parameterization=laplacian", "parameterization.bands=3")
FOURIER = ("parameterization=fourier",)


def finished(folder: Path, *words: str) -> Answer:
    answer = nst(folder, *words, "hydra.run.dir=run")
    assert answer.status == 0, answer.err
    return answer


@pytest.mark.parametrize(
    "words",
    [
        (*LAPLACIAN, "optimizer=adam", "optimizer.learning_rate=0.05"),
        (*FOURIER, "optimizer=lbfgs"),
        pytest.param((*LAPLACIAN, "optimizer=lbfgs"), marks=pytest.mark.slow),
        pytest.param((*LAPLACIAN, "optimizer=lbfgs_scipy", "optimizer.lower=0"), marks=pytest.mark.slow),
        pytest.param(
            (*LAPLACIAN, "optimizer=adam", "color=luminance", "average=0.5"), marks=pytest.mark.slow
        ),
        pytest.param((*FOURIER, "optimizer=adam", "color=recombine"), marks=pytest.mark.slow),
        pytest.param((*FOURIER, "memory=recompute"), marks=pytest.mark.slow),
    ],
    ids=lambda words: " ".join(words),
)
def test_the_loss_is_that_of_the_saved_picture(
    words: tuple[str, ...], small: tuple[str, ...], tmp_path: Path
) -> None:
    words = (*small, *TWO_SIZES, *words)
    answer = finished(tmp_path, *words)
    saved = read_picture(answer.run / "image.png").pixels
    settings, _ = composed(words)
    settings.memory = "plain"
    inputs = read_inputs(settings)
    experiment = prepare(settings, inputs, build_parts(settings), load_weights("vgg19", "random"))
    stage = stage_at(experiment.scales[-1], experiment)
    bound = stage.bound(experiment).seeing_all
    seen = stage.canvas.seen(saved)[np.newaxis]
    loss = bound.objective.weighted_parts(seen, bound.targets, bound.weights).numpy().sum()
    np.testing.assert_allclose(answer.summary["loss_of_saved_picture"], loss, rtol=1e-4)
    of_last_size = [row["loss"] for row in answer.rows if row["size"] == answer.rows[-1]["size"]]
    assert min(of_last_size) < of_last_size[0]


def test_a_texture_on_a_torus(small: tuple[str, ...], tmp_path: Path) -> None:
    words = ("experiment=tileable_texture", *FOURIER, "optimizer=adam", "image.size=32", "steps=2")
    layers = ("model.weights=random", "layers.style=[block1_conv1,block2_conv1]")
    answer = finished(tmp_path, *words, *layers, "precision=float32", small[-1])
    assert answer.summary["status"] == "completed"


@pytest.mark.slow
def test_what_masks_keep_stays_as_it_is(small: tuple[str, ...], photo: Path, tmp_path: Path) -> None:
    mask = np.zeros((32, 40, 3), np.uint8)
    mask[:, :20, 0] = mask[:, 20:, 2] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    masks = ("guidance=masks", "guidance.content=mask.png", "guidance.regions={red: 0, blue: null}")
    answer = finished(tmp_path, *small, "image.size=40", *masks, *LAPLACIAN, "optimizer=adam", "steps=4")
    with Image.open(answer.run / "image.png") as saved, Image.open(photo) as content:
        before, after = np.asarray(content, np.int16), np.asarray(saved, np.int16)
    np.testing.assert_array_equal(after[:, 20:], before[:, 20:])
    assert np.abs(after[:, :20] - before[:, :20]).max() > 4


def test_optimizers_are_told_of_no_bounds_and_no_neighbors() -> None:
    """Bands and coefficients have none: what is said for pixels gives way, and is kept in the settings."""
    for word, is_of_pixels in (("pixels", True), ("laplacian", False), ("fourier", False)):
        settings, _ = composed([f"parameterization={word}", "optimizer=lbfgs"])
        options = build_parts(settings).optimizer.get_config()
        found = (options["lower"], options["upper"], options["octaves"])
        assert found == ((0.0, 1.0, 5) if is_of_pixels else (None, None, 0))
        assert settings.optimizer.octaves == 5
    bounded = ["optimizer=lbfgs_scipy", "optimizer.lower=0.0", "optimizer.upper=1.0"]
    assert build_parts(composed(bounded)[0]).optimizer.get_config()["upper"] == 1.0
    without = build_parts(composed([*bounded, "parameterization=fourier"])[0])
    assert without.optimizer.get_config()["upper"] is None


def test_bad_bands_are_refused_in_one_sentence(small: tuple[str, ...], tmp_path: Path) -> None:
    for word, sentence in (
        ("parameterization.bands=0", "must be a whole number of at least 1, but is 0"),
        ("parameterization.bands=2.5", "parameterization.bands must be a whole number, but is 2.5"),
        ("parameterization.align_corners=1", "must be true or false, but is 1"),
    ):
        answer = nst(tmp_path, *small, "parameterization=laplacian", word, "hydra.run.dir=run")
        assert answer.status == 2
        assert sentence in answer.err.splitlines()[-1]
        assert not (tmp_path / "run").exists()
