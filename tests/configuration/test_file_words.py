"""Files whose names Hydra's grammar would not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst_tf.configuration.file_words import with_quoted_files
from nst_tf.run.library import composed

NAMES = [
    "photo.jpg",
    "ph\u00f6to.jpg",
    "\u7167\u7247.jpg",
    "it's (1).jpg",
    "a=b.jpg",
    "123",
    'a "quoted" one.jpg',
    "x&y%#1.jpg",
]


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
