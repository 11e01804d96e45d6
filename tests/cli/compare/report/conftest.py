"""A headless Chromium for pages, where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_ARGUMENTS = [
    "--no-sandbox",  # tests run as root in containers, where Chromium's sandbox can't start
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; without Chromium or Playwright, tests that ask for it are skipped."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install '.[test]'"
    )
    program = shutil.which("chromium")
    if not program:
        pytest.skip("there is no chromium on this computer: apt install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a report; at the end it must have logged no error, asked no network and shown no dialog."""
    contexts, faults = [], []

    def open_report(path: Path, **options: Any) -> Any:
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))

        def dialog_shown(dialog: Any) -> None:
            faults.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        def requested(request: Any) -> None:
            if not request.url.startswith(("data:", path.parent.as_uri())):
                faults.append(f"request: {request.url}")

        page.on("dialog", dialog_shown)
        page.on("request", requested)
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield open_report
    for context in contexts:
        context.close()
    assert faults == []
