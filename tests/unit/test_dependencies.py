"""What is installed beside the program: every version has an upper bound, and uv.lock follows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
LOCK = PROJECT.with_name("uv.lock")


def requirements() -> list[str]:
    """As they stand in pyproject.toml; read without tomllib, which Python 3.10 lacks."""
    text = PROJECT.read_text(encoding="utf-8")
    project = text[text.index("[build-system]") : text.index("[project.scripts]")]
    lists = re.findall(r"^(?!extend|include)(\w+) = \[(.*?)\]\s*$", project, re.MULTILINE | re.DOTALL)
    others = ("authors", "keywords", "classifiers", "dynamic")
    return [
        requirement
        for name, listed in lists
        if name not in others
        for requirement in re.findall(r'"([^"]+)"', listed)
    ]


def test_every_requirement_has_an_upper_bound() -> None:
    known = requirements()
    assert len(known) > 25
    assert any(one.startswith("tensorflow>=") for one in known)
    unbound = [one for one in known if not re.search(r"<|==", one) and not one.startswith("nst_tf[")]
    assert unbound == []


@pytest.mark.skipif(not LOCK.is_file(), reason="the source distribution has no uv.lock")
def test_the_lock_file_is_of_these_requirements() -> None:
    """After a change of a requirement: ``uv lock``."""
    text = LOCK.read_text(encoding="utf-8")
    listed = re.findall(r"^requires-dist = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert len(listed) == 1
    locked = {
        (name, SpecifierSet(specifier))
        for name, specifier in re.findall(r'{ name = "([^"]+)".*?specifier = "([^"]+)"', listed[0])
    }
    asked = [Requirement(one) for one in requirements() if not one.startswith("nst_tf[")]
    assert locked == {(one.name, one.specifier) for one in asked}
    assert set(re.findall(r'registry = "([^"]+)"', text)) == {"https://pypi.org/simple"}
