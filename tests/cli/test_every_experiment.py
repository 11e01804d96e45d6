"""Every recipe runs: a step or two at a tiny size, on random weights."""

from __future__ import annotations

import numpy as np
import pytest

from nst_tf.api import composed
from nst_tf.config.inputs import Inputs
from nst_tf.config.schema import CONF_FOLDER
from nst_tf.config.validate import validate
from nst_tf.experiment import build_parts, prepare
from nst_tf.images.read import picture_from_array
from nst_tf.style_transfer import optimize
from nst_tf.vgg.weights import load_weights

EXPERIMENTS = sorted(path.stem for path in (CONF_FOLDER / "experiment").glob("*.yaml"))
QUICK = ("gatys2016", "keras_io", "tileable_texture")


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    content, style = np.random.default_rng(0).uniform(size=(2, 40, 36, 3))
    return Inputs(picture_from_array(content), (picture_from_array(style),), (1.0,))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in EXPERIMENTS],
)
def test_a_recipe_runs_and_its_loss_is_finite(name: str, inputs: Inputs) -> None:
    words = [f"experiment={name}", "image.size=32", "steps=2", "precision=float32"]
    settings, choices = composed(words)
    validate(settings, choices)
    weights = load_weights(settings.model.name.name, "random")
    outcome = optimize(prepare(settings, inputs, build_parts(settings), weights))
    assert outcome.diverged is None
    assert np.isfinite(outcome.loss)
    assert outcome.pixels.shape[2] == 3
    assert max(outcome.pixels.shape[:2]) == 32
