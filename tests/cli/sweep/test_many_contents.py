"""``content=FOLDER``, ``style=each:FOLDER`` or a glob: one run a picture; ``image.size=native``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from PIL import Image

from nst_tf import InputError, stylize
from nst_tf.config.overrides import with_quoted_files
from nst_tf.config.pictures import several_pictures
from nst_tf.sweep.contents import with_many_pictures

NAMES = [
    "a,b.jpg",
    "a=b.png",
    "[x] {y} (z).webp",
    'it\'s "one".tif',
    "back\\slash.bmp",
    "Grün 日本.PNG",
    " dollar $x.gif",
    "null.jpeg",
    "~-1e3.tiff",
]


def values(words: list[str]) -> list[str]:
    """The choices of the one ``content=`` word, as Hydra reads them, through the words of each job."""
    parser = OverridesParser.create()
    (word,) = [word for word in words if word.startswith("content=")]
    override = parser.parse_override(word)
    if not override.is_sweep_override():
        return [str(override.value())]
    jobs = override.sweep_string_iterator()
    return [str(parser.parse_override(f"content={job}").value()) for job in jobs]


def test_any_name_arrives_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("pictures, all [of] them")
    folder.mkdir()
    for name in (*NAMES, ".hidden.jpg", "notes.txt"):
        (folder / name).touch()
    (folder / "folder.jpg").mkdir()
    for given in (str(folder), f"{folder}/", str(folder.absolute())):
        words = with_quoted_files(with_many_pictures([f"content={given}", "steps=3"]))
        assert words[0] == "-m"
        assert words[2] == "steps=3"
        assert sorted(values(words)) == sorted(f"{given.rstrip('/')}/{name}" for name in NAMES)
    assert set(values(with_many_pictures(["content=pictures*/*.[pb]*"]))) == {
        f"{folder}/a=b.png",
        f"{folder}/back\\slash.bmp",
    }


def test_numbers_in_names_are_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2, 10, 100):
        Path(f"f{number}.png").touch()
    Path("f2b.png").touch()
    assert several_pictures("f*.png") == ["f1.png", "f2.png", "f2b.png", "f10.png", "f100.png"]
    assert several_pictures("f%d.png") == ["f1.png", "f2.png", "f10.png", "f100.png"]
    assert several_pictures("f%02d.png") == ["f10.png", "f100.png"]


def test_words_that_name_one_picture_or_no_run_are_left_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a[1].jpg", "what?.jpg", "b.jpg"):
        Path(name).touch()
    for word in (
        "a[1].jpg",
        "what?.jpg",
        "b.jpg",
        "none.jpg",
        "[a.jpg,b.jpg]",
        "a[1].jpg,b.jpg",
        "${style}",
        "",
    ):
        assert with_many_pictures([f"content={word}"]) == [f"content={word}"]
    assert with_many_pictures(["--cfg", "job", f"content={tmp_path}"])[0] == "--cfg"
    frames = [f"content={tmp_path}", "video=previous"]
    assert with_many_pictures(frames) == [f'content="{tmp_path}"', "video=previous"]
    assert with_many_pictures([f"content={tmp_path}", "video=none"])[0] == "-m"
    # flags stay before what they are for
    words = ["--config-dir", "mine", "-m", "steps=3", f"content={tmp_path}"]
    assert with_many_pictures(words)[:3] == words[:3]
    assert with_many_pictures(words)[4:] == ["steps=3"]
    # several folders and pictures in one word, and the bundled pictures
    assert values(with_many_pictures(["-m", "content=b.jpg,a*.jpg,b.jpg"])) == ["b.jpg", "a[1].jpg"]
    assert "samples/landscape.jpg" in values(with_many_pictures(["content=samples/"]))
    assert values(with_many_pictures(["content='samples/l*.jpg'"])) == ["samples/landscape.jpg"]


@pytest.mark.parametrize("word", ["empty", "empty/", "empty/*.jpg", "none*.jpg", "none%04d.png"])
def test_nothing_there_is_one_sentence(word: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    answer = nst(tmp_path, f"content={word}", *SMALL)
    assert answer.status == 2
    assert word in answer.err
    assert answer.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def pairs(words: list[str], tmp_path: Path) -> list[tuple[str, str]]:
    """Content and style of each job of the sweep ``nst WORD ...``, which is made."""
    words = ["-m", *SMALL, *words, "steps=1", "sweep.compare=false", "hydra.sweep.dir=sweep"]
    answer = nst(tmp_path, *words)
    assert answer.status == 0, answer.err
    configurations = [
        OmegaConf.load(tmp_path / "sweep" / str(number) / "config.yaml")
        for number in range(len(list((tmp_path / "sweep").glob("*/config.yaml"))))
    ]
    return [(Path(one.content).name, Path(as_one(one.style)).name) for one in configurations]


def as_one(style: object) -> str:
    return style if isinstance(style, str) else "+".join(style)


def test_every_content_in_every_style(photo: Path, painting: Path, tmp_path: Path) -> None:
    for folder, source, names in (("photos", photo, "ab"), ("my paintings", painting, "xy")):
        (tmp_path / folder).mkdir()
        for name in names:
            shutil.copy(source, tmp_path / folder / f"{name}{source.suffix}")
    (tmp_path / "my paintings" / "notes.txt").touch()
    a, b = (f"{name}{photo.suffix}" for name in "ab")
    x, y = (f"{name}{painting.suffix}" for name in "xy")
    words = ["style=each:my paintings/", "content=photos/"]
    assert pairs(words, tmp_path) == [(a, x), (a, y), (b, x), (b, y)]
    shutil.rmtree(tmp_path / "sweep")
    one = ["content=photos/" + a, f"style=each:my paintings/*{painting.suffix}"]
    assert pairs(one, tmp_path) == [(a, x), (a, y)]
    shutil.copy(painting, tmp_path / "my paintings" / f"earlier{painting.suffix}")
    assert pairs(one, tmp_path) == [(a, x), (a, y), (a, f"earlier{painting.suffix}")]


def test_each_of_names_and_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b c.jpg", "each:d.jpg"):
        Path(name).touch()
    assert with_many_pictures(["style=each:a.jpg,b c.jpg", "steps=3"]) == [
        "-m",
        'style="a.jpg","b c.jpg"',
        "steps=3",
    ]
    assert with_many_pictures(["-m", "steps=1,2", "style=each:a.jpg"]) == ["-m", 'style="a.jpg"', "steps=1,2"]
    assert with_many_pictures(["style=each:d.jpg"]) == ["style=each:d.jpg"]  # a file of this name
    for words, sentence in (
        (["style=each:"], "style=each: names no pictures"),
        (["style=each:*.bmp"], r"no file matches \*\.bmp"),
        (["style=each:https://a.b/c"], "addresses are not fetched"),
    ):
        with pytest.raises(InputError, match=sentence):
            with_many_pictures(words)


def test_native_is_the_size_of_each_content(painting: Path, tmp_path: Path) -> None:
    for name, size in (("wide.png", (40, 28)), ("tall.png", (24, 36))):
        Image.new("RGB", size, (200, 90, 30)).save(tmp_path / name)
    words = [f"style={painting}", "content=tall.png,wide.png", "image.size=native,32"]
    pairs(words, tmp_path)
    found = [json.loads(one.read_text())["size"] for one in sorted((tmp_path / "sweep").glob("*/run.json"))]
    assert sorted((one["width"], one["height"]) for one in found) == [(21, 32), (24, 36), (32, 22), (40, 28)]
    saved = OmegaConf.load(tmp_path / "sweep" / "0" / "config.yaml")
    assert OmegaConf.to_container(saved.image, resolve=False)["size"] == 36
    with Image.open(tmp_path / "wide.png") as image:
        for content in (tmp_path / "wide.png", image, np.asarray(image)):
            result = stylize(content, painting, [*SMALL, "image.size=native"])
            assert result.pixels.shape == (28, 40, 3)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["content=null", "experiment=texture"], "image.size=native is the size of a content: say one"),
        (["content=nothing.png"], "nothing.png does not exist"),
    ],
)
def test_native_needs_a_content(
    words: list[str], sentence: str, small: tuple[str, ...], tmp_path: Path
) -> None:
    answer = nst(tmp_path, *small, *words, "image.size=native")
    assert answer.status == 2
    assert sentence in answer.err
    assert len(answer.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
