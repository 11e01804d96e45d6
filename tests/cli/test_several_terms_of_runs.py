"""Runs with several terms of style, of other layers, with weights by size: NNST, STROTSS, mixtures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from cli.command_line import SMALL, nst
from cli.rerun.rerun_command import nst_rerun
from cli.sweep.batches import assert_alike, summary, sweep
from PIL import Image

MOMENTS = ("+objective/style@objective.terms.tones=channel_means", "objective.terms.tones.layers=[pixels]")
LAYERS = "[pixels,block1_conv1,block2_conv1]"
# few positions of two blocks: the terms are what is tried
OF_STROTSS = (
    *("objective=strotss", "optimizer=rmsprop", "init=mean_color", "keep_best=false"),
    *(f"layers.content={LAYERS}", f"layers.style={LAYERS}", "objective.content.distance.positions=40"),
    *(
        f"objective.{term}.statistic.{key}={value}"
        for term in ("style", "terms.moments", "terms.palette")
        for key, value in (("positions", 40), ("style_positions", 60))
    ),
)
OF_NNST = (
    *("objective=nnst", "optimizer=adam", "keep_best=false", "color=nnst"),
    *("pyramid=coarse_to_fine", "pyramid.smallest=32", "pyramid.last_passes=2", "pyramid.fewest_steps=2"),
)


def test_a_term_of_ones_own_mixture_is_reported_repeated_and_exported(tmp_path: Path) -> None:
    answer = nst(tmp_path, *SMALL, *MOMENTS, "objective.terms.tones.weight=3", "hydra.run.dir=run")
    assert answer.status == 0, answer.err
    assert set(answer.rows[0]) >= {"style/block1_conv1", "style/block2_conv1", "tones/pixels"}
    again = nst_rerun(tmp_path, "run", "--output", "again")
    assert again.status == 0, again.err
    assert (tmp_path / "again" / "image.png").read_bytes() == (tmp_path / "run" / "image.png").read_bytes()
    assert nst_rerun(tmp_path, "run", "--export", "study.yaml").status == 0
    stated = yaml.safe_load((tmp_path / "study.yaml").read_text())["objective"]["terms"]["tones"]
    assert (stated["weight"], stated["layers"]) == (3, ["pixels"])
    other = nst(tmp_path, "experiment=study.yaml", "hydra.run.dir=of_study")
    assert other.status == 0, other.err
    assert (tmp_path / "of_study" / "image.png").read_bytes() == (answer.run / "image.png").read_bytes()


def test_a_pass_of_its_own_at_the_end(tmp_path: Path) -> None:
    answer = nst(tmp_path, *SMALL, *OF_NNST, "image.size=64")
    assert answer.status == 0, answer.err
    rows = [(row["size"], "final/block1_conv1" in row, "style" in row) for row in answer.rows]
    assert rows == [(32, False, True)] * 2 + [(64, False, True)] * 2 + [(64, True, False)] * 2
    assert (answer.run / "loss.svg").read_text().count("<polyline") >= 3
    pixels = np.asarray(Image.open(answer.run / "image.png"))
    assert pixels.std() > 5


def test_regions_have_styles_of_their_own(tmp_path: Path) -> None:
    """From noise, a half in the style of a red picture becomes red, and the other one blue."""
    halves = np.repeat([[(255, 0, 0)] * 20 + [(0, 0, 255)] * 20], 32, axis=0).astype(np.uint8)
    Image.fromarray(halves).save(tmp_path / "mask.png")
    random = np.random.default_rng(0)
    for name, color in (("red", (1, 0.1, 0.1)), ("blue", (0.1, 0.1, 1))):
        pixels = random.uniform(0.3, 1, (40, 40, 1)) * color
        Image.fromarray((255 * pixels).astype(np.uint8)).save(tmp_path / f"{name}.png")
    answer = nst(
        tmp_path,
        *SMALL,
        *OF_STROTSS,
        *("style=[red.png,blue.png]", "guidance=masks", "guidance.content=mask.png"),
        *("guidance.regions={red: 0, blue: 1}", "steps=40", "optimizer.learning_rate=0.02"),
        *("content=mask.png", "init=noise", "objective.content.weight=0", "objective.terms.palette.weight=5"),
    )
    assert answer.status == 0, answer.err
    pixels = np.asarray(Image.open(answer.run / "image.png")).astype(float)
    left, right = pixels[:, :12].mean(axis=(0, 1)), pixels[:, -12:].mean(axis=(0, 1))
    assert left[0] > left[2] + 30
    assert right[2] > right[0] + 30


@pytest.mark.slow
def test_positions_are_the_same_in_a_batch_and_alone(tmp_path: Path) -> None:
    words = (*OF_STROTSS, "image.stretch=square", "steps=3", "optimizer.learning_rate=0.002,0.01")
    together = sweep(tmp_path, *words, "sweep.compare=false")
    assert [summary(run).get("batch") for run in together] == [2] * 2
    alone = sweep(tmp_path, *words, "sweep.compare=false", batch="1", name="alone")
    for run, other in zip(together, alone, strict=True):
        assert_alike(run, other)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("objective=strotss", "optimizer=lbfgs"), "resample=true looks at other positions at every step"),
        (("objective=nnst", "optimizer=adam", "guidance=masks"), "guidance=masks is not possible"),
        (("objective=nnst", "optimizer=adam", "memory=tiles"), "memory=tiles is not possible with"),
        (("objective=strotss", "optimizer=adam", "memory=tiles"), "memory=tiles is not possible with"),
        (("objective=nnst", "optimizer=adam", "style_layers=[fine]"), "style_layers is not possible"),
        (("objective.style.weight_by_size=[0]",), None),
        (("objective.style.weight_by_size=-1",), "objective.style.weight_by_size must be null, a number"),
        (("pyramid=coarse_to_fine", "pyramid.last_passes=0"), "pyramid.last_passes must be a whole number"),
        (("pyramid=coarse_to_fine", "pyramid.detail_by_size=x"), "pyramid.detail_by_size must be null"),
        (
            ("+objective/style@objective.terms.content=gram",),
            "a name in objective.terms must be a word other",
        ),
        (("+objective.terms.x=3",), "objective.terms.x must be a term of style, but is 3"),
        (("objective.terms=3",), "objective.terms must be a mapping"),
        ((*MOMENTS, "objective.terms.tones.layers=[block9]"), "unknown layer 'block9'"),
        ((*MOMENTS, "objective.terms.tones.layers=[]"), "objective.terms.tones.layers names no layer"),
        ((*MOMENTS, "objective.terms.tones.weight=-1"), "objective.terms.tones"),
    ],
)
def test_what_can_not_go_together_is_refused_in_one_sentence(tmp_path: Path, words, sentence) -> None:
    answer = nst(tmp_path, *SMALL, *words, "hydra.run.dir=run")
    if sentence is None:  # the content is still there
        assert answer.status == 0, answer.err
        return
    assert answer.status == 2
    assert sentence in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
