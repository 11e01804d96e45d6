"""The report page in a real browser: everything is clicked, and the numbers shown are computed again here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.compare.report.report_pages import Page, decoded
from unit.compare.report.synthetic_runs import VARYING, eight_runs, failed_run

from nst_tf.compare.averages import averaged_runs
from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import ComparedRun
from nst_tf.compare.report import write_report
from nst_tf.compare.yardstick import trade_off

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[ComparedRun]:
    """Seven that completed, one that failed."""
    folder = tmp_path_factory.mktemp("sweep")
    failed = failed_run(folder / "7", "7", settings={"optimizer": "adam", "objective.style.weight": 1000.0})
    return [*eight_runs(folder)[:7], failed]


@pytest.fixture(scope="module")
def report(runs: list[ComparedRun]) -> Path:
    path = runs[0].folder.parent / "report.html"
    write_report(path, Study(runs, VARYING), "Eight runs")
    return path


def cards(page: Any) -> list[str]:
    """Names of the runs in the grid."""
    return page.locator(".card .caption b").all_inner_texts()


def rows(page: Any) -> list[str]:
    """Names of the runs in the table."""
    return page.locator(".runs tbody th").all_inner_texts()


def until(page: Any, expression: str) -> None:
    """Wait for it to be true. Playwright's own way evaluates in the page, where the policy forbids it."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"in 15 seconds, this did not become true: {expression}")


def set_range(locator: Any, value: float) -> None:
    locator.evaluate("(it, value) => { it.value = value; it.dispatchEvent(new Event('input')); }", value)


def test_the_grid_has_the_settings_that_vary_as_axes(open_page: Open, report: Path) -> None:
    page = open_page(report)
    assert page.locator(".grid thead .axis-value").all_inner_texts() == ["1", "10", "100", "1000"]
    assert page.locator(".grid tbody .axis-value").all_inner_texts() == ["lbfgs", "adam"]
    assert cards(page) == [str(number) for number in range(8)]
    assert page.locator(".card img").evaluate_all("all => all.every((it) => it.naturalWidth > 100)")
    assert "received 1e+30" in page.locator(".card").nth(7).inner_text()
    page.get_by_label("rows").select_option("objective.style.weight")  # which takes it from the columns
    assert page.locator(".grid tbody .axis-value").all_inner_texts() == ["1", "10", "100", "1000"]
    assert cards(page) == ["0", "4", "1", "5", "2", "6", "3", "7"]
    page.get_by_label("columns").select_option("optimizer")
    assert page.locator(".grid thead .axis-value").all_inner_texts() == ["lbfgs", "adam"]
    assert cards(page) == ["0", "4", "1", "5", "2", "6", "3", "7"]
    page.get_by_label("rows").select_option("*none")
    page.get_by_label("columns").select_option("*none")
    assert page.locator(".cards .card").count() == 8
    before = page.locator(".card img").first.bounding_box()["width"]
    set_range(page.get_by_label("size"), 460)
    assert page.locator(".card img").first.bounding_box()["width"] > before


def test_of_settings_that_were_not_all_crossed_the_fullest_table_is_shown(
    open_page: Open, runs: list[ComparedRun], tmp_path: Path
) -> None:
    # a number, which reads best across, would leave five of ten cells empty; the optimizer leaves none
    pairs = [("lbfgs", 1), ("adam", 1), ("lbfgs", 2), ("adam", 2), ("lbfgs", 3)]
    settings = [{"optimizer": name, "weight": weight, "rate": weight / 10} for name, weight in pairs]
    some = [
        dataclasses.replace(run, settings=own) for run, own in zip(runs[: len(pairs)], settings, strict=True)
    ]
    report = tmp_path / "report.html"
    write_report(report, Study(some, ["weight", "rate", "optimizer"]), "Mixed")
    page = open_page(report)
    assert page.locator(".grid thead .axis-value").all_inner_texts() == ["lbfgs", "adam"]
    assert page.locator(".grid .empty").count() == 1
    # in reading order a caption begins with what tells the runs apart: the rate follows from the weight
    page.get_by_label("rows").select_option("*none")
    page.get_by_label("columns").select_option("*none")
    assert (
        page.locator(".card .caption")
        .first.inner_text()
        .split("\n")[-1]
        .startswith("weight 1, optimizer lbfgs")
    )


def test_hover_tells_settings_and_measures_and_escape_takes_it_away(
    open_page: Open, report: Path, runs: list[ComparedRun]
) -> None:
    page = open_page(report)
    page.locator(".card").nth(2).hover()
    tip = page.locator("#tip")
    text = tip.inner_text()
    assert "style.weight" in text
    assert "lbfgs" in text
    assert f"{runs[2].yardstick['content_distance']:.4g}" in text
    assert "1.29 GB" in text
    page.mouse.move(5, 5)
    assert tip.is_hidden()
    page.keyboard.press("Tab")  # focus by keyboard shows it too
    page.locator(".card").nth(2).focus()
    assert tip.is_visible()
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_click_enlarges_arrows_turn_and_escape_closes(open_page: Open, report: Path) -> None:
    page = open_page(report)
    page.locator(".card").nth(1).click()
    viewer = page.locator("#viewer")
    assert viewer.evaluate("it => it.open")
    assert viewer.locator("h2").inner_text().startswith("Run 1")
    picture = page.locator("#viewer-stage img")
    until(page, "document.querySelector('#viewer-stage img').src.endsWith('/1/image.png')")
    assert picture.evaluate("it => [it.naturalWidth, it.naturalHeight]") == [256, 176]  # the original
    assert picture.bounding_box()["width"] > 500
    page.keyboard.press("ArrowRight")
    assert viewer.locator("h2").inner_text().startswith("Run 2")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert viewer.locator("h2").inner_text().startswith("Run 7")  # round the end
    assert "received 1e+30" in viewer.inner_text()
    viewer.get_by_role("button", name="Previous run").click()
    assert viewer.locator("h2").inner_text().startswith("Run 6")
    page.keyboard.press("Escape")
    assert not viewer.evaluate("it => it.open")
    until(page, "document.activeElement.dataset.run === '6'")  # the focus is where the eye was
    page.locator(".card").nth(0).click()
    viewer.get_by_role("button", name="Close").click()
    assert not viewer.evaluate("it => it.open")


def test_the_divider_moves_by_mouse_and_by_keyboard(open_page: Open, report: Path) -> None:
    page = open_page(report)
    page.locator(".card").first.click()
    for mode, name in (("Against content", "content"), ("Against style", "style")):
        page.get_by_role("radio", name=mode).check()
        divider = page.get_by_label(f"Divide {name}")
        clipped = "getComputedStyle(document.querySelector('#viewer-stage .before')).clipPath"
        assert page.evaluate(clipped) == "inset(0px 50% 0px 0px)"
        box = divider.bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
        assert float(divider.input_value()) == pytest.approx(25, abs=2)
        divider.focus()
        page.keyboard.press("Home")
        assert page.evaluate(clipped) == "inset(0px 100% 0px 0px)"
        page.keyboard.press("ArrowRight")  # moves the divider and does not turn to the next run
        assert page.evaluate(clipped) == "inset(0px 99.5% 0px 0px)"
        assert page.locator("#viewer h2").inner_text().startswith("Run 0")
        assert page.locator("#viewer-stage img").count() == 2


def test_the_filter_holds_for_the_whole_page(open_page: Open, report: Path) -> None:
    page = open_page(report)
    for text, names in (
        ("adam", "4567"),
        ("weight>=100 lbfgs", "23"),
        ("optimizer=adam weight!=10", "467"),
        ("status=failed", "7"),
        ("ssim>0.7", "04"),
        ("style.weight=10", "15"),
        ("colour_distance<0", ""),
        ("seed=0", "0123456"),
        ("content distance<0.3", "04"),  # as the page prints it
        ("adam content distance < 0.3", "4"),
        ("content<0.3 Peak memory>1e9", "04"),
        ("style distance / block1_conv1 < 0.15", "23"),
        ("swasser adam", ""),
        ("sliced<1 wasserstein>0.1", "23"),
    ):
        page.locator("#filter-text").fill(text)
        assert cards(page) == rows(page) == list(names), text
        assert page.locator("#filter-count").inner_text() == f"{len(names)} of 8"
        completed = len(names.replace("7", ""))
        assert page.locator("#scatter .dot").count() == completed
        assert page.locator("#loss-chart .curve").count() == completed
        assert page.locator("#filter-said").inner_text() == ""
    page.get_by_role("button", name="clear").click()
    assert cards(page) == rows(page) == list("01234567")


def test_what_the_filter_does_not_understand_is_said_and_takes_nothing_away(
    open_page: Open, report: Path
) -> None:
    page = open_page(report)
    said = page.locator("#filter-said")
    for text, names, sentence in (
        ("weight>>5 adam", "4567", "weight>>5 is no comparison: write a name"),
        ("weight>many", "01234567", "weight>many is no comparison: many is not a number"),
        ("weight>", "01234567", "weight> is no comparison"),
        ("nothing=1", "01234567", "there is no setting or measure called nothing"),
        ("optimizer>1", "01234567", "there is no number called optimizer"),
        ("distance<1", "01234567", "distance could be content distance, style distance, colour distance"),
    ):
        page.locator("#filter-text").fill(text)
        assert cards(page) == list(names), text
        assert said.inner_text().startswith(f"Not understood: {sentence}"), text
    page.locator("#filter-text").fill("")
    assert "content distance<0.5" in said.inner_text()  # the syntax, as long as nothing is typed
    page.locator("#filter-text").blur()
    assert said.inner_text() == ""


def test_choices_of_the_filter_add_up(open_page: Open, report: Path) -> None:
    page = open_page(report)
    page.locator('select[data-filter="optimizer"]').select_option(label="adam")
    page.locator('select[data-filter="status"]').select_option("completed")
    assert rows(page) == list("456")
    page.locator("#filter-text").fill("weight<10")
    assert rows(page) == ["4"]
    page.locator('select[data-filter="optimizer"]').select_option(label="all")
    assert rows(page) == ["0", "4"]


def test_the_table_sorts_by_any_column_with_missing_values_last(
    open_page: Open, report: Path, runs: list[ComparedRun]
) -> None:
    page = open_page(report)
    for measure, name in (("style_distance", "style distance"), ("ssim", "SSIM")):
        heading = page.locator("#table").get_by_role("button", name=name, exact=True)
        ascending = sorted(runs[:7], key=lambda run: run.yardstick[measure])
        heading.click()
        best = ascending[-1] if measure == "ssim" else ascending[0]
        first = next(run for run in runs if run.name == rows(page)[0])
        assert first.yardstick[measure] == best.yardstick[measure]
        assert rows(page)[-1] == "7"
        order = page.locator("th[aria-sort=ascending], th[aria-sort=descending]")
        assert order.get_attribute("aria-sort") == ("descending" if measure == "ssim" else "ascending")
        heading.click()
        assert rows(page)[-1] == "7"
        shown = [next(run for run in runs if run.name == name).yardstick[measure] for name in rows(page)[:-1]]
        assert shown == sorted(shown, reverse=measure != "ssim")
    page.locator("#table").get_by_role("button", name="optimizer").click()
    assert rows(page) == list("45670123")
    best = page.locator(".is-best").all_inner_texts()
    assert f"{min(run.yardstick['style_distance'] for run in runs[:7]):.4g}" in best


def test_columns_can_be_shown_and_hidden(open_page: Open, report: Path) -> None:
    page = open_page(report)
    layer = page.locator("#table").get_by_role("button", name="style distance / block1_conv1")
    assert layer.count() == 0
    page.get_by_text("columns", exact=True).last.click()
    page.get_by_role("checkbox", name="style distance / block1_conv1").check()
    assert layer.count() == 1
    page.get_by_role("checkbox", name="SSIM").uncheck()
    assert page.locator("#table").get_by_role("button", name="SSIM").count() == 0


def test_the_menu_of_columns_closes_on_escape_and_on_a_click_elsewhere(open_page: Open, report: Path) -> None:
    page = open_page(report)
    menu, summary = page.locator(".menu"), page.locator(".menu summary")
    summary.click()
    page.get_by_role("checkbox", name="status").focus()
    page.keyboard.press("Escape")
    assert not menu.evaluate("it => it.open")
    assert summary.evaluate("it => it === document.activeElement")
    summary.click()
    page.locator("#table-title").click()
    assert not menu.evaluate("it => it.open")


def test_the_last_column_is_not_cut(open_page: Open, report: Path) -> None:
    page = open_page(report)
    box = page.locator("#table-body").bounding_box()
    for cell in ("thead th", "tbody tr:first-child td"):
        last = page.locator(f".runs {cell}").last.bounding_box()
        assert last["x"] + last["width"] <= box["x"] + box["width"], cell
    # or this tests nothing
    assert page.locator("#table-body").evaluate("it => it.scrollWidth > it.clientWidth")


def curve(page: Any, run: int) -> np.ndarray:
    points = page.locator(f'#loss-chart .curve[data-run="{run}"] polyline').get_attribute("points")
    return np.array([[float(number) for number in pair.split(",")] for pair in points.split()])


def affine_error(pixels: np.ndarray, values: np.ndarray) -> float:
    """Pixels between where points are and where the best linear axis would have them."""
    return float(np.abs(np.polyval(np.polyfit(values, pixels, 1), values) - pixels).max())


def test_loss_curves_are_where_the_axes_say(open_page: Open, report: Path, runs: list[ComparedRun]) -> None:
    page = open_page(report)
    loss = {number: np.array([row["loss"] for row in runs[number].metrics]) for number in (3, 4)}
    step = np.array([row["step"] for row in runs[3].metrics], float)
    rounding = 0.06  # pixels: coordinates have one decimal
    # all curves share the axes: the same loss of two runs has the same place
    losses = np.concatenate([loss[3], loss[4]])
    both = np.concatenate([curve(page, 3), curve(page, 4)])
    assert affine_error(both[:, 1], np.log(losses)) < rounding
    assert affine_error(curve(page, 4)[:, 0], step) < rounding
    page.get_by_role("radio", name="linear").check()
    both = np.concatenate([curve(page, 3), curve(page, 4)])
    assert affine_error(both[:, 1], losses) < rounding < affine_error(both[:, 1], np.log(losses))
    page.get_by_role("radio", name="seconds").check()
    both = np.concatenate([curve(page, 3), curve(page, 4)])
    seconds = [row["seconds"] for run in (runs[3], runs[4]) for row in run.metrics]
    assert affine_error(both[:, 0], np.array(seconds)) < rounding
    page.get_by_role("radio", name="share of first").check()
    both = np.concatenate([curve(page, 3), curve(page, 4)])
    shares = np.concatenate([one / one[0] for one in loss.values()])
    assert affine_error(both[:, 1], shares) < rounding
    page.locator("#losses-controls").get_by_label("of", exact=True).select_option("content/block4_conv2")
    assert np.ptp(curve(page, 4)[:, 1]) == 0  # it is constant
    assert "can't be compared" in page.locator("#losses-hint").inner_text()


def test_the_pointer_names_the_nearest_curve(open_page: Open, report: Path, runs: list[ComparedRun]) -> None:
    page = open_page(report)
    page.locator("#loss-chart svg").scroll_into_view_if_needed()
    box = page.locator("#loss-chart svg").bounding_box()
    x, y = curve(page, 3)[20]
    page.mouse.move(box["x"] + x, box["y"] + y)
    text = page.locator("#losses-readout").inner_text()
    assert text.startswith("3: optimizer lbfgs")
    assert text.endswith(f"step 20: {runs[3].metrics[20]['loss']:.4g}")
    assert page.locator("tr.lit").get_attribute("data-run") == "3"


def test_any_two_runs_stand_side_by_side_with_what_differs(open_page: Open, report: Path) -> None:
    page = open_page(report)
    controls = page.locator("#side-by-side-controls")
    controls.get_by_label("A", exact=True).select_option("1")
    controls.get_by_label("B", exact=True).select_option("6")
    settings = page.locator("#side-by-side-tables .difference").first.locator("tbody tr")
    assert [row.split("\t") for row in settings.all_inner_texts()] == [
        ["objective.style.weight", "10", "100"],
        ["optimizer", "lbfgs", "adam"],
        ["optimizer.learning_rate", "null", "0.02"],
    ]
    data = Page(report).data
    first, second = (
        np.asarray(decoded(data["pictures"][data["runs"][number]["picture"]]), float) for number in (1, 6)
    )
    until(page, "document.querySelector('#difference').dataset.mean")
    mean = float(page.locator("#difference").get_attribute("data-mean"))
    assert mean == pytest.approx(np.abs(first - second).mean(), abs=0.3)  # two JPEG decoders
    amplified = "[...document.querySelector('#difference').getContext('2d').getImageData(60, 40, 1, 1).data]"
    wanted = np.abs(first - second)[40, 60]
    for times in (1, 3):
        set_range(page.get_by_label("amplify"), times)
        until(page, f"document.querySelector('#difference-text').textContent.includes('times {times}.')")
        assert page.evaluate(amplified)[:3] == pytest.approx(np.minimum(255, wanted * times), abs=6 * times)
    page.get_by_role("button", name="Swap A and B").click()
    assert settings.first.inner_text().split("\t") == ["objective.style.weight", "100", "10"]
    page.get_by_role("radio", name="divided").check()
    assert page.locator("#side-by-side-pictures .divider-range").count() == 1
    controls.get_by_label("A", exact=True).select_option("7")  # has no picture
    assert page.locator("#difference").count() == 0
    controls.get_by_label("B", exact=True).select_option("7")
    assert "same run" in page.locator("#side-by-side-tables").inner_text()


def pareto(points: dict[str, tuple[float, float]]) -> set[str]:
    """By the definition: no other point is as good in both and better in one."""
    return {
        name
        for name, (x, y) in points.items()
        if not any(u <= x and v <= y and (u, v) != (x, y) for u, v in points.values())
    }


@pytest.mark.parametrize(("across", "up"), [("content_distance", "style_distance"), ("ssim", "seconds")])
def test_the_pareto_front_and_the_best_follow_the_chosen_measures(
    open_page: Open, report: Path, runs: list[ComparedRun], across: str, up: str
) -> None:
    page = open_page(report)
    page.get_by_label("across").select_option(across)
    page.get_by_label("up", exact=True).select_option(up)

    def costs(run: ComparedRun) -> tuple[float, float]:
        values = {**run.yardstick, "seconds": run.summary["seconds"]["steps"]}
        return (-values[across] if across == "ssim" else values[across]), values[up]

    points = {run.name: costs(run) for run in runs[:7]}
    marked = page.locator(".dot.on-front").evaluate_all("all => all.map((it) => it.dataset.run)")
    assert set(marked) == pareto(points)
    assert len(page.locator(".front").get_attribute("points").split()) == len(marked)
    low, high = np.min(list(points.values()), axis=0), np.max(list(points.values()), axis=0)
    for weight in (0.0, 0.3, 1.0):
        set_range(page.get_by_label("trade-off", exact=True), weight)
        unit = {name: (np.array(point) - low) / (high - low) for name, point in points.items()}
        score = {name: (1 - weight) * one[0] + weight * one[1] for name, one in unit.items()}
        best = sorted(points, key=lambda name: (round(score[name], 12), int(name)))[:5]
        assert [text.removeprefix("Run ") for text in page.locator("#best b").all_inner_texts()] == best
        assert page.locator("#scatter .named").all_text_contents() == [f"run {name}" for name in best]
    assert page.locator("#best .place").all_inner_texts() == ["1st", "2nd", "3rd", "4th", "5th"]
    page.locator("#best button").first.click()
    assert page.locator("#viewer h2").inner_text().startswith(f"Run {best[0]}")


def test_a_measure_is_never_shown_against_itself(open_page: Open, report: Path) -> None:
    page = open_page(report)
    across, up = page.get_by_label("across"), page.get_by_label("up")
    across.select_option("style_distance")
    assert (across.input_value(), up.input_value()) == ("style_distance", "content_distance")
    up.select_option("ssim")
    assert (across.input_value(), up.input_value()) == ("style_distance", "ssim")


def test_averages_show_their_deviations_and_bands(
    open_page: Open, runs: list[ComparedRun], tmp_path: Path
) -> None:
    seeds = [
        dataclasses.replace(run, settings={**run.settings, "seed": number % 2, "objective.style.weight": 1})
        for number, run in enumerate(runs[:4])
    ]
    averages = averaged_runs(seeds, ["seed"], ["seed"])
    report = tmp_path / "report.html"
    write_report(report, Study(averages, []), "Two seeds")
    page = open_page(report)
    assert rows(page)[0].split() == ["0,", "1,", "2,", "...", "(4", "runs)"]
    values = [run.yardstick["style_distance"] for run in seeds]
    shown = f"{np.mean(values):.4g} ± {np.std(values, ddof=1):.2g}"
    assert shown in page.locator(".runs tbody").inner_text()
    # the band is as high as two deviations, where the axis is linear
    page.get_by_role("radio", name="linear").check()
    losses = np.array([[row["loss"] for row in run.metrics] for run in seeds])
    points = page.locator(".band").evaluate("it => [...it.points].map((point) => point.y)")
    heights = np.array(points[::-1][: len(points) // 2]) - points[: len(points) // 2]
    deviations = losses.std(0, ddof=1)
    np.testing.assert_allclose(heights / heights[0], deviations / deviations[0], atol=0.02)


def test_the_best_are_at_first_those_that_the_terminal_names(
    open_page: Open, report: Path, runs: list[ComparedRun]
) -> None:
    page = open_page(report)
    ranked = sorted(runs[:7], key=lambda run: trade_off(run.yardstick))
    by_name = [f"Run {run.name}" for run in ranked]
    assert page.locator("#best b").all_inner_texts() == by_name[:5]
    slider = page.get_by_label("trade-off", exact=True)
    content, style = (
        np.ptp([run.yardstick[name] for run in runs[:7]]) for name in ("content_distance", "style_distance")
    )
    assert float(slider.input_value()) == pytest.approx(20 * style / (content + 20 * style), abs=0.005)
    set_range(slider, 0.05)
    assert page.locator("#best b").all_inner_texts() != by_name[:5]


def test_the_grid_begins_with_the_axes_that_were_asked_for(
    open_page: Open, runs: list[ComparedRun], tmp_path: Path
) -> None:
    asked = (("objective.style.weight", "image.size"), "optimizer")  # the size is the same in all
    write_report(tmp_path / "report.html", Study(runs[:7], VARYING), "Seven runs", asked)
    page = open_page(tmp_path / "report.html")
    assert page.locator(".grid thead .axis-value").all_inner_texts() == ["lbfgs", "adam"]
    down = page.locator(".grid tbody .axis-value").all_inner_texts()
    assert down == ["1", "256", "10", "256", "100", "256", "1000", "256"]
    assert cards(page) == ["0", "4", "1", "5", "2", "6", "3"]
    page.get_by_label("rows").select_option("*none")
    assert page.locator(".grid tbody .axis-value").count() == 0
    page.get_by_label("rows").select_option(label="style.weight, image.size")
    assert cards(page) == ["0", "4", "1", "5", "2", "6", "3"]


def test_points_are_where_the_axes_say_and_open_their_run(
    open_page: Open, report: Path, runs: list[ComparedRun]
) -> None:
    page = open_page(report)
    places = page.locator(".dot").evaluate_all(
        """all => all.map((it) => [it.dataset.run,
            ...['cx', 'cy'].map((name) => Number(it.lastChild.getAttribute(name)))])"""
    )
    measured = [runs[int(number)].yardstick for number, _, _ in places]
    pixels = np.array([place[1:] for place in places])
    for axis, name in enumerate(("content_distance", "style_distance")):
        assert affine_error(pixels[:, axis], np.array([one[name] for one in measured])) < 1e-6
    page.locator('.dot[data-run="4"]').click()
    assert page.locator("#viewer h2").inner_text().startswith("Run 4")


def test_commands_are_copied(open_page: Open, report: Path) -> None:
    page = open_page(report)

    def pasted() -> str:
        page.locator("#filter-text").fill("")
        page.locator("#filter-text").focus()
        page.keyboard.press("Control+V")
        return page.locator("#filter-text").input_value()

    said = "document.querySelector('#announcer').textContent === 'Copied.'"
    page.get_by_label("Copy the command of run 5").click()
    until(page, said)
    assert pasted() == "nst optimizer=adam objective.style.weight=10 'content=my photo.jpg'"
    page.locator("#filter-text").fill("")
    page.locator(".card").nth(2).click()
    page.locator("#announcer").evaluate("it => { it.textContent = ''; }")
    page.get_by_label("from its folder").click()
    until(page, said)
    page.keyboard.press("Escape")
    assert pasted() == f"nst-rerun {report.parent / '2'}"
    page.locator("#filter-text").fill("")
    page.locator(".card").nth(2).click()
    assert "To be typed in /home/ada/pictures" in page.locator("#viewer").inner_text()
    assert "typed in /home/ada/pictures" in page.locator(".runs .copy").nth(5).get_attribute("title")


def background(page: Any) -> int:
    """Brightness of the page, 0 to 765."""
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(","))


def test_light_and_dark_follow_the_system_and_the_button(open_page: Open, report: Path) -> None:
    for system, dark_at in (("light", [False, False, True]), ("dark", [True, False, True])):
        page = open_page(report, color_scheme=system)
        found = []
        for _ in range(3):  # auto, light, dark
            found.append(background(page) < 200)
            page.locator("#theme").click()
        assert found == dark_at
        assert page.locator("#theme").inner_text().endswith("auto")


def test_it_works_on_a_phone(open_page: Open, report: Path) -> None:
    page = open_page(report, viewport={"width": 375, "height": 740}, is_mobile=True, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 375  # nothing makes the page wider
    for table in ("#grid", "#table-body"):  # what is wider scrolls by itself
        assert page.locator(table).evaluate("it => getComputedStyle(it).overflowX") == "auto"
    page.locator(".card").nth(1).tap()
    box = page.locator("#viewer-stage img").bounding_box()
    assert 300 < box["width"] <= 375
    page.get_by_role("radio", name="Against content").check()
    page.get_by_role("button", name="Next run").tap()
    assert page.locator("#viewer h2").inner_text().startswith("Run 2")
    page.get_by_role("button", name="Close").tap()
    assert page.locator("#viewer").is_hidden()


def test_by_keyboard_alone(open_page: Open, report: Path) -> None:
    page = open_page(report)
    focused = "document.activeElement"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(f"{focused}.classList.contains('card')"):
            break
    assert page.evaluate(f"{focused}.dataset.run") == "0"
    assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(f"{focused}.dataset.run") == "5"
    page.keyboard.press("a")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("b")
    chosen = page.locator("#side-by-side-controls select").evaluate_all("all => all.map((it) => it.value)")
    assert chosen == ["5", "1"]
    page.keyboard.press("Enter")
    assert page.locator("#viewer").is_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    until(page, f"{focused}.dataset.run === '2'")
    page.keyboard.press("Tab")  # the whole grid is one stop
    assert not page.evaluate(f"{focused}.classList.contains('card')")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(f"{focused}.closest('section, nav, header')?.id ?? ''"))
    assert {"trade-off", "side-by-side", "losses", "table"} <= seen
    for chart in (".dot", ".curve"):
        page.locator(chart).first.focus()
        page.keyboard.press("ArrowRight")
        run = page.evaluate(f"{focused}.dataset.run")
        page.keyboard.press("Enter")
        assert page.locator("#viewer h2").inner_text().startswith(f"Run {run}")
        page.keyboard.press("Escape")


def test_everything_that_takes_the_focus_has_a_name(open_page: Open, report: Path) -> None:
    page = open_page(report)
    page.locator(".card").first.click()
    card = page.locator(".card").nth(5)
    assert card.get_attribute("aria-label") == "5: optimizer adam, style.weight 10; completed. Enlarge"
    nameless = page.evaluate("""() => {
        const labelled = (it) => [...(it.labels || [])].some((label) => label.textContent.trim());
        const named = (it) => it.ariaLabel || it.hasAttribute('aria-labelledby') || it.textContent.trim();
        return [...document.querySelectorAll('button, select, input, a, summary, [tabindex]')]
            .filter((it) => !named(it) && !labelled(it)).map((it) => it.outerHTML.slice(0, 120));
    }""")
    assert nameless == []
    assert page.locator("img:not([alt])").count() == 0


def test_movement_is_left_out_where_it_is_not_wanted(open_page: Open, report: Path) -> None:
    smooth = "getComputedStyle(document.documentElement).scrollBehavior"
    assert open_page(report).evaluate(smooth) == "smooth"
    assert open_page(report, reduced_motion="reduce").evaluate(smooth) == "auto"


def test_a_page_that_lies_alone_keeps_its_thumbnails(
    open_page: Open, tmp_path: Path, runs: list[ComparedRun]
) -> None:
    alone = [dataclasses.replace(run, folder=tmp_path / run.name) for run in runs]
    path = tmp_path / "report.html"
    write_report(path, Study(alone, VARYING), "Alone")
    text = path.read_text()
    path.write_text(text.replace('"original":"./', '"original":"x'))  # what an unknown address does
    page = open_page(path)
    page.locator(".card").first.click()
    assert page.locator("#viewer-stage img").get_attribute("src").startswith("data:image/jpeg")
    assert page.get_by_text("original ↗").count() == 0


@pytest.fixture(scope="module")
def two_contents(runs: list[ComparedRun]) -> list[ComparedRun]:
    """Seven runs of a landscape, and of a still life that is easier in both distances; one failed."""
    found = []
    for run in runs[:7]:
        for name, factor in (("landscape", 1.0), ("still_life", 0.6)):
            inputs = {"content": {"file": f"{name}.jpg", "sha256": name}, "styles": []}
            yardstick = {
                **run.yardstick,
                **{one: factor * run.yardstick[one] for one in ("content_distance", "style_distance")},
            }
            found.append(
                dataclasses.replace(
                    run,
                    name=f"{name}-{run.name}",
                    summary={**run.summary, "inputs": inputs},
                    settings={"content": f"{name}.jpg", **run.settings},
                    yardstick=yardstick,
                )
            )
    return [*found, runs[7]]


def test_of_two_contents_each_has_its_front_its_best_and_its_place_in_the_table(
    open_page: Open, two_contents: list[ComparedRun], tmp_path: Path
) -> None:
    write_report(tmp_path / "report.html", Study(two_contents, ("content", *VARYING)), "Two contents")
    page = open_page(tmp_path / "report.html", viewport={"width": 1400, "height": 900})
    members = {
        name: {
            run.name: (run.yardstick["content_distance"], run.yardstick["style_distance"])
            for run in two_contents
            if run.name.startswith(name)
        }
        for name in ("landscape", "still_life")
    }
    fronts = {name: pareto(points) for name, points in members.items()}
    pooled = pareto({**members["landscape"], **members["still_life"]})
    assert fronts["landscape"] - pooled  # pooled, still lifes dominate landscapes

    def marked() -> set[str]:
        found = page.locator(".dot.on-front").evaluate_all("all => all.map((it) => it.dataset.run)")
        return {two_contents[int(number)].name for number in found}

    def best_of(name: str) -> list[str]:
        ranked = sorted(members[name], key=lambda one: members[name][one][0] + 20 * members[name][one][1])
        return [f"Run {one}" for one in ranked[:3]]

    assert marked() == fronts["landscape"] | fronts["still_life"]
    lines = page.locator(".front").evaluate_all("all => all.map((it) => it.points.length)")
    assert lines == [len(fronts["landscape"]), len(fronts["still_life"])]
    assert page.locator("#best h3").all_inner_texts() == ["landscape", "still_life"]
    assert page.locator("#best b").all_inner_texts() == best_of("landscape") + best_of("still_life")
    assert page.locator("#best .place").all_inner_texts() == ["1st", "2nd", "3rd"] * 2
    page.get_by_label("color", exact=True).first.select_option("optimizer")
    assert page.locator(".front-name").all_text_contents() == ["landscape", "still_life"]

    names = [name for name in members for _ in members[name]]
    assert [row.rpartition("-")[0] for row in rows(page)] == [*names, ""]  # the failed run is last
    page.locator('[data-column="measure:content_distance"]').click()
    assert [row.rpartition("-")[0] for row in rows(page)] == [*names, ""]
    best = page.locator('.runs .is-best[title="best of its group, of the runs shown"]')
    texts = set(best.all_inner_texts())
    for points in members.values():
        assert f"{min(c for c, _ in points.values()):.4g}" in texts
        assert f"{min(s for _, s in points.values()):.4g}" in texts

    page.locator("#filter-text").fill("group=landscape")
    assert marked() == fronts["landscape"]
    assert page.locator(".front").count() == 1
    page.locator("#filter-text").fill("adam")
    of_adam = [run for run in two_contents[:14] if run.settings["optimizer"] == "adam"]
    assert marked() == set().union(
        *(
            pareto({run.name: members[name][run.name] for run in of_adam if run.name in members[name]})
            for name in members
        )
    )
