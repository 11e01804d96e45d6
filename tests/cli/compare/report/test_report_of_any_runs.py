"""The report page in a real browser: no run, one, two hundred, and runs of strangers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from unit.compare.report.synthetic_runs import VARYING, failed_run, synthetic_run

from nst_tf.compare.ranking import Study
from nst_tf.compare.report import write_report

Open = Callable[..., Any]

ATTACKS = (
    "<img src=x onerror=alert(1)></script><script>alert(2)</script><svg onload=alert(3)>",
    "javascript:alert(4)",
    '" autofocus onfocus=alert(5) x="',
    "__proto__",
    "constructor",
    "]]><!--<script>",
)


def test_no_run(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, Study([], ()), "Nothing")
    page = open_page(path)
    assert "nothing to compare" in page.locator("main").inner_text()
    page.locator("#theme").click()


def test_one_run_has_no_comparison(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, Study([synthetic_run(tmp_path / "0", "adam", 10.0, 0)], ()), "One")
    page = open_page(path)
    assert page.locator("#trade-off, #side-by-side, nav").count() == 0
    assert page.locator(".before-after .divider-range").count() == 1
    assert page.locator(".curve").count() == 1
    page.locator(".card").click()
    assert page.get_by_role("button", name="Next run").count() == 0
    page.keyboard.press("ArrowRight")
    assert page.locator("#viewer h2").inner_text().startswith("Run 0")


def test_runs_that_all_failed(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, Study([failed_run(tmp_path, str(number)) for number in range(3)], VARYING), "Failed")
    page = open_page(path)
    assert page.locator(".card").count() == 3
    assert page.locator("#trade-off, #losses").evaluate_all("all => all.map((it) => it.hidden)") == [
        True,
        True,
    ]
    assert page.locator("#side-by-side .no-picture").count() == 2
    page.locator(".card").first.click()
    assert "received 1e+30" in page.locator("#viewer").inner_text()


def test_a_searched_number_has_six_digits_in_captions_and_all_in_the_viewer(
    open_page: Open, tmp_path: Path
) -> None:
    weights = (17.826497151386942, 144.86833887239337)
    runs = [synthetic_run(tmp_path / str(n), "adam", weight, n) for n, weight in enumerate(weights)]
    write_report(tmp_path / "report.html", Study(runs, VARYING[1:]), "A search")
    page = open_page(tmp_path / "report.html")
    assert page.locator(".grid thead .axis-value").all_inner_texts() == ["17.8265", "144.868"]
    assert "17.8265" in page.locator(".runs tbody tr").first.inner_text()
    page.locator(".card").first.click()
    assert "17.826497151386942" in page.locator("#viewer").inner_text()


def test_contents_and_styles_that_vary_are_seen_beside_their_names(open_page: Open, tmp_path: Path) -> None:
    """One picture a row; the optimizer across has none."""
    runs = []
    for number, (content, optimizer) in enumerate(((0, "adam"), (0, "lbfgs"), (1, "adam"), (1, "lbfgs"))):
        run = synthetic_run(tmp_path / str(number), optimizer, 10.0, number)
        path = tmp_path / f"content-{content}.png"
        Image.new("RGB", (40, 30), (250 * content, 90, 30)).save(path)
        settings = {**run.settings, "content": str(path)}
        runs.append(dataclasses.replace(run, content=path, settings=settings))
    write_report(tmp_path / "report.html", Study(runs, ("content", "optimizer")), "Two contents")
    page = open_page(tmp_path / "report.html")
    pictures = page.locator(".axis-picture")
    assert pictures.count() == 2
    assert len(set(pictures.evaluate_all("all => all.map((it) => it.src)"))) == 2
    assert all(pictures.evaluate_all("all => all.map((it) => it.naturalWidth > 0)"))


def test_charts_tell_only_of_the_runs_in_them(open_page: Open, tmp_path: Path) -> None:
    runs = [
        synthetic_run(tmp_path / str(n), name, 10.0, n, steps=4) for n, name in enumerate(("adam", "lbfgs"))
    ]
    settings = {"optimizer": "adam", "objective.style.weight": "nan", "content": "gone.jpg"}
    runs = [dataclasses.replace(run, settings={**run.settings, "content": "here.jpg"}) for run in runs]
    runs.append(failed_run(tmp_path / "2", settings=settings))
    write_report(tmp_path / "report.html", Study(runs, (*VARYING, "content")), "Three runs")
    page = open_page(tmp_path / "report.html")
    assert page.locator("#losses .legend li").all_inner_texts() == ["0: optimizer adam", "1: optimizer lbfgs"]
    hint = page.locator("#losses-hint")
    assert "1 run has no such loss" in hint.inner_text()
    assert "changes it" not in hint.inner_text()  # weight and content of the failed run do
    for chart in ("#trade-off", "#losses"):
        page.locator(f"{chart}-controls").get_by_label("color").select_option("content")
        assert page.locator(f"{chart} .legend li").all_inner_texts() == ["here.jpg"]
    page.locator("#losses").get_by_label("color").select_option("optimizer")
    page.locator("#filter-text").fill("optimizer=lbfgs")
    assert page.locator("#losses .legend li").all_inner_texts() == ["lbfgs"]
    ticks = page.locator("#loss-chart .axes text").all_text_contents()
    assert ticks[:4] == ["0", "1", "2", "3"]  # of 4 steps


def test_of_values_that_look_the_same_all_are_best_or_none(open_page: Open, tmp_path: Path) -> None:
    runs = [synthetic_run(tmp_path / str(n), "adam", 10.0, n, steps=3) for n in range(3)]
    measured = [{"style_distance": x, "ssim": y} for x, y in ((0.12341, 0.5), (0.12342, 0.50001), (0.2, 0.5))]
    runs = [dataclasses.replace(run, yardstick=one) for run, one in zip(runs, measured, strict=True)]
    write_report(tmp_path / "report.html", Study(runs, ()), "Three runs")
    page = open_page(tmp_path / "report.html")
    best = page.locator(".is-best").all_inner_texts()
    assert best.count("0.1234") == 2
    assert "0.5" not in best


def test_two_hundred_runs(open_page: Open, tmp_path: Path) -> None:
    weights = [10.0**power for power in range(-1, 7)]
    runs = []
    for number in range(200):
        optimizer, weight = ("lbfgs", "adam")[number // 8 % 2], weights[number % 8]
        run = synthetic_run(tmp_path / str(number), optimizer, weight, number, steps=10, width=48)
        runs.append(dataclasses.replace(run, settings={**run.settings, "seed": number // 16}))
    path = tmp_path / "report.html"
    write_report(path, Study(runs, (*VARYING, "seed")), "Two hundred")
    assert path.stat().st_size < 15_000_000
    page = open_page(path)
    assert page.locator(".card").count() == page.locator(".runs tbody tr").count() == 200
    assert page.locator(".dot").count() == page.locator(".curve").count() == 200
    assert page.locator(".grid tbody tr").count() == 25  # a row for each optimizer with each seed
    assert page.locator(".grid thead th").count() == 8
    page.locator("#filter-text").fill("seed=3 adam")
    assert page.locator(".card .caption b").all_inner_texts() == [str(number) for number in range(56, 64)]


def test_what_strangers_write_is_shown_and_never_run(open_page: Open, tmp_path: Path) -> None:
    harmless = synthetic_run(tmp_path / "0", "adam", 10.0, 0, steps=3, width=64)
    hostile = [
        dataclasses.replace(
            synthetic_run(tmp_path / str(number), "lbfgs", 10.0, number, steps=3, width=64),
            name=attack,
            status=attack,
            error=attack,
            settings={attack: attack, "optimizer": attack, "objective.style.weight": [attack, {attack: 1}]},
            overrides=(attack,),
            yardstick={attack: 1.0 + number, "style_distance": math.nan, "content_distance": 1.0},
            summary={"working_folder": attack, "seconds": attack},
            metrics=tuple(
                {"step": step, "seconds": step, "loss": math.inf, attack: 1.0} for step in range(3)
            ),
        )
        for number, attack in enumerate(ATTACKS, 1)
    ]
    runs = [harmless, *hostile, dataclasses.replace(hostile[0], picture=None)]
    path = tmp_path / "report.html"
    write_report(path, Study(runs, (*ATTACKS, *VARYING)), ATTACKS[0])
    page = open_page(path)
    assert page.locator("h1").inner_text() == ATTACKS[0]
    # everything is drawn with every choice; the clicks themselves are tested elsewhere
    drawn = page.evaluate("""() => {
        let drawn = 0;
        const choose = (select, value) => {
            select.value = value;
            select.dispatchEvent(new Event('change'));
        };
        for (const select of document.querySelectorAll('select')) {
            const [first, ...others] = [...select.options].map((option) => option.value);
            for (const value of [...others, first]) { choose(select, value); drawn += 1; }
        }
        for (const button of document.querySelectorAll('input[type=radio], .runs thead button')) {
            button.click();
            drawn += 1;
        }
        return drawn;
    }""")
    assert drawn > 60
    page.locator(".card").first.hover()
    for number, run in enumerate(runs):
        page.locator(f'.card[data-run="{number}"]').click()
        assert run.name in page.locator("#viewer").inner_text()
        if run is not harmless:  # the setting of this name, and its value
            assert page.locator("#viewer .pairs").first.inner_text().count(run.name) >= 2
        for control in page.locator("#viewer summary, #viewer input[type=radio]").all():
            control.click()
        page.keyboard.press("Escape")
    assert page.locator("script").count() == 2
    handlers = page.evaluate("""() => [...document.querySelectorAll('*')]
        .flatMap((it) => [...it.attributes]).filter(({ name }) => name.startsWith('on')).length""")
    assert handlers == 0
    links = page.locator("a[href]").evaluate_all("all => all.map((it) => it.getAttribute('href'))")
    assert all(link.startswith(("#", "./")) for link in links)


def test_the_policy_stops_what_would_get_in_all_the_same(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, Study([failed_run(tmp_path)], ()), "One")
    page = chromium.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.ran = true">');
        const outside = document.createElement('img');
        outside.src = 'http://127.0.0.1:9/';
        document.body.append(outside);
    }""")
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert sum("Content Security Policy" in text for text in refused) >= 3
    page.close()
