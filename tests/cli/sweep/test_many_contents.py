"""``content=FOLDER`` or a glob: one run a picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command_line import SMALL, nst
from hydra.core.override_parser.overrides_parser import OverridesParser

from nst_tf.config.overrides import with_quoted_files
from nst_tf.config.pictures import several_pictures
from nst_tf.sweep.contents import with_many_contents

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
        words = with_quoted_files(with_many_contents([f"content={given}", "steps=3"]))
        assert words[0] == "-m"
        assert words[2] == "steps=3"
        assert sorted(values(words)) == sorted(f"{given.rstrip('/')}/{name}" for name in NAMES)
    assert set(values(with_many_contents(["content=pictures*/*.[pb]*"]))) == {
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
        assert with_many_contents([f"content={word}"]) == [f"content={word}"]
    assert with_many_contents(["--cfg", "job", f"content={tmp_path}"])[0] == "--cfg"
    frames = [f"content={tmp_path}", "video=previous"]
    assert with_many_contents(frames) == [f'content="{tmp_path}"', "video=previous"]
    assert with_many_contents([f"content={tmp_path}", "video=none"])[0] == "-m"
    # flags stay before what they are for
    words = ["--config-dir", "mine", "-m", "steps=3", f"content={tmp_path}"]
    assert with_many_contents(words)[:3] == words[:3]
    assert with_many_contents(words)[4:] == ["steps=3"]
    # several folders and pictures in one word, and the bundled pictures
    assert values(with_many_contents(["-m", "content=b.jpg,a*.jpg,b.jpg"])) == ["b.jpg", "a[1].jpg"]
    assert "samples/landscape.jpg" in values(with_many_contents(["content=samples/"]))
    assert values(with_many_contents(["content='samples/l*.jpg'"])) == ["samples/landscape.jpg"]


@pytest.mark.parametrize("word", ["empty", "empty/", "empty/*.jpg", "none*.jpg", "none%04d.png"])
def test_nothing_there_is_one_sentence(word: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    answer = nst(tmp_path, f"content={word}", *SMALL)
    assert answer.status == 2
    assert word in answer.err
    assert answer.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
