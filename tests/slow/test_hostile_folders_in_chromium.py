"""From folders that strangers damaged to the page in a browser: what is in them is shown and never run."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from fuzzing.folders import damage, make_seed
from fuzzing.hostile_values import SECRET, TEXTS, VARIABLE

from nst_tf.compare.cli import main as compare

_FOLDERS = 12


@pytest.mark.slow
def test_pages_of_hostile_folders(chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    source = make_seed(tmp_path / "sound")
    asked: list[str] = []
    for number in range(_FOLDERS):
        place = tmp_path / str(number)
        shutil.copytree(source, place, symlinks=True)
        chance = random.Random(number)
        _, run = damage(place / "theirs", chance)
        attack = TEXTS[number].replace('"', "'").replace("\n", " ")
        named = place / "theirs" / attack.replace("/", "_")
        shutil.copytree(place / "theirs" / "0", named)
        summary = (named / "run.json").read_text().replace('"seed=0"', f'"seed={attack}"')
        (named / "run.json").write_text(summary.replace('"completed"', '"failed", "error": "' + attack + '"'))
        (named / "nst.log").write_text(attack)
        compare([str(place / "theirs"), "--no-yardstick"])
        page = chromium.new_page()
        page.on("request", lambda request: asked.append(request.url))
        errors: list[str] = []
        page.on("dialog", lambda dialog, errors=errors: (errors.append("a dialog"), dialog.dismiss()))
        page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
        page.goto((place / "theirs" / "report.html").as_uri())
        assert page.locator(".card").count() >= 2, run
        page.locator(".card").last.click()
        page.wait_for_timeout(50)
        assert page.evaluate("window.ran") is None
        assert errors == []
        assert page.locator("script").count() == 2
        assert SECRET not in page.content()
        page.close()
    assert all(url.startswith(("file://", "data:")) for url in asked)
    assert not list(tmp_path.rglob("canary"))
