"""The words style, style_scale and content=null: folders, sizes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf.api import composed
from nst_tf.config.inputs import read_inputs, style_scales
from nst_tf.config.overrides import spelled_as_keys
from nst_tf.config.pictures import style_names
from nst_tf.config.validate import validate
from nst_tf.errors import InputError
from nst_tf.runs.memory import check_memory
from nst_tf.runs.sizes import check_sizes, shapes_at

TEXTURE = ("content=null", "objective=relative", "objective.content.weight=0", "init=noise")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    styles = tmp_path / "my styles"
    styles.mkdir()
    for name, side in {"b.PNG": 40, "a.jpg": 48, "c.webp": 32}.items():
        Image.fromarray(np.full((side, 24, 3), side, np.uint8)).save(styles / name)
    (styles / "notes.txt").write_text("not a picture")
    (styles / ".hidden.png").write_bytes(b"")
    (styles / "older").mkdir()
    return styles


def test_a_folder_is_its_pictures_by_name(folder: Path) -> None:
    pictures = [f"{folder}/{name}" for name in ("a.jpg", "b.PNG", "c.webp")]
    assert style_names(str(folder)) == style_names(f"{folder}/") == pictures
    assert style_names(["x.png", f"{folder}/"]) == ["x.png", *pictures]
    inputs = read_inputs(composed([f"style='{folder}'"])[0])
    assert [picture.height for picture in inputs.styles] == [48, 40, 32]
    assert inputs.style_weights == (1, 1, 1)


def test_weights_of_a_folder_are_by_name_and_counted(folder: Path) -> None:
    settings, choices = composed([f"style='{folder}'", "style_weights=[1,2,3]"])
    validate(settings, choices)
    settings.style_weights = [1, 2]
    with pytest.raises(InputError, match="2 values for 3 styles"):
        validate(settings, choices)


def test_folders_without_pictures_and_broken_pictures_are_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"folder of styles .*empty is empty: a picture is a file that ends"):
        style_names(str(tmp_path / "empty"))
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(InputError, match=r"empty holds no picture among its 1 file"):
        style_names(str(tmp_path / "empty"))
    (folder / "bad.png").write_bytes(b"no picture at all")
    with pytest.raises(InputError, match=r"my styles/bad\.png"):
        read_inputs(composed([f"style='{folder}'"])[0])


def test_the_scale_multiplies_the_long_side_of_each_style() -> None:
    shapes = shapes_at(512, 400, (300, 400), [(100, 200), (80, 40)], "none", (0.5, 2.0))
    assert shapes == ((384, 512), [(100, 200), (800, 400)])
    settings, _ = composed(["style_scale=1.5"])
    assert style_scales(settings, 3) == (1.5, 1.5, 1.5)


@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0, 1.7])
def test_the_smallest_size_for_a_scale_is_the_smallest_that_works(scale: float) -> None:
    def check(size: int) -> None:
        settings, _ = composed([f"style_scale={scale}", f"image.size={size}"])
        check_sizes(settings, read_inputs(settings))

    with pytest.raises(InputError, match=r"the smallest that works is image\.size=(\d+)") as refused:
        check(17)
    smallest = int(str(refused.value).rpartition("=")[2])
    check(smallest)
    with pytest.raises(InputError, match="the smallest that works"):
        check(smallest - 1)


def test_style_scale_may_be_spelled_with_a_dot() -> None:
    words = ["style.scale=0.5,2", "+style.scale=1", "style.scaled=1", "style=a", "style.weights=[1,2]"]
    spelled = ["style_scale=0.5,2", "+style_scale=1", "style.scaled=1", "style=a", "style_weights=[1,2]"]
    assert spelled_as_keys(words) == spelled
    assert composed(["style.scale=0.5"])[0].style_scale == 0.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["style_scale=0"], r"style_scale must be a number above 0.*is 0"),
        (["style_scale=big"], r"style_scale must be a number above 0.*'big'"),
        (["style_scale=[1,2]"], r"style_scale has 2 values for 1 style"),
        (["style_scale=.inf"], "style_scale must be a number above 0"),
        (["style_scale=2", "image.stretch=style"], r"no effect with image\.stretch=style"),
        (["content=null"], r"objective\.content\.weight is 1\.0: say experiment=texture"),
        (["image.aspect=2"], r"image\.aspect=2.* is for textures"),
        ([*TEXTURE, "image.aspect=0"], r"image\.aspect must be .*above 0, but is 0"),
        ([*TEXTURE, "objective.style.relative_to_content=true"], "needs a content picture"),
        ([*TEXTURE, "init=content"], "init=content needs a content picture"),
        ([*TEXTURE, "color=luminance"], r"content=null has no colors for color="),
        (["average=0.9", "optimizer=lbfgs"], r"average=0\.9 is for optimizers of small steps"),
        (["average=0.9", "optimizer=lbfgs_scipy"], r"average=0\.9 is for optimizers of small steps"),
        (["video=flow", "color=recombine"], r"color=none and .* go with video=flow"),
        (
            ["objective.content.weight=0", "objective.style.weight=0"],
            "every term of the objective has weight",
        ),
        (["stop.patience=0"], "stop.patience must be at least 1, but is 0"),
        (["stop.tolerance=1.0"], "stop.tolerance must be at least 0 and below 1, but is 1.0"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], said: str) -> None:
    settings, choices = composed(words)
    with pytest.raises(InputError, match=said):
        validate(settings, choices)


@pytest.mark.parametrize(
    ("aspect", "shape"), [("null", (96, 96)), ("2", (48, 96)), ("0.75", (96, 72)), ("1.5", (64, 96))]
)
def test_a_texture_has_the_shape_that_is_asked_for(aspect: str, shape: tuple[int, int]) -> None:
    settings, choices = composed([*TEXTURE, "image.size=96", f"image.aspect={aspect}"])
    validate(settings, choices)
    inputs = read_inputs(settings)
    check_memory(settings, inputs)
    assert inputs.is_texture
    assert (inputs.content.height, inputs.content.width) == shape


def test_tiles_are_refused_on_a_torus() -> None:
    settings, _ = composed(["experiment=tileable_texture", "memory=tiles"])
    with pytest.raises(InputError, match=r"memory=tiles is not possible with model\.padding=circular"):
        check_memory(settings, read_inputs(settings))
