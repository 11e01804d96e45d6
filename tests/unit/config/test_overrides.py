"""Files whose names Hydra's grammar would not read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from nst_tf.api import composed
from nst_tf.config.overrides import for_the_shell, typed, with_quoted_files, words_of
from nst_tf.config.pictures import left_out_of, style_names
from nst_tf.errors import InputError

NAMES = [
    "photo.jpg",
    "ph\u00f6to.jpg",
    "\u7167\u7247.jpg",
    "it's (1).jpg",
    "a=b.jpg",
    "123",
    'a "quoted" one.jpg',
    "x&y%#1.jpg",
    "[a], b.jpg",
    " blank.jpg",
]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files of all these names, which is the present one."""
    monkeypatch.chdir(tmp_path)
    for name in (*NAMES, "b.jpg"):
        Path(name).touch()
    return tmp_path


def choices(word: str) -> list:
    """What a word of a sweep chooses from, in the words of each job."""
    parser = OverridesParser.create()
    override = parser.parse_override(word)
    key = override.get_key_element()
    said = override.sweep_string_iterator() if override.is_sweep_override() else ()
    return [parser.parse_override(f"{key}={one}").value() for one in said]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_an_existing_file_arrives_as_it_is(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    for given in (name, str(tmp_path / name)):
        settings, _ = composed(with_quoted_files([f"content={given}", f"style={given}"]))
        assert (settings.content, settings.style) == (given, given)


@pytest.mark.parametrize(
    "word", ["content=none.jpg", "style=[a.jpg,b.jpg]", "content=a.jpg,b.jpg", "steps=3", "-m", "style="]
)
def test_whatever_names_no_file_is_left_alone(word: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("3").touch()
    assert with_quoted_files([word]) == [word]


@pytest.mark.parametrize("name", [one for one in NAMES if one != " blank.jpg"])
@pytest.mark.parametrize("where", ["{0},b.jpg", "b.jpg,{0}", "b.jpg, {0},none.jpg"])
def test_in_lists_and_sweeps_as_well(name: str, where: str, files: Path) -> None:
    expected = ["none.jpg"] * ("none" in where)
    expected = sorted([*expected, "b.jpg", name])
    value = where.format(name)
    (style,) = with_quoted_files([f"style=[{value}]"])
    settings, _ = composed([style])
    assert sorted(settings.style) == expected
    (content,) = with_quoted_files([f"content={value}"])
    assert sorted(map(str, choices(content))) == expected
    (styles,) = with_quoted_files([f"style=[{value}],{name}"])
    first, second = choices(styles)
    assert (sorted(map(str, first)), str(second)) == (expected, name)


def test_plain_names_and_words_that_are_no_files_stay_as_they_are(files: Path) -> None:
    for name in ("auto", "null"):
        Path(name).touch()
    for word in (
        "style=[b.jpg,photo.jpg]",
        "content=b.jpg,photo.jpg",
        "guidance.styles=[b.jpg,null]",
        "model.weights=auto,random,b.jpg",
        'style=["it\'s (1).jpg",b.jpg]',
        "style=[a (2).jpg,b.jpg]",
        "style=[b.jpg",
        "content=choice(b.jpg,photo.jpg)",
        "style=${content}",
    ):
        assert with_quoted_files([word]) == [word]


@pytest.mark.parametrize("folder", ["my run", "my (2) = run", "plain/${now:%Y}", "Gr\u00fcn", "it's"])
def test_a_folder_for_results_may_be_called_anything(folder: str) -> None:
    for key in ("hydra.run.dir", "hydra.sweep.dir"):
        (word,) = with_quoted_files([f"{key}={folder}"])
        assert OverridesParser.create().parse_override(word).value() == folder
        assert with_quoted_files([word]) == [word]


def test_a_glob_of_styles_is_all_that_it_matches(files: Path) -> None:
    Path("paint").mkdir()
    for name in ("10.jpg", "2 (b).jpg", "notes.txt"):
        (Path("paint") / name).touch()
    for given, expected in {
        "style=paint/*.jpg": ["paint/2 (b).jpg", "paint/10.jpg"],
        "style='paint/*.jpg'": ["paint/2 (b).jpg", "paint/10.jpg"],
        "style=[b.jpg,paint/*.jpg]": ["b.jpg", "paint/2 (b).jpg", "paint/10.jpg"],
        "style=paint/%d.jpg": ["paint/10.jpg"],
        "style=samples/w*.jpg": ["samples/watercolour.jpg", "samples/woodblock_waves.jpg"],
    }.items():
        settings, _ = composed(with_quoted_files([given]))
        assert list(settings.style) == expected
    (word,) = with_quoted_files(["style=paint/*.jpg,b.jpg"])
    assert choices(word) == [["paint/2 (b).jpg", "paint/10.jpg"], "b.jpg"]
    assert with_quoted_files(["style=paint"]) == ['style="paint"']  # a folder stays one
    with pytest.raises(InputError, match=r"no file matches paint/\*\.tif"):
        with_quoted_files(["style=paint/*.tif"])


NOT_FETCHED = " is an address; addresses are not fetched: download it first, and name the file"
ADDRESSES = [
    "https://example.org/a//b.jpg?size=1&x=(2),3#top",
    "s3://bucket//key.jpg",
    "gs://bucket/a b.jpg",
    "HTTP://EXAMPLE.ORG/",
    "data:image/png;base64,iVBORw0KGgo=",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "key", ["content", "style", "init.path", "guidance.content", "model.weights", "resume"]
)
def test_an_address_is_named_as_it_was_typed(key: str, address: str) -> None:
    for given in (f"{key}={address}", f'+{key}="{address}"'):
        with pytest.raises(InputError) as told:
            with_quoted_files([given])
        assert str(told.value) == f"{key}={address}{NOT_FETCHED}"


def test_addresses_in_lists_sweeps_and_files_of_their_own_kind(files: Path) -> None:
    for given in ("style=[b.jpg,https://a.b/c.jpg]", "content=b.jpg,https://a.b/c.jpg"):
        with pytest.raises(InputError, match=rf"^(style|content)=https://a\.b/c\.jpg{NOT_FETCHED}"):
            with_quoted_files([given])
    with pytest.raises(InputError, match=r"style=file:///a\.jpg is .* by its path, without file://"):
        with_quoted_files(["style=file:///a.jpg"])
    word = "logger.mlflow.tracking_uri=https://a.b/c"
    assert with_quoted_files([word]) == [word]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("content=a (1).jpg", "a (1).jpg"),
        ("content=it's.jpg", "it's.jpg"),
        ("content=x=1.jpg", "x=1.jpg"),
        ("style=[a (1).jpg,b.jpg]", ["a (1).jpg", "b.jpg"]),
        ('style=["a (1).jpg",it\'s "b".jpg]', ["a (1).jpg", 'it\'s "b".jpg']),
        ("record.picture=$HOME `x` (1).png", "$HOME `x` (1).png"),
        ("a=[1", "[1"),
    ],
)
def test_what_is_advised_arrives_through_a_shell_as_it_was_meant(word: str, value: object) -> None:
    advised = for_the_shell(word)
    typed = subprocess.run(
        ["bash", "-c", f"printf %s {advised}"], capture_output=True, text=True, check=True
    ).stdout
    assert OverridesParser.create().parse_override(typed).value() == value


def test_what_of_a_folder_is_no_picture_is_named(files: Path) -> None:
    Path("photos").mkdir()
    pictures = ["1.jfif", "2.JPE", "3.avif", "4.HEIC", "5.png"]
    for name in (*pictures, "notes.txt", "clip.mov", ".hidden"):
        (Path("photos") / name).touch()
    assert style_names("photos") == [f"photos/{name}" for name in pictures]
    (line,) = left_out_of(["photos", "b.jpg"])
    assert line == ("2 files of photos left out, whose names are not those of pictures: clip.mov, notes.txt")
    for number in range(20):
        (Path("photos") / f"{number}.raw").touch()
    (line,) = left_out_of(["photos"])
    assert line.endswith("0.raw, 1.raw, 2.raw, 3.raw, 4.raw, 5.raw, 6.raw, 7.raw and 14 others")


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, 3, -2.5, 1e-12, float("inf")),
        *(
            "adam",
            "true",
            "null",
            "1e-3",
            "",
            " two words ",
            "a=b,(c).jpg",
            'it\'s a "quote"',
            "back\\slash",
            "${seed}",
        ),
        *(["a b", 1, None], {"one": 0.5, "two": [1, 2]}, []),
    ],
)
def test_a_value_of_python_is_read_by_hydra_as_it_is(value) -> None:
    assert OverridesParser.create().parse_override(f"key={typed(value)}").value() == value


def test_overrides_as_a_mapping_are_those_of_the_command_line() -> None:
    given = {
        "image.size": np.int64(64),
        "optimizer": "adam",
        "style": (Path("a.jpg"), "b c.jpg"),
        "seed": None,
    }
    assert words_of(given) == ["image.size=64", "optimizer=adam", 'style=[a.jpg,"b c.jpg"]', "seed=null"]
    settings, choices = composed(words_of({"image.size": 64, "optimizer": "adam", "steps": 7}))
    assert (settings.image.size, choices["optimizer"], settings.steps) == (64, "adam", 7)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("image.size=64", r"are the text 'image.size=64': put it into a list"),
        ([64], "an override is a text such as 'image.size=256', but is 64"),
        ({"seed": {1, 2}}, "a value is a number, a text"),
        ({"seed": np.zeros(2)}, "a value is a number, a text"),
    ],
)
def test_overrides_of_another_kind_are_refused(given, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        words_of(given)
