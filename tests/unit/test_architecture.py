"""docs/architecture.md names functions and files: they are there, and the ways through the code are short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hydra.utils import get_object

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WALKS = {
    heading: re.findall(r"^\| `(nst_tf\.[\w.]+)` \|", part, re.M)
    for heading, part in re.findall(r"^## (From [^\n]*)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
}


def test_both_ways_are_told() -> None:
    assert len(WALKS) == 2


@pytest.mark.parametrize("calls", WALKS.values(), ids=WALKS.keys())
def test_every_call_of_a_way_is_there_and_the_way_is_short(calls: list[str]) -> None:
    assert all(callable(get_object(call)) for call in calls)
    assert 10 <= len(calls) <= 14
    files = {get_object(call).__module__ for call in calls}
    assert len(files) <= 10, files


def test_every_file_and_folder_of_the_page_is_there_and_none_is_left_out() -> None:
    rows = re.findall(r"^\| `.*$", PAGE.split("\n## ")[0], re.M)
    named = {name.rstrip("/") for row in rows for name in re.findall(r"`(\w+(?:\.py|/))`", row)}
    package = {path.name for path in (ROOT / "nst_tf").iterdir() if not path.name.startswith("__")}
    assert named == package - {"samples", "conf", "py.typed"}
