"""The report page without a browser: what it holds, what it must not, and how large it gets."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import math
import shlex
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from unit.compare.report.report_pages import Page, decoded
from unit.compare.report.synthetic_runs import (
    CONTENT,
    STYLE,
    VARYING,
    eight_runs,
    failed_run,
    mixed_picture,
    synthetic_run,
)

from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import ComparedRun
from nst_tf.compare.report import (
    command_of,
    curves_of,
    json_for_html,
    link_from,
    plain,
    progress_of,
    rerun_command,
    write_report,
)


def written(
    folder: Path, runs: list[ComparedRun], varying: tuple[str, ...] = VARYING, title: str = "A title"
) -> Page:
    path = folder / "report.html"
    write_report(path, Study(runs, varying), title)
    return Page(path)


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("eight")
    return written(folder, eight_runs(folder))


def test_every_run_is_there_with_its_picture_settings_and_measures(eight: Page) -> None:
    runs = eight.data["runs"]
    assert [run["name"] for run in runs] == [str(number) for number in range(8)]
    assert runs[5]["settings"] == {
        "optimizer": "adam", "optimizer.learning_rate": 0.02, "objective.style.weight": 10.0
    }  # fmt: skip
    assert eight.data["common"] == {"image.size": 256, "seed": 0}
    assert runs[5]["measures"]["seconds"] == 20 + 5  # of the steps, as of all runs
    assert runs[5]["measures"]["style_distance"] == pytest.approx(1.2 / 11**0.3 + 0.05, rel=1e-12)
    assert [one["name"] for one in eight.data["measures"]][-1] == "style_distance/block1_conv1"  # layers last
    better = {one["name"]: one["higher_is_better"] for one in eight.data["measures"]}
    assert [name for name, higher in better.items() if higher] == ["ssim"]


def test_thumbnails_show_the_pictures_and_shared_inputs_are_embedded_once(eight: Page) -> None:
    assert len(eight.data["pictures"]) == 8 + 2
    assert {(run["content"], tuple(run["styles"])) for run in eight.data["runs"]} == {(0, (1,))}
    for number, path in ((0, CONTENT), (1, STYLE)):
        thumbnail = eight.data["pictures"][number]
        small = decoded(thumbnail)
        assert small.size == (thumbnail["width"], thumbnail["height"])
        with Image.open(path) as whole:
            wanted = whole.convert("RGB").resize(small.size, Image.Resampling.LANCZOS)
        difference = np.abs(np.asarray(small, float) - np.asarray(wanted, float)).mean()
        assert difference < 8  # levels of 255: JPEG loses 3 of the landscape and 6 of the fine mosaic


def test_the_page_stands_alone(eight: Page) -> None:
    assert all(
        value.startswith(("#", "data:")) for name in ("src", "href") for value in eight.attributes(name)
    )
    assert "url(" not in eight.texts["style"]
    assert "@import" not in eight.texts["style"]
    connecting = ("fetch(", "XMLHttpRequest", "WebSocket", "import(")
    as_markup = ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function")
    assert [word for word in connecting + as_markup if word in eight.texts["script"]] == []


def test_the_policy_names_the_one_script_and_the_one_style_by_hash(eight: Page) -> None:
    policy = next(a["content"] for _, a in eight.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy
    for kind in ("script", "style"):
        text = eight.texts[kind]
        hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{hashed}'" in policy
    assert policy.startswith("default-src 'none'; img-src 'self' data:;")
    assert "unsafe" not in policy


def test_originals_are_linked_relative_to_the_page_and_percent_encoded(tmp_path: Path) -> None:
    folder = tmp_path / "a # sweep?" / "100% of <it>"
    run = synthetic_run(folder, "adam", 1.0, 0)
    page = written(tmp_path, [run])
    link = page.data["runs"][0]["original"]
    assert link == "./a%20%23%20sweep%3F/100%25%20of%20%3Cit%3E/image.png"
    assert (tmp_path / unquote(link)).samefile(folder / "image.png")
    above = link_from(tmp_path / "comparison" / "report.html", run.picture)
    assert above is not None
    assert above.startswith("./../a%20")
    assert (
        link_from(tmp_path / "report.html", tmp_path / "javascript:alert(1)" / "x.png")
        == "./javascript%3Aalert%281%29/x.png"
    )
    assert link_from(tmp_path / "report.html", tmp_path / "page.html") is None


NASTY = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "' onmouseover=alert(1) \"",
    "{{ 7 * 7 }}{% raw %}",
    "a\u2028b\u2029c &amp; \x00",
    "\udcff undecodable",
    "__proto__",
)


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_that_was_read_becomes_markup(tmp_path: Path, nasty: str) -> None:
    harmless = written(tmp_path, [failed_run(tmp_path / "0"), failed_run(tmp_path / "1")], VARYING)
    runs = [
        failed_run(
            tmp_path / "0",
            nasty,
            status=nasty,
            error=nasty,
            settings={nasty: nasty, "optimizer": [nasty, {nasty: nasty}]},
            overrides=(nasty,),
            summary={"working_folder": nasty},
            metrics=({"step": 0, "seconds": 0.0, "loss": 1.0, nasty: 2.0},),
            yardstick={nasty: 1.0},
        ),
        failed_run(tmp_path / "1"),
    ]
    page = written(tmp_path, runs, (nasty, "optimizer"), title=nasty)
    tags = [tag for tag, _ in page.elements]
    # one more element than the harmless page: the second status in the header
    assert tags.count("script") == [tag for tag, _ in harmless.elements].count("script") == 2
    assert sorted(set(tags)) == sorted({tag for tag, _ in harmless.elements})
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    run = page.data["runs"][0]
    assert (run["name"], run["error"], run["settings"][nasty]) == (nasty, nasty, nasty)
    assert run["curves"][nasty] == [2.0]
    assert run["measures"][nasty] == 1.0


def test_json_has_no_character_that_html_knows_and_reads_back() -> None:
    value = {"<&>": ["</script>", "\u2028\u2029", "é", 1.5, None, True]}
    text = json_for_html(value)
    assert not set(text) & set("<>&\u2028\u2029é")
    assert json.loads(text) == value


def test_what_json_lacks_becomes_a_text() -> None:
    assert plain([math.nan, math.inf, -math.inf]) == ["nan", "inf", "-inf"]
    assert plain(2**60) == "1152921504606846976"  # a float64 would end in ...7000
    assert plain(2**53 - 1) == 9007199254740991
    assert plain(np.float32(0.5)) == 0.5
    assert plain(Path("a") / "b") == str(Path("a/b"))
    assert len(plain("x" * 5000)) == 2001
    deep: list = []
    for _ in range(2000):
        deep = [deep]
    json.dumps(plain(deep))
    assert plain(10**5000).startswith("0x")


def test_numbers_that_are_not_finite_are_gaps_in_curves_and_words_in_tables(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "0", "adam", 1.0, 0)
    metrics = ({"step": 0, "seconds": 0.0, "loss": 4.0}, {"step": 1, "seconds": 1.0, "loss": math.nan})
    run = dataclasses.replace(
        run, metrics=metrics, yardstick={"ssim": math.nan}, settings={"objective.style.weight": math.inf}
    )
    page = written(tmp_path, [run, failed_run(tmp_path / "1")])
    found = page.data["runs"][0]
    assert found["curves"]["loss"] == [4.0, None]
    assert found["measures"]["ssim"] == "nan"
    assert found["settings"]["objective.style.weight"] == "inf"


def test_long_curves_are_sampled_with_their_ends_and_their_lowest_point() -> None:
    rows = [
        {"step": step, "seconds": step / 7, "loss": 5.0 + step % 3, "part": 1.0} for step in range(100_000)
    ]
    rows[61_803]["loss"] = 0.5
    curves = curves_of(rows, runs=200)
    assert len(curves["loss"]) <= 250_000 // (200 * 4) + 1
    assert (curves["step"][0], curves["step"][-1]) == (0, 99_999)
    assert [loss for loss in curves["loss"] if loss is not None and loss < 5] == [0.5]
    assert curves["step"][curves["loss"].index(0.5)] == 61_803
    assert set(curves) == {"step", "seconds", "loss", "part"}
    many = [{"step": 0, "seconds": 0, "loss": 1.0} | {f"style/{number}": 1.0 for number in range(500)}]
    assert len(curves_of(many, runs=1)) == 2 + 24
    assert curves_of([], runs=3) == {}


def test_commands_are_quoted_for_a_shell() -> None:
    words = ["content=my photo.jpg", "style=[a.jpg,b.jpg]", "x=$(rm -rf ~)", "y='`z`"]
    command = command_of("nst", words)
    assert command is not None
    assert shlex.split(command) == ["nst", *words]
    assert command_of("nst", []) == "nst"


@pytest.mark.parametrize(
    "word", ["a=\x1b[2J", "a=b\nrm -rf ~", "--config-path=/tmp", "a=\u202etxt.exe", "a=\udcff", 7]
)
def test_words_that_a_terminal_or_nst_would_act_on_make_no_command(word: object) -> None:
    assert command_of("nst", ["steps=2", word]) is None


def test_the_command_that_reruns_can_be_typed_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert rerun_command(tmp_path / "out puts" / "3") == f"nst-rerun '{tmp_path}/out puts/3'"
    assert rerun_command(Path("outputs/../-3")) == f"nst-rerun {tmp_path}/-3"


def test_two_hundred_noisy_pictures_stay_under_15_megabytes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    runs = []
    for number in range(200):
        run = failed_run(tmp_path / str(number), str(number), status="completed", error=None)
        picture = tmp_path / f"{number}.png"
        # noise: no picture takes more bytes; one small side, for speed
        Image.fromarray(random.integers(0, 256, (180, 288, 3), np.uint8)).save(picture, compress_level=0)
        metrics = tuple({"step": step, "seconds": 0.1234567 * step, "size": 512, "loss": 1e7 / (3 + step)}
                        | {f"style/block{part}_conv1": 12345.678 / (1 + step) for part in range(9)}
                        for step in range(300))  # fmt: skip
        settings = {f"group.setting_{index}": f"value {index} of {number}" for index in range(20)}
        runs.append(dataclasses.replace(run, picture=picture, metrics=metrics, settings=settings))
    page = written(tmp_path, runs, ("group.setting_1",))
    assert len(page.html) < 15_000_000
    assert len(page.data["pictures"]) == 200
    assert max(decoded(page.data["pictures"][7]).size) >= 150  # and still shows something


def test_few_pictures_are_embedded_large(tmp_path: Path) -> None:
    picture = mixed_picture(tmp_path / "image.png", 0.5, 0.0, width=1600)
    page = written(tmp_path, [dataclasses.replace(failed_run(tmp_path), picture=picture)])
    assert max(decoded(page.data["pictures"][0]).size) == 1024


def test_pictures_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"<script>no picture</script>")
    runs = [
        dataclasses.replace(synthetic_run(tmp_path / str(number), "adam", 1.0, number), picture=picture)
        for number, picture in enumerate([broken, tmp_path / "missing.png", tmp_path, None, Path("a\0b.png")])
    ]
    page = written(tmp_path, runs)
    assert [(run["picture"], run["original"]) for run in page.data["runs"]] == [(None, None)] * 5


def test_no_run_at_all(tmp_path: Path) -> None:
    page = written(tmp_path, [], ())
    lists = ("varying", "measures", "pictures", "runs")
    assert {name: page.data[name] for name in lists} == {name: [] for name in lists}
    assert page.data["common"] == {}
    assert page.data["axes"] is None
    assert "nothing to compare" in page.html
    assert not (set(tmp_path.iterdir()) - {tmp_path / "report.html"})


def test_the_header_counts_runs_by_status(tmp_path: Path) -> None:
    runs = [
        failed_run(tmp_path / str(n), str(n), status=status)
        for n, status in enumerate(["failed", "completed", "failed"])
    ]
    page = written(tmp_path, runs, title="<b>Bold</b> & more")
    assert "<h1>&lt;b&gt;Bold&lt;/b&gt; &amp; more</h1>" in page.html
    assert [a["data-status"] for _, a in page.elements if "data-status" in a] == ["failed", "completed"]
    assert "<strong>2</strong> failed" in page.html


def test_whole_numbers_and_truth_values_are_different_settings(tmp_path: Path) -> None:
    runs = [failed_run(tmp_path, str(n), settings={"x": value, "y": 1}) for n, value in enumerate([1, True])]
    page = written(tmp_path, runs, ("x",))
    assert page.data["common"] == {"y": 1}
    assert [run["settings"]["x"] for run in page.data["runs"]] == [1, True]


def test_progress_pictures_are_named_by_their_steps_and_nothing_else_is(tmp_path: Path) -> None:
    progress = tmp_path / "a run #1" / "progress"
    progress.mkdir(parents=True)
    for name in (
        "step-000050.png",
        "step-000100.png",
        "step-1000000.png",  # as the seventh digit is written
        "step-0000200.png",  # one too many
        "step-50.png",
        "step-000150.jpg",
        "step-000150.png.html",
        "step-<script>.png",
        "notes.txt",
    ):
        (progress / name).touch()
    (progress / "step-000300.png").mkdir()
    (progress / "step-000350.png").symlink_to("/etc/passwd")
    found = progress_of(tmp_path / "report.html", progress.parent)
    assert found == {"folder": "./a%20run%20%231/progress/", "steps": [50, 100, 1_000_000]}


def test_of_many_progress_pictures_a_hundred_are_told_with_both_ends(tmp_path: Path) -> None:
    (tmp_path / "progress").mkdir()
    for step in range(1, 251):
        (tmp_path / "progress" / f"step-{step:06d}.png").touch()
    steps = progress_of(tmp_path / "report.html", tmp_path)["steps"]
    assert len(steps) == len(set(steps)) == 100
    assert (steps[0], steps[-1]) == (1, 250)
    assert set(np.diff(steps)) == {2, 3}


def test_without_progress_pictures_or_with_a_link_in_their_place_there_are_none(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert progress_of(page, tmp_path) is None
    assert progress_of(page, tmp_path / "\0") is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "step-000050.png").touch()
    (tmp_path / "progress").symlink_to(elsewhere)
    assert progress_of(page, tmp_path) is None
    (tmp_path / "progress").unlink()
    (tmp_path / "progress").mkdir()
    assert progress_of(page, tmp_path) is None
