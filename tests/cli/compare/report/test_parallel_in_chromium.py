"""Parallel coordinates: lines lie where their values say, and what is marked is what the filter says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from unit.compare.report.synthetic_runs import VARYING, eight_runs, failed_run

from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import ComparedRun
from nst_tf.compare.report import write_report

Open = Callable[..., Any]
FILTER = "#filter-text"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[ComparedRun]:
    """Seven that completed, one of them without a measure, and one that failed."""
    folder = tmp_path_factory.mktemp("parallel")
    runs = eight_runs(folder)[:7]
    measured = {name: value for name, value in runs[5].yardstick.items() if name != "style_distance"}
    runs[5] = dataclasses.replace(runs[5], yardstick=measured)
    return [*runs, failed_run(folder / "7", "7")]


@pytest.fixture
def page(open_page: Open, runs: list[ComparedRun]) -> Any:
    report = runs[0].folder.parent / "report.html"
    write_report(report, Study(runs, VARYING), "Parallel")
    page = open_page(report, viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    page.locator("#parallel").scroll_into_view_if_needed()
    return page


def shown(page: Any) -> list[str]:
    return page.locator("#parallel-chart g.thread").evaluate_all(
        "all => all.map((it) => it.dataset.run).sort()"
    )


def place(page: Any, axis: str, run: int) -> float:
    """The height in the drawing at which a run's line crosses an axis."""
    axes = page.locator("#parallel-chart .parallel-axis").evaluate_all(
        "all => all.map((it) => it.dataset.axis)"
    )
    line = page.locator(f'#parallel-chart g.thread[data-run="{run}"] .line').get_attribute("d")
    x = float(
        re.match(
            r"M([\d.]+)",
            page.locator("#parallel-chart .parallel-axis > path").nth(axes.index(axis)).get_attribute("d"),
        )[1]
    )
    points = [tuple(map(float, pair)) for pair in re.findall(r"[ML]([\d.]+) ([\d.]+)", line)]
    return next(y for at, y in points if abs(at - x) < 0.1)


def drag(page: Any, axis: str, start: float, end: float) -> None:
    """Along an axis, between two heights in the drawing."""
    strip = page.locator(f'#parallel-chart [data-axis="{axis}"] .strip')
    strip.scroll_into_view_if_needed()
    top = page.locator("#parallel-chart svg").bounding_box()["y"]
    box = strip.bounding_box()
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, top + start)
    page.mouse.down()
    page.mouse.move(x, top + end)
    page.mouse.up()


def test_lines_cross_the_axes_at_their_values(page: Any, runs: list[ComparedRun]) -> None:
    assert shown(page) == list("0123456")
    distances = np.array([runs[n].yardstick["content_distance"] for n in range(7)])
    places = np.array([place(page, "content_distance", n) for n in range(7)])
    straight = np.polyval(np.polyfit(distances, places, 1), distances)
    np.testing.assert_allclose(straight, places, atol=0.06)  # coordinates have one decimal
    assert places[distances.argmax()] < places[distances.argmin()]  # more is higher
    # a thousandfold of weights: equal ratios, equal distances
    weights = np.array([place(page, "objective.style.weight", n) for n in range(4)])
    np.testing.assert_allclose(np.diff(weights), np.diff(weights)[0], atol=0.11)
    # where a run has no measure, its line has a gap
    assert page.locator('g.thread[data-run="5"] .line').get_attribute("d").count("M") == 2
    assert page.locator('g.thread[data-run="4"] .line').get_attribute("d").count("M") == 1


def test_a_marked_stretch_is_a_comparison_of_the_filter(page: Any, runs: list[ComparedRun]) -> None:
    page.locator(FILTER).fill("adam content distance < 5")
    assert shown(page) == list("456")
    low, high = place(page, "content_distance", 4), place(page, "content_distance", 5)
    drag(page, "content_distance", high - 4, low + 4)
    text = page.locator(FILTER).input_value()
    found = re.fullmatch(r"adam content_distance>=([\d.]+) content_distance<=([\d.]+)", text)
    distances = [runs[n].yardstick["content_distance"] for n in (4, 5, 6)]
    assert found
    assert distances[1] < float(found[2]) < distances[2]
    assert float(found[1]) < distances[0]
    assert shown(page) == list("45")
    assert page.locator(".runs tbody th").all_inner_texts() == ["4", "5"]
    assert page.locator("#parallel-chart .thread.out").count() == 5
    drag(page, "content_distance", high - 40, 0)
    assert re.fullmatch(r"adam content_distance>=[\d.]+", page.locator(FILTER).input_value())
    assert shown(page) == ["6"]
    drag(page, "content_distance", high, high)
    assert page.locator(FILTER).input_value() == "adam"
    assert shown(page) == list("456")


def test_what_is_typed_is_marked(page: Any) -> None:
    mark = page.locator('#parallel-chart [data-axis="objective.style.weight"] .mark')
    assert mark.get_attribute("visibility") == "hidden"
    ten, hundred = place(page, "objective.style.weight", 1), place(page, "objective.style.weight", 2)
    page.locator(FILTER).fill("weight>=10 weight<=100")
    assert mark.get_attribute("visibility") == "visible"
    assert float(mark.get_attribute("y")) == pytest.approx(hundred, abs=0.06)
    assert float(mark.get_attribute("height")) == pytest.approx(ten - hundred, abs=0.11)
    assert shown(page) == list("1256")
    page.locator(FILTER).fill("")
    assert mark.get_attribute("visibility") == "hidden"
    page.locator(FILTER).fill("weight<=1000")  # takes none of those away that have a line
    assert float(mark.get_attribute("y")) == pytest.approx(place(page, "objective.style.weight", 3), abs=0.06)
    page.get_by_role("button", name="clear").click()
    assert mark.get_attribute("visibility") == "hidden"


def test_lines_are_reached_by_keyboard_and_open_their_run(page: Any) -> None:
    page.locator("#parallel-chart g.thread").first.focus()
    page.keyboard.press("ArrowRight")
    run = page.evaluate("document.activeElement.dataset.run")
    assert run != page.locator("#parallel-chart g.thread").first.get_attribute("data-run")
    page.keyboard.press("Enter")
    assert page.locator("#viewer h2").inner_text().startswith(f"Run {run}")
