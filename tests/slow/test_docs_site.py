"""The site of the documentation is built from a checkout, without a warning and without a network."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli.command_line import REPOSITORY


@pytest.mark.slow  # ten seconds
@pytest.mark.skipif(
    not importlib.util.find_spec("properdocs"),
    reason="the extra docs is not installed: pip install -e '.[docs]'",
)
@pytest.mark.skipif(
    not (REPOSITORY / "properdocs.yml").is_file(),
    reason="the source distribution has neither site nor pictures",
)
def test_the_site_is_built_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "properdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stderr
    pages = {page.name: page.read_text(encoding="utf-8") for page in tmp_path.glob("*.html")}
    assert {"index.html", "quickstart.html", "configuration.html", "api.html", "contributing.html"} <= set(
        pages
    )
    for name, page in pages.items():
        fetched = re.findall(r'<(?:script|img|link)[^>]* (?:src|href)="(?:https?:)?//[^"]*', page)
        assert fetched == [], name
    assert 'src="samples/landscape.jpg"' in pages["index.html"]
    assert (tmp_path / "samples" / "landscape.jpg").is_file()
    assert 'href="contributing.html"' in pages["architecture.html"]
    assert 'id="nst_tf.stylize"' in pages["api.html"]
    found = json.loads((tmp_path / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    assert any("nearest_patches" in entry["text"] for entry in found)
