"""The state of the page in its address: written as it changes, read when it opens, and never trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import pytest
from unit.compare.report.synthetic_runs import VARYING, eight_runs

from nst_tf.compare.ranking import Study
from nst_tf.compare.report import write_report

Open = Callable[..., Any]
HOSTILE = "<img src=x onerror=alert(1)>&a=%3Cscript%3E#'\""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight runs, of which the last has the name of an attack."""
    folder = tmp_path_factory.mktemp("address")
    runs = eight_runs(folder)
    runs[7] = dataclasses.replace(runs[7], name=HOSTILE)
    write_report(folder / "report.html", Study(runs, VARYING), "Addresses")
    return folder / "report.html"


@pytest.fixture
def page(open_page: Open, report: Path) -> Any:
    return open_page(report)


def fragment(page: Any) -> str:
    page.wait_for_timeout(250)  # it is written once for a typed word
    return page.evaluate("location.href").partition("#")[2]


def opened_at(page: Any, report: Path, address: str) -> None:
    """The page anew, as from a link; the same document with another fragment would not be loaded."""
    page.goto("about:blank")
    page.goto(f"{report.as_uri()}#{address}")
    page.wait_for_selector("html[data-ready]", state="attached")


def state(page: Any) -> dict[str, Any]:
    """What the page shows, by its controls and its table."""
    selects = "all => all.map((it) => it.value)"
    return {
        "filter": page.locator("#filter-text").input_value(),
        "choices": page.locator("#filter-choices select").evaluate_all(selects),
        "axes": page.locator("#trade-off-controls select").evaluate_all(selects)[:2],
        "grid": page.locator("#grid-controls select").evaluate_all(selects),
        "sides": page.locator("#side-by-side-controls select").evaluate_all(selects),
        "rows": page.locator(".runs tbody th").all_inner_texts(),
        "sort": page.locator("th[aria-sort=ascending], th[aria-sort=descending]").evaluate_all(
            "all => all.map((it) => [it.ariaSort, it.textContent])"
        ),
        "difference": page.locator("#side-by-side-tables").inner_text(),
        "axis": page.locator("#scatter .axis-title").all_text_contents(),
    }


def change_all(page: Any) -> None:
    page.locator("#filter-text").fill("weight>=10 ssim<0.9")
    page.locator('select[data-filter="optimizer"]').select_option(label="adam")
    page.get_by_label("across").select_option("ssim")
    page.get_by_label("up", exact=True).select_option("seconds")
    page.get_by_label("rows").select_option("objective.style.weight")
    page.locator("#side-by-side-controls select").nth(0).select_option("7")
    page.locator("#side-by-side-controls select").nth(1).select_option("2")
    page.locator("#table").get_by_role("button", name="SSIM", exact=True).click()


def test_an_address_shows_what_was_looked_at(page: Any, report: Path) -> None:
    assert fragment(page) == ""
    begun = state(page)
    change_all(page)
    shown, address = state(page), fragment(page)
    assert all(shown[part] != begun[part] for part in begun)
    assert parse_qs(address, strict_parsing=True) == {
        "filter": ["weight>=10 ssim<0.9"],
        "only.optimizer": ['"adam"'],
        "across": ["ssim"],
        "up": ["seconds"],
        "rows": ["objective.style.weight"],
        "columns": ["*none"],
        "a": [HOSTILE],
        "b": ["2"],
        "sort": ["-measure:ssim"],
    }
    opened_at(page, report, address)
    assert state(page) == shown
    assert fragment(page) == address
    # and what is as it was at first is not told any more
    page.get_by_role("button", name="clear").click()
    assert set(parse_qs(fragment(page))) == {"across", "up", "rows", "columns", "a", "b", "sort"}


def test_links_to_sections_keep_the_state_and_going_back_too(page: Any, report: Path) -> None:
    page.locator("#filter-text").fill("adam")
    fragment(page)
    entries = page.evaluate("history.length")
    page.locator("#filter-text").fill("adam weight>1")
    assert fragment(page) == "filter=adam+weight%3E1"
    assert page.evaluate("history.length") == entries  # typing leaves no trace in the history
    page.get_by_role("link", name="Table").click()
    assert fragment(page) == "table&filter=adam+weight%3E1"
    page.locator("#filter-text").fill("lbfgs")
    assert fragment(page) == "table&filter=lbfgs"
    page.go_back()
    assert fragment(page) == "filter=adam+weight%3E1"
    assert page.locator("#filter-text").input_value() == "adam weight>1"
    opened_at(page, report, "table&filter=lbfgs")
    page.wait_for_timeout(800)
    assert abs(page.locator("#table").bounding_box()["y"]) < 900
    assert page.evaluate("scrollY") > 500


@pytest.mark.parametrize(
    "address",
    [
        "%",
        "filter",
        "=&&==&a&b",
        "only.optimizer=adam&only.status=x&only.__proto__=1&only.toString=1",
        "across=ssim&up=ssim",
        "across=constructor&up=__proto__",
        "a=no+such+run&b=" + quote("<script>alert(1)</script>"),
        "sort=-&sort=measure:none",
        "sort=constructor",
        "rows=optimizer&columns=optimizer",
        "rows=*rest&columns=*none",
        "filter=" + "x" * 20_000,
        "%FF%00=%E0%A4%A&%u0041",
    ],
)
def test_what_an_address_says_wrongly_is_ignored(page: Any, report: Path, address: str) -> None:
    begun = state(page)
    opened_at(page, report, address)
    assert state(page) == begun


def test_texts_of_an_address_are_never_run(page: Any, report: Path) -> None:
    attack = "<img src=x onerror=alert(1)>"
    opened_at(
        page,
        report,
        f"filter={quote(attack)}&a={quote(attack)}&sort={quote(attack)}&{quote(attack)}={attack}",
    )
    assert page.locator("#filter-text").input_value() == attack
    assert page.locator("img[src=x]").count() == 0
    page.evaluate("(text) => { location.hash = `filter=${encodeURIComponent(text)}`; }", "adam")
    assert unquote(fragment(page)) == "filter=adam"
    assert page.locator("#filter-count").inner_text() == "4 of 8"
