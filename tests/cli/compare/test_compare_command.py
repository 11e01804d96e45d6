from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from unit.compare.made_runs import made_run, save, waves
from unit.compare.report.report_pages import Page

from nst_tf.compare.cli import main
from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import read_runs
from nst_tf.compare.tables import best_table

REPOSITORY = Path(__file__).parents[3]
FILES = ["contact_sheet.png", "results.csv", "report.html"]
if find_spec("pyarrow"):
    FILES.append("results.parquet")


@dataclass(frozen=True)
class Answer:
    """What the program said."""

    status: int
    out: str
    err: str


@pytest.fixture
def nst_compare(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, drawn_once: None
) -> Callable[..., Answer]:
    """``nst-compare WORD ...`` in this process, in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def call(*words: str | Path) -> Answer:
        status = 0
        try:
            main([str(word) for word in words])
        except SystemExit as stop:
            status = int(stop.code or 0)
        said = capsys.readouterr()
        return Answer(status, said.out, said.err)

    return call


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_sweep_is_compared_in_its_own_folder(nst_compare, sweep: Path) -> None:
    answer = nst_compare(sweep)
    assert (answer.status, answer.err) == (0, "nst-compare: run 3 failed: MemoryError: no room\n")
    files = [Path(line) for line in answer.out.splitlines()[-len(FILES) :]]
    assert files == [sweep / name for name in FILES]
    assert "4 runs: 3 completed, 1 failed" in answer.out
    assert "nearest content" in answer.out
    assert "nearest style" in answer.out
    with Image.open(files[0]) as sheet:
        assert sheet.format == "PNG"
    rows = _rows(files[1])
    assert [row["status"] for row in rows] == ["completed"] * 3 + ["failed"]
    assert all(float(row["yardstick.style_distance"]) > 0 for row in rows[:3])
    assert (sweep / "0" / "yardstick.json").exists()
    assert nst_compare(sweep).out == answer.out  # what it wrote does not count as a run


def test_of_several_contents_each_is_ranked_by_itself(
    nst_compare, tmp_path: Path, content: Path, style: Path
) -> None:
    other = save(tmp_path / "b photo.png", waves(32, 48, seed=5))
    for number, path in enumerate((content, other, content, other)):
        pixels = waves(32, 48, seed=10 + number)
        made_run(tmp_path / "study" / str(number), pixels=pixels, content=path, styles=[style])
    answer = nst_compare(tmp_path / "study")
    assert (answer.status, answer.err) == (0, "")
    counts, said, *_ = answer.out.splitlines()[-2 - len(FILES) :]
    assert counts == "4 runs: 4 completed"
    assert said == "2 pairs of content and style: ranked within each"
    rows = _rows(tmp_path / "study" / "results.csv")
    assert [row["group"] for row in rows] == ["a photo", "b photo"] * 2
    assert sorted(row["rank"] for row in rows) == ["1", "1", "2", "2"]
    data = Page(tmp_path / "study" / "report.html").data
    assert (data["groups"], [run["group"] for run in data["runs"]]) == (["a photo", "b photo"], [0, 1, 0, 1])


def test_seeds_are_averaged(nst_compare, tmp_path: Path, content: Path, style: Path) -> None:
    for number in range(4):
        words = {"seed": number % 2, "steps": 10 + number // 2}
        made_run(
            tmp_path / "study" / str(number),
            words,
            overrides=[f"{name}={value}" for name, value in words.items()],
            pixels=waves(32, 48, seed=10 + number),
            content=content,
            styles=[style],
        )
    assert "the seed differs: --average seed ranks means over it\n" in nst_compare(tmp_path / "study").out
    answer = nst_compare(tmp_path / "study", "--average", "seed")
    assert (answer.status, answer.err) == (0, "")
    assert str(tmp_path / "study" / "averages.csv") in answer.out.splitlines()
    assert "best of 2 averages (± standard deviation)" in answer.out
    runs, averages = (_rows(tmp_path / "study" / name) for name in ("results.csv", "averages.csv"))
    assert [(row["run"], row["runs"], row["steps"]) for row in averages] == [
        ("0, 1", "2", "10"),
        ("2, 3", "2", "11"),
    ]
    for name in ("yardstick.content_distance", "yardstick.ssim"):
        values = [float(row[name]) for row in runs[:2]]
        assert float(averages[0][name]) == pytest.approx(sum(values) / 2)
        assert float(averages[0][f"{name}.sd"]) == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert [run["average_of"] for run in Page(tmp_path / "study" / "report.html").data["runs"]] == [
        ["0", "1"],
        ["2", "3"],
    ]


def test_several_paths_go_to_a_folder_of_their_own(nst_compare, sweep: Path, tmp_path: Path) -> None:
    answer = nst_compare(sweep / "0", sweep / "1", "--no-yardstick")
    assert answer.status == 0
    sheet = Path(answer.out.splitlines()[-2])
    assert sheet.parts[:2] == ("outputs", "comparison")
    assert sheet.is_file()
    assert not (sweep / "0" / "yardstick.json").exists()
    answer = nst_compare(sweep / "0", "--output", tmp_path / "new" / "place", "--no-yardstick")
    assert (answer.status, (tmp_path / "new" / "place" / "results.csv").is_file()) == (0, True)


def test_rows_and_columns_can_be_chosen(nst_compare, sweep: Path) -> None:
    assert nst_compare(sweep, "--no-yardstick").status == 0
    wide = _size(sweep / "contact_sheet.png")
    assert (
        nst_compare(
            sweep, "--no-yardstick", "--rows", "optimizer,objective.style.weight", "--cols", "seed"
        ).status
        == 0
    )
    high = _size(sweep / "contact_sheet.png")
    assert high[1] > wide[1]
    asked = {"rows": ["optimizer", "objective.style.weight"], "column": "seed"}
    assert Page(sweep / "report.html").data["axes"] == asked
    answer = nst_compare(sweep, "--rows", "optimiser")
    assert answer.status == 2
    assert (
        answer.err
        == "nst-compare: there is no setting 'optimiser' in these runs: did you mean 'optimizer'?\n"
    )


def test_an_unreadable_run_is_named_and_the_others_go_on(nst_compare, sweep: Path) -> None:
    (sweep / "0" / "run.json").write_text('{"status": "comp')
    answer = nst_compare(sweep)
    assert answer.status == 0
    assert "4 runs: 1 unreadable, 2 completed, 1 failed" in answer.out
    unreadable, failed = answer.err.splitlines()
    assert unreadable.startswith(
        f"nst-compare: run 0 can't be read: {sweep / '0' / 'run.json'} can't be read: "
    )
    assert failed == "nst-compare: run 3 failed: MemoryError: no room"


def test_of_many_runs_that_did_not_complete_the_first_five_are_named(nst_compare, sweep: Path) -> None:
    for number, status in enumerate(("diverged", "interrupted", "running", "failed", "failed", "failed"), 4):
        made_run(sweep / str(number), status=status, error=f"reason {number}")
    answer = nst_compare(sweep, "--no-yardstick")
    assert answer.status == 0
    assert answer.err.splitlines() == [
        "nst-compare: run 3 failed: MemoryError: no room",
        "nst-compare: run 4 diverged: reason 4",
        "nst-compare: run 5 was interrupted: reason 5",
        "nst-compare: run 6 is running: reason 6",
        "nst-compare: run 7 failed: reason 7",
        "nst-compare: and 2 more did not complete: see results.csv",
    ]


def test_jobs_of_a_sweep_that_have_not_begun_are_told_of(nst_compare, sweep: Path) -> None:
    jobs = [{"folder": str(number), "status": "pending"} for number in range(6)]
    (sweep / "sweep.json").write_text(json.dumps({"jobs": jobs}))
    answer = nst_compare(sweep, "--no-yardstick")
    assert "4 runs: 3 completed, 1 failed" in answer.out
    assert answer.err.splitlines()[-1] == "nst-compare: 2 of 6 jobs have not begun"


def test_a_picture_that_changed_is_named(nst_compare, sweep: Path) -> None:
    for number in range(4):
        path = sweep / str(number) / "run.json"
        summary = json.loads(path.read_text())
        summary["inputs"]["content"]["sha256"] = "0" * 64
        path.write_text(json.dumps(summary))
    answer = nst_compare(sweep)
    assert answer.status == 0
    assert "a photo.png: gone, or not what it was" in answer.err
    rows = _rows(sweep / "results.csv")
    assert rows[0]["yardstick.content_distance"] == ""
    assert float(rows[0]["yardstick.style_distance"]) > 0


def test_what_differs_is_shown_a_line_each(nst_compare, sweep: Path) -> None:
    answer = nst_compare("--diff", sweep / "0", sweep / "1")
    assert (answer.status, answer.err) == (0, "")
    lines = [line.split() for line in answer.out.splitlines()]
    assert ["configuration", "optimizer", "lbfgs", "adam"] in lines
    assert any(line[:2] == ["yardstick", "content_distance"] for line in lines)
    assert "PSNR" in answer.out
    same = nst_compare("--diff", sweep / "0", sweep / "." / "0")
    assert same.out.split()[:3] == ["0", "0", "change"]


def test_the_table_names_the_settings_that_tell_its_rows_apart(sweep: Path) -> None:
    folders = [
        made_run(sweep.parent / str(n), {"a": n, "steps": 60 - n // 2, "seed": n % 2}) for n in range(4)
    ]
    distances = {"content_distance": 1.0, "style_distance": 0.5}
    runs = [replace(run, yardstick=distances) for run in read_runs(folders)]
    runs[0] = replace(runs[0], yardstick={"content_distance": 0.1, "style_distance": 0.1})
    console = Console(width=300)
    with console.capture() as captured:
        console.print(best_table(Study(runs, ["b", "c", "d", "e", "steps", "seed"])))
    lines = captured.get().splitlines()
    assert lines[2].split()[:5] == ["run", "b", "c", "steps", "seed"]
    assert lines[4].rstrip().endswith("  * nearest content, nearest style")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is nothing to compare: give the folder of a run or of a sweep"),
        (["missing"], "there is no folder missing: give the folder of a run or of a sweep"),
        (["."], "there is no run in .: give the folder of a run, or one above it"),
        (["SWEEP", "--average", "sed"], "there is no setting 'sed' in these runs: did you mean 'seed'?"),
        (["--rwos", "a", "."], "unrecognized arguments: --rwos (see `nst-compare --help`)"),
        (["--diff", "a"], "argument --diff: expected 2 arguments (see `nst-compare --help`)"),
        (["--diff", "a", "b"], "there is no folder a: give the folder of a run or of a sweep"),
        (["--diff", "SWEEP", "SWEEP/0"], "--diff takes the folder of one run, but there are 4 in SWEEP"),
        (["x", "--diff", "a", "b"], "--diff takes two runs and nothing else: leave out x"),
        (
            ["SWEEP", "--rows", "optimizer", "--cols", "optimizer"],
            "'optimizer' is named twice among rows and columns: one setting makes one axis",
        ),
        (
            ["SWEEP", "--output", "SWEEP/0/run.json"],
            "can't write to SWEEP/0/run.json: SWEEP/0/run.json is not a folder; choose another with --output",
        ),
    ],
)
def test_bad_input_is_one_sentence(nst_compare, sweep: Path, words: list[str], message: str) -> None:
    answer = nst_compare(*(word.replace("SWEEP", str(sweep)) for word in words))
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == f"nst-compare: {message.replace('SWEEP', str(sweep))}\n"


def test_nothing_is_opened_unless_asked(nst_compare, sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    nst_compare(sweep, "--no-yardstick")
    assert opened == []
    nst_compare(sweep, "--no-yardstick", "--open")
    assert opened == [(sweep / "report.html").resolve().as_uri()]


def test_without_a_yardstick_tensorflow_is_not_loaded(sweep: Path) -> None:
    program = (
        "import sys; from nst_tf.compare.cli import main; "
        f"main([{str(sweep)!r}, '--no-yardstick']); assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "nst-compare: run 3 failed: MemoryError: no room\n")


def test_from_python_with_weights_that_are_loaded_already(
    sweep: Path, random_weights, tmp_path: Path
) -> None:
    from nst_tf.compare.comparing import compare

    told: list[tuple[int, int]] = []
    place = tmp_path / "comparison"
    comparison = compare(
        [sweep], place, weights=random_weights, on_run=lambda done, of: told.append((done, of))
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert comparison.files == tuple(place / name for name in FILES)
    assert comparison.varying == ("objective.style.weight", "optimizer")
    assert [run.name for run in comparison.runs if "ssim" in run.yardstick] == ["0", "1", "2"]


def test_a_sweep_of_which_nothing_came_is_compared_all_the_same(nst_compare, sweep: Path) -> None:
    for number in range(3):
        (sweep / str(number) / "run.json").write_text("{")
    answer = nst_compare(sweep)
    assert answer.status == 0
    assert "4 runs: 3 unreadable, 1 failed" in answer.out
    assert (sweep / "contact_sheet.png").is_file()
