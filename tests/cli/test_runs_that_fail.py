"""Runs that diverge, are interrupted or meet a full disk: what they leave and what they say."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import nst
from cli.evaluated import numpy_loss, unit
from PIL import Image

from nst_tf.machine import PRETEND


@pytest.mark.parametrize("keep_best", ["true", "false"])
def test_diverged_run_saves_its_best_picture_and_fails(
    keep_best: str, own_size: tuple[str, ...], network, tmp_path: Path
) -> None:
    words = ("optimizer=sgd", "optimizer.learning_rate=1e30", "image.clip=false", "steps=8")
    answer = nst(tmp_path, *own_size, *words, f"keep_best={keep_best}", "hydra.run.dir=run")
    assert answer.status == 1
    assert answer.out == ""
    last = answer.err.splitlines()[-1]
    assert last.startswith("nst: the loss is ")
    assert "image.png; optimizer.learning_rate=1e+30 is too much: try optimizer.learning_rate=0.001" in last
    assert answer.err.count("back to the best picture, with the learning rate") == 3
    assert "Traceback" not in answer.err
    assert "Error executing" not in answer.err
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["status"] == "diverged"
    assert summary["error"].startswith("the loss is ")
    assert [back["learning_rate"] for back in summary["roll_backs"]] == pytest.approx([1e29, 1e28, 1e27])
    # the best picture was the start, saved exactly
    content, style = tmp_path / "content.png", tmp_path / "style.png"
    np.testing.assert_array_equal(unit(tmp_path / "run" / "image.png"), unit(content))
    assert summary["loss_of_saved_picture"] == pytest.approx(
        numpy_loss(content, content, style, network), rel=1e-4
    )


def test_picture_that_became_no_picture_at_the_last_step_is_not_saved(
    own_size: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image after the last update was never evaluated: no loss tells that it is broken."""
    from nst_tf.optim.loop import Solver

    monkeypatch.setattr(Solver, "last_image", property(lambda solver: solver.best_image * np.nan))
    answer = nst(tmp_path, *own_size, "hydra.run.dir=run")
    assert answer.status == 1
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "diverged"
    assert np.isfinite(unit(tmp_path / "run" / "image.png")).all()


@pytest.mark.parametrize(
    ("error", "status", "answered", "sentence"),
    [
        (KeyboardInterrupt(), "interrupted", 130, "nst: interrupted\n"),
        (OSError(28, "No space left on device", "run/metrics.jsonl"), "failed", 2, "No space left on device"),
    ],
)
def test_run_that_is_cut_short_says_so(
    error: BaseException,
    status: str,
    answered: int,
    sentence: str,
    small: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from nst_tf.callbacks import Display

    def cut(*_: object) -> None:
        raise error

    monkeypatch.setattr(Display, "on_report", cut)
    answer = nst(tmp_path, *small, "hydra.run.dir=run", "record.checkpoint_every=0")
    assert answer.status == answered
    assert answer.err.endswith(sentence) or sentence in answer.err.splitlines()[-1]
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["status"] == status
    if status == "failed":  # else the picture so far may be there, if a step took long
        assert not (tmp_path / "run" / "image.png").exists()
    ElementTree.parse(tmp_path / "run" / "loss.svg")


def test_mistake_of_our_own_is_not_called_bad_input(
    small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nst_tf.callbacks import Display

    def mistaken(*_: object) -> None:
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr(Display, "on_report", mistaken)
    with pytest.raises(ValueError, match="broadcast"):
        nst(tmp_path, *small, "hydra.run.dir=run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


NEVER_BETTER = "no step lowered the loss, so the saved picture is the start image"


@pytest.mark.parametrize("pyramid", [(), ("pyramid=coarse_to_fine", "pyramid.smallest=24")])
def test_run_that_never_improved_says_so(
    pyramid: tuple[str, ...], own_size: tuple[str, ...], tmp_path: Path
) -> None:
    words = (*own_size, *pyramid, "optimizer=adam", "steps=3")
    answer = nst(tmp_path, *words, "optimizer.learning_rate=1e30")
    assert answer.status == 0, answer.err
    assert answer.summary["status"] == "completed"
    assert answer.err.count(f"{NEVER_BETTER}: a smaller optimizer.learning_rate helps") == 1
    assert f"WARNING nst_tf.recorded_run: {NEVER_BETTER}" in (answer.run / "nst.log").read_text()
    if not pyramid:
        np.testing.assert_array_equal(unit(answer.run / "image.png"), unit(tmp_path / "content.png"))


@pytest.mark.parametrize(
    "words",
    [
        ("optimizer.learning_rate=0.02",),
        ("optimizer.learning_rate=1e30", "keep_best=false"),  # the last picture was asked for
        ("optimizer.learning_rate=0.02", "steps=1"),  # only the picture after the last step is better
    ],
)
def test_other_runs_do_not(words: tuple[str, ...], own_size: tuple[str, ...], tmp_path: Path) -> None:
    answer = nst(tmp_path, *own_size, "optimizer=adam", "steps=3", *words)
    assert answer.status == 0, answer.err
    assert NEVER_BETTER not in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        # as the target of the content is the start, nothing pulls anywhere
        (("optimizer=lbfgs", "objective.style.weight=0"), "no step changed the loss"),
        (("optimizer=adam", "objective.style.weight=0"), "no step changed the loss"),
        (("optimizer=adam", "optimizer.learning_rate=1e-6"), "by less than the 8 bits a channel"),
        (("optimizer=adam", "optimizer.learning_rate=1e-6", "keep_best=false"), "by less than the 8 bits"),
    ],
)
@pytest.mark.parametrize("pyramid", [(), ("pyramid=coarse_to_fine", "pyramid.smallest=24")])
def test_a_flat_start_that_is_saved_untouched_is_told_of(
    words: tuple[str, ...], said: str, pyramid: tuple[str, ...], own_size: tuple[str, ...], tmp_path: Path
) -> None:
    Image.new("RGB", (32, 24), (128, 128, 128)).save(tmp_path / "content.png")
    answer = nst(tmp_path, *own_size, *pyramid, "steps=3", "init.dither=0", *words)
    assert answer.status == 0, answer.err
    assert len([line for line in answer.err.splitlines() if said in line]) == 1, answer.err
    assert NEVER_BETTER not in answer.err
    np.testing.assert_array_equal(unit(answer.run / "image.png"), unit(tmp_path / "content.png"))


def test_overflow_of_half_precision_is_not_blamed_on_the_learning_rate(
    own_size: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nst_tf.vgg import weights as sources
    from nst_tf.vgg.weight_files import ConvolutionWeights

    draw = sources.untrained

    def large(vgg, seed):
        drawn = draw(vgg, seed)
        kernels = {layer: kernel * 1e3 for layer, kernel in drawn.kernels.items()}
        return ConvolutionWeights(kernels, drawn.biases, drawn.source, "of large numbers")

    monkeypatch.setattr(sources, "untrained", large)
    monkeypatch.setenv(PRETEND, "float16")  # which few processors have; TensorFlow computes with it anywhere
    answer = nst(tmp_path, *own_size, "seed=99", "precision=float16", "hydra.run.dir=run")
    assert answer.status == 1
    last = answer.err.splitlines()[-1]
    assert "after 0 steps" in last
    assert last.endswith(
        "precision=float16 holds no number above 65504: choose precision=float32 or bfloat16"
    )
    np.testing.assert_array_equal(unit(tmp_path / "run" / "image.png"), unit(tmp_path / "content.png"))
