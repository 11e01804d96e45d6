"""The pages of docs/: each has its place in the site, and what they link to and show is there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from configuration_reference import configuration_reference, settings_with_comments
from hydra.utils import get_object

import nst_tf
import nst_tf.optim
import nst_tf.statistics
from nst_tf.config.schema import CONF_FOLDER, config_groups, config_keys

ROOT = Path(__file__).parents[2]
SITE = ROOT / "properdocs.yml"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

pytestmark = pytest.mark.skipif(
    not SITE.is_file(), reason="the source distribution has neither site nor pictures"
)


def pages_of(navigation: list) -> Iterator[str]:
    for entry in navigation:
        if isinstance(entry, str):
            yield entry
            continue
        for below in entry.values():
            yield from pages_of(below if isinstance(below, list) else [below])


def test_every_page_has_its_place_in_the_navigation() -> None:
    listed = list(pages_of(yaml.safe_load(SITE.read_text(encoding="utf-8"))["nav"]))
    made = {"index.md", "quickstart.md", "contributing.md", "changelog.md", "configuration.md"}
    assert sorted(listed) == sorted({*made, *(page.name for page in (ROOT / "docs").glob("*.md"))})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_and_shows_is_there(page: Path) -> None:
    text = re.sub(r"^(?:    |```).*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", text)
    assert [link for link in links if not (page.parent / link).is_file()] == []
    named = re.findall(r"`(docs/[\w/.-]+\.\w+)`", text)
    assert [file for file in named if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lists_and_tables_stand_apart_from_the_text_before_them(page: Path) -> None:
    """Else Python's Markdown, unlike GitHub's, takes them for a part of the paragraph."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for before, line in itertools.pairwise(lines):
        begins = re.match(r"- |\d+\. |\|", line)
        assert not begins or not before or re.match(r"- |\d+\. |\||  ", before), (page.name, line)


def test_the_reference_of_the_api_has_what_is_exported() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = {get_object(name) for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)}
    for package in (nst_tf, nst_tf.statistics, nst_tf.optim):
        missing = [name for name in package.__all__ if getattr(package, name) not in listed]
        assert missing == [], package.__name__


def test_the_reference_has_every_setting_and_every_option() -> None:
    """The schema, not the file that the reference is made from, says which keys there are."""
    groups = {group.split("/")[0] for group in config_groups()}
    expected = {key for key in config_keys() if key.split(".")[0] not in groups}
    branches = {key.rsplit(".", 1)[0] for key in expected if "." in key}
    settings = {key: comment for key, _, comment in settings_with_comments()}
    assert set(settings) == expected - branches
    assert [key for key, comment in settings.items() if not comment] == []
    reference = configuration_reference()
    for file in CONF_FOLDER.rglob("*/*.yaml"):
        assert f'title="{file.stem}.yaml"' in reference
    assert re.search(
        r"\| <code>memory</code> \| `auto` \| .*<br>`auto`, `plain`, `recompute`, `tiles` \|\n", reference
    )
    assert "| **`coarse_to_fine`** |" in reference
