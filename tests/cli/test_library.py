"""``stylize``: pictures of any kind in, a picture and its history out."""

from __future__ import annotations

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.version import getbase
from omegaconf import OmegaConf
from PIL import Image

from nst_tf import InputError, set_up, style_transfer, stylize
from nst_tf import api as library


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
