"""``stylize``: pictures of any kind in, a picture and its history out."""

from __future__ import annotations

import gc
import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from cli.command_line import SMALL, nst
from cli.rerun.rerun_command import nst_rerun
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.version import getbase
from omegaconf import OmegaConf
from PIL import Image

import nst_tf
from nst_tf import InputError, build_experiment, set_up, style_transfer, stylize
from nst_tf import api as library
from nst_tf.compare.reading import read_run


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
        (GREY, GREY, ["optimizer=adm"], "adam, adam_bands, adam_exponential, lbfgs"),
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


def test_a_start_that_comes_out_untouched_is_told_of(
    painting: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flat = np.full((24, 32, 3), 128, np.uint8)
    result = stylize(flat, painting, [*SMALL, "optimizer=adam", "objective.style.weight=0", "init.dither=0"])
    np.testing.assert_array_equal(np.asarray(result.image), flat)
    assert [record.message for record in caplog.records if "no step changed the loss" in record.message]


def test_threads_get_what_they_would_get_one_after_another(
    photo: Path, painting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share Hydra's state, the settings of Keras and a compiled step: one at a time is in each."""
    every = [[*SMALL, "image.size=24", f"seed={seed}", "init.noise=0.5"] for seed in (1, 2)] * 2
    alone = [stylize(photo, painting, words) for words in every[:2]]
    assert alone[0].loss != alone[1].loss
    inside, entered = threading.Lock(), set()

    def alone_in(function):
        def watched(*given, **named):
            assert inside.acquire(blocking=False), "two threads at once"
            entered.add(function.__name__)
            try:
                time.sleep(0.05)  # the others have time to come
                return function(*given, **named)
            finally:
                inside.release()

        return watched

    for module, name in ((library, "compose"), (set_up, "set_up"), (style_transfer, "optimize")):
        monkeypatch.setattr(module, name, alone_in(getattr(module, name)))
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(lambda words: stylize(photo, painting, words), every))
    assert entered == {"compose", "set_up", "optimize"}
    for one, other in zip(alone * 2, at_once, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert one.loss == other.loss
        assert [report.loss for report in one.history] == [report.loss for report in other.history]
        assert one.configuration == other.configuration


def test_a_program_of_hydras_own_may_call_it(tmp_path: Path) -> None:
    """Its state is that of the whole process, and is as before afterwards."""
    (tmp_path / "config.yaml").write_text("theirs: 1\n")
    with initialize_config_dir(str(tmp_path), version_base="1.2"):
        with pytest.raises(InputError, match=r"image\.size must be at least"):
            stylize(np.zeros((32, 32, 3)), np.zeros((32, 32, 3)), ["image.size=1"])
        assert compose("config") == {"theirs": 1}
        assert str(getbase()) == "1.2"
    assert not GlobalHydra.instance().is_initialized()


def test_callbacks_see_every_step_and_its_picture(photo: Path, painting: Path) -> None:
    seen = []
    words = [*SMALL, "steps=5", "keep_best=false", "optimizer=adam"]
    followed = stylize(
        photo, painting, words, callbacks=[lambda report, solver: seen.append((report, solver.picture))]
    )
    alone = stylize(photo, painting, words)
    np.testing.assert_array_equal(followed.pixels, alone.pixels)
    assert [report for report, _ in seen] == followed.history
    assert all(report.is_last_of_call for report in followed.history)
    np.testing.assert_array_equal(np.round(seen[-1][1] * 255), np.round(alone.pixels * 255))
    for earlier, later in itertools.pairwise(seen):
        assert not np.array_equal(earlier[1], later[1])


def test_a_callback_ends_the_run(photo: Path, painting: Path, tmp_path: Path) -> None:
    """The result is that of so many steps, at the size where it ended."""

    def end_after_three(report, solver) -> None:
        if report.step == 2:
            raise StopIteration

    words = [*SMALL, "steps=8", "optimizer=adam"]
    ended = stylize(photo, painting, words, callbacks=[end_after_three])
    three = stylize(photo, painting, [*words, "steps=3"])
    np.testing.assert_array_equal(ended.pixels, three.pixels)
    assert (ended.loss, len(ended.history)) == (three.loss, 3)
    sizes = [
        "pyramid=coarse_to_fine",
        "pyramid.smallest=20",
        "pyramid.factor=1.5",
        "pyramid.even=false",
        "pyramid.steps=[4,4]",
    ]
    small = stylize(photo, painting, [*words, *sizes], callbacks=[end_after_three])
    assert max(small.pixels.shape) < max(ended.pixels.shape)
    kept = stylize(photo, painting, [*SMALL, "steps=8"], callbacks=[end_after_three], folder=tmp_path / "run")
    assert kept.diverged is None
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (summary["status"], summary["steps"], summary["stopped_by_callback"]) == ("completed", 3, True)
    again = nst_rerun(tmp_path, tmp_path / "run")
    assert "stopped by a callback after 3 steps then" in again.out


@pytest.mark.parametrize("callbacks", [print, 5, [print, "mine"]])
def test_what_is_no_list_of_functions_is_refused(callbacks) -> None:
    with pytest.raises(InputError, match="callbacks are a list of functions of a report and a solver, but"):
        stylize(GREY, GREY, SMALL, callbacks=callbacks)


def test_an_exception_of_a_callback_goes_through(photo: Path, painting: Path, tmp_path: Path) -> None:
    def fail(report, solver) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        stylize(photo, painting, SMALL, callbacks=[fail], folder=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


@pytest.mark.parametrize("depth", ["8 bits", "16 bits", "transparent"])
def test_a_folder_holds_the_run_as_the_command_leaves_it(
    depth: str, painting: Path, photo: Path, weights_file: Path, tmp_path: Path, monkeypatch
) -> None:
    """Pictures from arrays are kept, compared and made again bit for bit."""
    monkeypatch.chdir(tmp_path)
    with Image.open(photo) as image:
        content = np.asarray(image)
    if depth == "16 bits":
        content = np.sqrt(content / 255)
    elif depth == "transparent":
        content = np.dstack([content, np.linspace(0, 255, content[..., 0].size).reshape(content.shape[:2])])
        content = content.astype(np.uint8)
    words = {word.partition("=")[0]: word.partition("=")[2] for word in SMALL}
    lists = {key: [value.strip("[]")] for key, value in words.items() if key == "layers.content"}
    style_layers = {"layers.style": ["block1_conv1", "block2_conv1"]}
    overrides = words | lists | style_layers | {"model.weights": weights_file, "steps": 3}
    result = stylize(content, painting, overrides, folder="runs/one")
    assert result.file == tmp_path / "runs/one/image.png"
    with Image.open(result.file) as saved, Image.open(tmp_path / "runs/one/inputs/content.png") as kept:
        assert saved.size == result.image.size
        if depth != "transparent":
            np.testing.assert_array_equal(np.asarray(saved), np.asarray(result.image))
        if depth == "8 bits":
            np.testing.assert_array_equal(np.asarray(kept), content)
    run = read_run(tmp_path / "runs/one")
    assert run.summary["loss_of_saved_picture"] == result.loss
    again = nst_rerun(tmp_path, tmp_path / "runs/one")
    assert again.status == 0, again.err
    assert "bit-identical" in again.out


def test_a_folder_that_can_not_be_used_is_refused_and_left_as_it_was(
    photo: Path, painting: Path, tmp_path: Path
) -> None:
    stylize(photo, painting, SMALL, folder=tmp_path / "run")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="holds a run"):
        stylize(photo, painting, SMALL, folder=tmp_path / "run")
    with pytest.raises(InputError, match="steps must be at least 1"):
        stylize(photo, painting, [*SMALL, "steps=0"], folder=tmp_path / "other")
    with pytest.raises(InputError, match="float16"):  # found only when everything is built
        stylize(photo, painting, [*SMALL, "precision=float16"], folder=tmp_path / "deep" / "other")
    with pytest.raises(InputError, match=r"copy_inputs=false keeps no copy"):
        stylize(GREY, painting, [*SMALL, "record.copy_inputs=false"], folder=tmp_path / "other")
    with pytest.raises(InputError, match=r"give folder=\.\.\."):
        stylize(photo, painting, [*SMALL, "logger=tensorboard"])
    assert sorted(tmp_path.rglob("*")) == before


def test_a_diverged_run_in_a_folder_is_a_result(photo: Path, painting: Path, tmp_path: Path) -> None:
    words = ["optimizer=sgd", "optimizer.learning_rate=1e30", "image.clip=false", "steps=6"]
    result = stylize(photo, painting, [*SMALL, *words], folder=tmp_path / "run")
    assert result.diverged
    assert result.file is not None
    assert result.file.is_file()


def test_progress_is_shown_where_it_is_asked_for(
    photo: Path, painting: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stylize(photo, painting, SMALL)
    stylize(photo, painting, SMALL, folder=tmp_path / "quiet")
    assert capfd.readouterr() == ("", "")
    stylize(photo, painting, SMALL, progress=True)
    assert "32 x 26 pixels, 2 steps" in capfd.readouterr().err
    stylize(photo, painting, SMALL, progress=True, folder=tmp_path / "told")
    assert "32 x 26 pixels, 2 steps" in capfd.readouterr().err


def test_a_loop_of_ones_own_comes_to_the_same_result(photo: Path, painting: Path) -> None:
    """As docs/library.md has it; along the gradient the loss rises by its norm, by finite differences."""
    words = [*SMALL, "steps=4", "optimizer=adam"]
    result = stylize(photo, painting, words)
    experiment = build_experiment(photo, painting, words)
    transfer = style_transfer.Transfer(experiment)
    losses = []
    for index, scale in enumerate(experiment.scales):
        transfer.enter(index, scale)
        solver = transfer.solver
        for report in solver.steps(scale.steps, reports_every=1):
            image = tf.constant(solver.last_image[None])
            loss, parts, gradient = solver.bound.value_and_gradient(image)
            losses.append((report.loss, float(loss)))
            assert float(tf.reduce_sum(parts)) == pytest.approx(float(loss), rel=1e-5)
        transfer.leave()
    outcome = transfer.outcome()
    np.testing.assert_array_equal(outcome.pixels, result.pixels)
    assert outcome.loss == result.loss
    for (_, after), (reported, _) in itertools.pairwise(losses):
        assert after == pytest.approx(reported, rel=1e-5)
    norm = float(tf.norm(gradient))
    ahead, behind = (
        float(solver.bound.value_and_gradient(image + by * gradient / norm)[0]) for by in (1e-2, -1e-2)
    )
    assert (ahead - behind) / 2e-2 == pytest.approx(norm, rel=0.01)


def test_what_the_package_offers_is_told() -> None:
    assert set(nst_tf.__all__) <= set(dir(nst_tf))
    assert all(getattr(nst_tf, name) for name in nst_tf.__all__)
    assert (Path(nst_tf.__file__).parent / "py.typed").is_file()
    with pytest.raises(AttributeError, match="no attribute 'stylise'"):
        nst_tf.stylise  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.slow
def test_sizes_leave_no_graphs_behind(photo: Path, painting: Path) -> None:
    """Each graph has some megabytes: those of all sizes but the last go, whatever the collector's mood."""

    def graphs() -> int:
        return sum(type(one).__name__ == "FuncGraph" for one in gc.get_objects())

    words = [*SMALL, "objective=wasserstein", "steps=1"]
    gc.disable()
    try:
        counts = []
        for size in (24, 26, 28):
            stylize(photo, painting, [*words, f"image.size={size}"])
            counts.append(graphs())
        assert counts[1] == counts[2] <= counts[0] + 1
    finally:
        gc.enable()
