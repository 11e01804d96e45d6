"""The common zoom of two runs that stand side by side: what is seen is computed from where pictures lie."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from unit.compare.report.synthetic_runs import VARYING, synthetic_run

from nst_tf.compare.ranking import Study
from nst_tf.compare.report import write_report

Open = Callable[..., Any]
PANES = "#side-by-side-pictures .pane"
READOUT = ".zoom-readout"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of three runs the last has a picture of twice the size."""
    folder = tmp_path_factory.mktemp("zoom")
    runs = [
        synthetic_run(folder / str(n), "adam", 10.0**n, n, steps=3, width=width)
        for n, width in enumerate((256, 256, 512))
    ]
    write_report(folder / "report.html", Study(runs, VARYING), "Zoom")
    return folder


@pytest.fixture
def page(open_page: Open, folder: Path) -> Any:
    page = open_page(folder / "report.html", viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    page.locator(PANES).first.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # a wheel that still scrolls the page does not zoom
    return page


def frames(page: Any) -> np.ndarray:
    """Of each frame its left, top, width and height in pixels [panes, 4]."""
    return boxes(page, PANES)


def pictures(page: Any) -> np.ndarray:
    """The same of the pictures in them, with what a frame cuts off."""
    return boxes(page, f"{PANES} > img, {PANES} > canvas")


def boxes(page: Any, selector: str) -> np.ndarray:
    found = page.locator(selector).evaluate_all(
        "all => all.map((it) => it.getBoundingClientRect()).map((it) => [it.x, it.y, it.width, it.height])"
    )
    return np.array(found)


def shares(page: Any, x: float, y: float) -> np.ndarray:
    """The share of each picture [panes, 2] that lies at this share of its frame."""
    frame, picture = frames(page), pictures(page)
    return (frame[:, :2] + frame[:, 2:] * (x, y) - picture[:, :2]) / picture[:, 2:]


def turn_wheel(page: Any, pane: int, x: float, y: float, pixels: float) -> None:
    left, top, width, height = frames(page)[pane]
    page.mouse.move(left + width * x, top + height * y)
    page.mouse.wheel(0, pixels)
    page.wait_for_timeout(100)


def test_the_wheel_zooms_all_pictures_at_the_pointer(page: Any) -> None:
    assert len(frames(page)) == 3
    np.testing.assert_allclose(pictures(page), frames(page), atol=0.01)
    before = shares(page, 0.7, 0.2)
    turn_wheel(page, 1, 0.7, 0.2, -500)
    after = shares(page, 0.7, 0.2)
    np.testing.assert_allclose(after, before, atol=2e-3)  # the browser's pointer is at whole pixels
    zoom = pictures(page)[:, 2] / frames(page)[:, 2]
    np.testing.assert_allclose(zoom, np.exp(1), rtol=1e-3)
    assert page.locator(READOUT).inner_text() == f"{round(100 * pictures(page)[0, 2] / 256)} %"
    turn_wheel(page, 0, 0.1, 0.9, 2000)
    np.testing.assert_allclose(pictures(page), frames(page), atol=0.01)


def test_at_the_whole_picture_a_wheel_scrolls_the_page_on(page: Any) -> None:
    top = page.evaluate("scrollY")
    turn_wheel(page, 0, 0.5, 0.5, 150)
    assert page.evaluate("scrollY") == top + 150
    left, y, width, height = frames(page)[0]
    page.mouse.move(left + width / 2, y + height / 2)
    for _ in range(2):  # the second while the page still scrolls
        page.mouse.wheel(0, 20)
    page.mouse.wheel(0, -20)
    page.wait_for_timeout(100)
    np.testing.assert_allclose(pictures(page), frames(page), atol=0.01)


def test_dragging_moves_all_of_them_as_far_as_their_edges(page: Any) -> None:
    turn_wheel(page, 0, 0.5, 0.5, -600)
    before = pictures(page)
    left, top, width, height = frames(page)[2]
    page.mouse.move(left + width / 2, top + height / 2)
    page.mouse.down()
    page.mouse.move(left + width / 2 + 31, top + height / 2 - 17)
    moved = pictures(page) - before
    np.testing.assert_allclose(moved, np.tile([31, -17, 0, 0], (3, 1)), atol=0.01)
    page.mouse.move(left + width * 3, top - height * 3)  # the frame holds the pointer
    page.mouse.up()
    page.mouse.move(left, top)
    frame, picture = frames(page), pictures(page)
    np.testing.assert_allclose(picture[:, 0], frame[:, 0], atol=0.01)
    np.testing.assert_allclose(picture[:, 1] + picture[:, 3], frame[:, 1] + frame[:, 3], atol=0.01)


def test_by_keys_pixels_are_shown_one_to_one_and_beyond_unsmoothed(page: Any) -> None:
    pane = page.locator(PANES).first
    rendering = f"getComputedStyle(document.querySelector('{PANES} img')).imageRendering"
    pane.focus()
    assert page.evaluate(rendering) == "auto"
    whole = page.locator(READOUT).inner_text()
    page.keyboard.press("+")
    assert page.locator(READOUT).inner_text() == "200 %"
    assert pictures(page)[0, 2] == pytest.approx(512)
    assert page.evaluate(rendering) == "pixelated"
    page.keyboard.press("+")
    before = shares(page, 0.5, 0.5)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    seen = frames(page)[:, 2:] / pictures(page)[:, 2:]
    np.testing.assert_allclose(shares(page, 0.5, 0.5) - before, seen * (0.1, -0.1), atol=1e-4)
    for _ in range(9):
        page.keyboard.press("+")
    assert page.locator(READOUT).inner_text() == "1600 %"
    page.keyboard.press("-")
    assert page.locator(READOUT).inner_text() == "800 %"
    page.keyboard.press("0")
    assert page.locator(READOUT).inner_text() == whole
    np.testing.assert_allclose(pictures(page), frames(page), atol=0.01)
    assert page.evaluate(rendering) == "auto"


def test_buttons_and_double_clicks_do_the_same(page: Any) -> None:
    page.get_by_role("button", name="Zoom in").press("Enter")
    assert page.locator(READOUT).inner_text() == "200 %"
    assert page.locator("#announcer").text_content() == "200 %"
    page.locator(PANES).nth(1).dblclick()
    np.testing.assert_allclose(pictures(page), frames(page), atol=0.01)
    page.get_by_role("button", name="Zoom in").press("Enter")
    page.get_by_role("button", name="Whole pictures").press("Enter")
    np.testing.assert_allclose(pictures(page), frames(page), atol=0.01)


def test_pictures_of_different_sizes_show_the_same_share(page: Any) -> None:
    page.locator("#side-by-side-controls select").nth(1).select_option("2")
    page.get_by_role("button", name="A pixel of the picture").click()
    page.get_by_role("button", name="Zoom in").click()
    assert page.locator(READOUT).inner_text() == "A 200 %, B 100 %"
    turn_wheel(page, 0, 0.9, 0.9, -100)
    seen = shares(page, 0.25, 0.75)
    np.testing.assert_allclose(seen, np.tile(seen[:1], (3, 1)), atol=1e-3)


def test_the_zoomed_difference_is_that_of_the_originals(page: Any, folder: Path) -> None:
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    assert page.locator(READOUT).inner_text() == "800 %"
    page.locator(".exact:visible").wait_for()
    a, b = (np.asarray(Image.open(folder / str(n) / "image.png"), int) for n in (0, 1))
    times = int(page.get_by_label("amplify").input_value())
    wanted = np.minimum(255, times * abs(a - b))
    shot = page.locator(PANES).nth(2).screenshot()
    seen = np.asarray(Image.open(BytesIO(shot)).convert("RGB"), int)
    height, width = seen.shape[:2]
    share = shares(page, 0.5, 0.5)[2]
    down, across = (np.array([a.shape[0], a.shape[1]]) * share[::-1]).astype(int)
    # the middle of the pixel that is next to the middle of the frame
    x = width / 2 + 8 * (across + 0.5 - share[0] * a.shape[1])
    y = height / 2 + 8 * (down + 0.5 - share[1] * a.shape[0])
    np.testing.assert_allclose(seen[int(y), int(x)], wanted[down, across], atol=times)


def test_divided_pictures_are_zoomed_under_a_line_that_stands_still(page: Any) -> None:
    page.get_by_role("radio", name="divided").check()
    page.get_by_role("button", name="Zoom in").click()
    turn_wheel(page, 0, 0.2, 0.2, -300)
    # the right edge of what is left of A, in pixels of the page
    edge = page.evaluate("""() => {
        const before = document.querySelector('#side-by-side .before');
        const cut = parseFloat(getComputedStyle(before).clipPath.split(' ')[1]) / 100;
        const box = before.getBoundingClientRect();
        return box.x + box.width * (1 - cut);
    }""")
    left, _, width, _ = frames(page)[0]
    assert edge == pytest.approx(left + width / 2, abs=0.5)


def test_two_fingers_zoom_and_one_moves(open_page: Open, folder: Path) -> None:
    page = open_page(
        folder / "report.html", viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True
    )
    page.locator(PANES).first.scroll_into_view_if_needed()
    page.wait_for_timeout(600)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    left, top, width, height = frames(page)[0]
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": left + width * x, "y": top + height * y, "id": n} for n, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.4, 0.5))
    touch("touchStart", (0.4, 0.5), (0.6, 0.5))
    for spread in (0.14, 0.18, 0.22, 0.26, 0.3):
        touch("touchMove", (0.5 - spread, 0.5), (0.5 + spread, 0.5))
    touch("touchEnd")
    page.wait_for_timeout(100)
    zoom = pictures(page)[:, 2] / frames(page)[:, 2]
    np.testing.assert_allclose(zoom, 3, rtol=0.02)
    before = pictures(page)[:, 0]
    touch("touchStart", (0.5, 0.5))
    for x in (0.55, 0.6, 0.65, 0.7):
        touch("touchMove", (x, 0.5))
    touch("touchEnd")
    page.wait_for_timeout(100)
    np.testing.assert_allclose(pictures(page)[:, 0] - before, 0.2 * width, atol=16)  # a finger begins late
