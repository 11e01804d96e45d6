"""The slider through a run's progress pictures, in the viewer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from unit.compare.report.synthetic_runs import VARYING, synthetic_run

from nst_tf.compare.ranking import Study
from nst_tf.compare.report import write_report

Open = Callable[..., Any]
STEPS = (0, 50, 100)
RESULT_WIDTH = 256


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two runs the first has progress pictures, each told by its width."""
    folder = tmp_path_factory.mktemp("progress # run")
    runs = [synthetic_run(folder / str(n), "adam", 10.0**n, n, steps=3) for n in range(2)]
    progress = folder / "0" / "progress"
    progress.mkdir()
    for step in STEPS:
        Image.new("RGB", (100 + step, 80)).save(progress / f"step-{step:06d}.png")
    write_report(folder / "report.html", Study(runs, VARYING), "Progress")
    return folder / "report.html"


def is_shown(page: Any, width: int) -> None:
    """Wait for a picture of so many pixels across."""
    for _ in range(100):
        shown = page.locator("#viewer-stage img").last.evaluate("it => it.naturalWidth")
        if shown == width:
            return
        page.wait_for_timeout(30)
    raise AssertionError(f"the picture is {shown} pixels wide, not {width}")


def test_the_slider_goes_through_the_steps_to_the_result(open_page: Open, report: Path) -> None:
    page = open_page(report)
    page.locator(".card").first.click()
    slider = page.get_by_label("progress", exact=True)
    said = page.locator(".progress output")
    assert said.inner_text() == "result"
    box = page.locator("#viewer-stage img").bounding_box()
    is_shown(page, RESULT_WIDTH)
    slider.focus()
    for step in reversed(STEPS):
        page.keyboard.press("ArrowLeft")  # moves the slider and does not turn to another run
        assert said.inner_text() == slider.get_attribute("aria-valuetext") == f"step {step}"
        is_shown(page, 100 + step)
    assert page.locator("#viewer-stage img").bounding_box() == box  # a coarser size takes the same room
    page.keyboard.press("End")
    assert said.inner_text() == "result"
    is_shown(page, RESULT_WIDTH)
    assert page.locator("#viewer h2").inner_text().startswith("Run 0")
    controls = page.locator("#viewer .controls").last.bounding_box()
    assert controls["y"] + controls["height"] <= page.viewport_size["height"]


def test_steps_stand_against_the_content_too(open_page: Open, report: Path) -> None:
    page = open_page(report)
    page.locator(".card").first.click()
    page.get_by_label("progress", exact=True).focus()
    page.keyboard.press("Home")
    is_shown(page, 100)
    page.get_by_role("radio", name="Against content").check()
    after = page.locator("#viewer-stage .after")
    for _ in range(100):
        if after.evaluate("it => it.naturalWidth") == 100:
            break
        page.wait_for_timeout(30)
    assert after.evaluate("it => it.naturalWidth") == 100
    assert page.locator(".progress output").inner_text() == "step 0"


def test_runs_without_progress_pictures_have_no_slider(open_page: Open, report: Path) -> None:
    page = open_page(report)
    page.locator(".card").first.click()
    page.get_by_label("progress", exact=True).focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Next run").click()
    assert page.locator(".progress").count() == 0
    page.get_by_role("button", name="Previous run").click()
    assert page.locator(".progress output").inner_text() == "result"


def test_a_page_that_lies_alone_says_where_the_pictures_are(
    chromium: Any, report: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "report.html"
    alone.write_bytes(report.read_bytes())
    page = chromium.new_page()  # the console tells of files that are not there
    page.goto(alone.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    page.locator(".card").first.click()
    page.get_by_label("progress", exact=True).focus()
    page.keyboard.press("Home")
    page.locator(".progress .hint", has_text="does not lie beside this page").wait_for(timeout=5000)
    assert page.locator("#viewer-stage img").get_attribute("src").startswith("data:image/jpeg")
    page.close()
