"""Runs are ranked among those of the same content, styles and size; the truth is NumPy's, by definition."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from rich.console import Console
from unit.compare.made_runs import made_run, save, waves

from nst_tf.compare.ranking import Study, groups_of, pareto_front, ranked, said_of_groups
from nst_tf.compare.reading import ComparedRun, read_runs
from nst_tf.compare.sheet import arranged, contact_sheet
from nst_tf.compare.tables import as_csv, best_table, results_of, varying

_WEIGHTS = (5, 20, 80)
_DISTANCES = {
    # (content, optimizer) -> content and style distance for each weight: still lifes are easier
    ("harbor", "lbfgs"): [(0.60, 0.150), (0.90, 0.100), (1.30, 0.070)],
    ("harbor", "adam"): [(0.55, 0.170), (0.68, 0.120), (1.10, 0.085)],
    ("fruit", "lbfgs"): [(0.40, 0.160), (0.70, 0.095), (1.00, 0.078)],
    ("fruit", "adam"): [(0.45, 0.165), (0.75, 0.110), (1.05, 0.082)],
}


def _measured(
    name: str, content: str, styles: Sequence[str], distances: Sequence[float], **changed
) -> ComparedRun:
    """A run as it would have been read, of pictures called as said, whose hashes are their whole paths."""
    summary = {
        "inputs": {
            "content": {"file": content, "sha256": content},
            "styles": [{"file": style, "sha256": style} for style in styles],
        },
        "size": {"width": 48, "height": 32},
    }
    yardstick = dict(zip(("content_distance", "style_distance"), distances, strict=True))
    facts = {"summary": summary, "yardstick": yardstick, "style_weights": (1.0,) * len(styles)}
    return replace(ComparedRun(Path(name), name, "completed"), **(facts | changed))


@pytest.fixture
def study(tmp_path: Path, style: Path) -> list[ComparedRun]:
    """2 contents x 2 optimizers x 3 weights, as folders on the disk, mixed among each other."""
    contents = {
        name: save(tmp_path / f"{name}.png", waves(32, 48, seed=seed))
        for seed, name in enumerate(("harbor", "fruit"), start=3)
    }
    folders, distances = [], []
    combinations = itertools.product(range(len(_WEIGHTS)), ("lbfgs", "adam"), contents)
    for number, (place, optimizer, content) in enumerate(combinations):
        words = {"content": contents[content], "optimizer": optimizer}
        words["objective.style.weight"] = _WEIGHTS[place]
        folders.append(
            made_run(
                tmp_path / "study" / str(number),
                {"objective.style.weight": _WEIGHTS[place]},
                overrides=[f"{name}={value}" for name, value in words.items()],
                choices={"optimizer": optimizer},
                pixels=waves(32, 48, seed=10 + number),
                content=contents[content],
                styles=[style],
                loss_of_saved_picture=1.5,
                git_commit="0123abc",
            )
        )
        distances.append(_DISTANCES[content, optimizer][place])
    return [
        replace(run, yardstick={**run.yardstick, "content_distance": c, "style_distance": s})
        for run, (c, s) in zip(read_runs(folders), distances, strict=True)
    ]


def _front_by_definition(points: np.ndarray) -> np.ndarray:
    """[N, 2] -> [N]: whether no other point is at least as good in both and better in one."""
    as_good = (points[:, None] <= points[None]).all(-1)
    better = (points[:, None] < points[None]).any(-1)
    return ~(as_good & better).any(0)


def _points(runs: Sequence[ComparedRun]) -> np.ndarray:
    return np.array(
        [[run.yardstick[name] for name in ("content_distance", "style_distance")] for run in runs]
    )


def _on_fronts(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    places = Study(runs, ()).places
    return [run for run in runs if places[id(run)].is_on_front]


def _content(run: ComparedRun) -> str:
    return Path(run.summary["inputs"]["content"]["file"]).stem


def test_pooled_still_lifes_dominate_landscapes_and_within_their_groups_none_does(
    study: list[ComparedRun],
) -> None:
    landscapes = [run for run in study if _content(run) == "harbor"]
    pooled = [run for run in pareto_front(study) if _content(run) == "harbor"]
    assert (len(landscapes), len(pooled)) == (6, 3)  # the wrong answer: a fruit bowl is no rival of a harbor
    right = {run.name for run in _on_fronts(study)}
    assert {run.name for run in landscapes} <= right
    assert [group.name for group in groups_of(study)] == ["harbor", "fruit"]
    assert [len(group.runs) for group in groups_of(study)] == [6, 6]
    assert right == {run.name for group in groups_of(study) for run in pareto_front(group.runs)}
    assert len(right) == 9


@pytest.mark.parametrize("seed", range(20))
def test_the_fronts_of_groups_are_those_of_the_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = [f"{number}.png" for number in range(random.integers(1, 5))]
    runs = [
        # few values, so that many are equal
        _measured(str(number), str(random.choice(names)), ["a.png"], random.integers(0, 8, 2) / 4)
        for number in range(60)
    ]
    wanted = set()
    for name in names:
        members = [run for run in runs if run.summary["inputs"]["content"]["file"] == name]
        if members:
            is_on_front = _front_by_definition(_points(members))
            wanted |= {run.name for run, on_front in zip(members, is_on_front, strict=True) if on_front}
    found = [run.name for run in _on_fronts(runs)]
    assert set(found) == wanted
    assert len(found) == len(wanted)


def test_ranks_count_the_runs_that_are_better() -> None:
    runs = [
        _measured(str(n), "a.png", [], (content, 0.0)) for n, content in enumerate([3.0, 1.0, 2.0, 2.0, 9.0])
    ]
    scores = _points(runs)[:, 0]
    assert {run.name: rank for rank, run in ranked(runs)} == {
        run.name: 1 + int((scores < score).sum()) for run, score in zip(runs, scores, strict=True)
    }
    assert [rank for rank, _ in ranked(runs)] == [1, 2, 2, 4, 5]


def test_groups_are_told_apart_by_bytes_styles_shares_and_size() -> None:
    run = _measured("0", "rome/photo.jpg", ["waves.png", "dots.png"], (1, 1), style_weights=(1.0, 3.0))

    def with_inputs(name: str, *, content: str, styles: Sequence[str], **changed) -> ComparedRun:
        return _measured(name, content, styles, (1, 1), **changed)

    same = with_inputs(
        "1", content="rome/photo.jpg", styles=["dots.png", "waves.png"], style_weights=(9.0, 3.0)
    )
    renamed = replace(run, summary={**run.summary, "inputs": {
        "content": {"file": "elsewhere.jpg", "sha256": "rome/photo.jpg"},
        "styles": run.summary["inputs"]["styles"],
    }})  # fmt: skip
    assert len(groups_of([run, same, renamed])) == 1

    other_mixture = replace(run, style_weights=(3.0, 1.0))
    names = [group.name for group in groups_of([run, other_mixture])]
    assert names == ["dots 0.75 and waves 0.25", "dots 0.25 and waves 0.75"]
    larger = replace(run, summary={**run.summary, "size": {"width": 96, "height": 64}})
    assert [group.name for group in groups_of([run, larger])] == ["48 x 32", "96 x 64"]
    assert said_of_groups(Study([run, larger], ())) == "2 sizes of the result: ranked within each"
    namesake = with_inputs("2", content="oslo/photo.jpg", styles=["dots.png"], style_weights=(1.0,))
    assert [group.name for group in groups_of([run, namesake])] == [
        "rome/photo with dots and waves",
        "oslo/photo with dots",
    ]
    assert said_of_groups(Study([run, namesake], ())) == "2 pairs of content and style: ranked within each"
    assert said_of_groups(Study([run, larger, namesake], ())) == (
        "3 groups of the same content, style and size: ranked within each"
    )
    assert said_of_groups(Study([run, same], ())) == ""


def test_pictures_of_one_path_that_changed_are_named_with_their_hashes() -> None:
    run = _measured("0", "photo.jpg", ["dots.png"], (1, 1))
    inputs = run.summary["inputs"]
    runs = [
        replace(
            run,
            summary={**run.summary, "inputs": {**inputs, "content": {"file": "photo.jpg", "sha256": sha}}},
        )
        for sha in ("1234567890", "abcdefghij")
    ]
    assert [group.name for group in groups_of(runs)] == ["photo (123456)", "photo (abcdef)"]


def test_only_completed_runs_make_groups() -> None:
    run = _measured("0", "a.png", ["b.png"], (1, 1))
    failed = ComparedRun(Path("1"), "1", "failed")
    smaller = replace(run, status="interrupted", summary={**run.summary, "size": {"width": 1, "height": 1}})
    assert [group.runs for group in groups_of([failed, run, smaller])] == [(run,)]
    assert groups_of([failed]) == []


def test_the_terminal_shows_each_group_with_its_own_ranks_and_front(study: list[ComparedRun]) -> None:
    console = Console(width=300)
    with console.capture() as captured:
        console.print(best_table(Study(study, varying(study))))
    title, _, heading, *lines = captured.get().splitlines()
    assert title.strip().endswith("* is on the Pareto front of its group")
    assert heading.split()[:5] == ["group", "rank", "run", "optimizer", "style.weight"]
    rows = [words for line in lines if (words := line.split())[:1] in (["harbor"], ["fruit"])]
    # trade-offs 2.7, 2.8, 2.9, 3.08, 3.6, 3.95 of the harbor and 2.56, 2.6, 2.69, 2.95, 3.6, 3.75 of the
    # fruit; the sixth and the fifth are nearest to the content
    assert [(words[0], words[1]) for words in rows] == [
        *(("harbor", rank) for rank in "12346"),
        *(("fruit", rank) for rank in "12345"),
    ]
    assert ["*" in words for words in rows] == [True] * 5 + [True, True, False, False, True]
    assert [words[1] for words in rows if words[-1] == "content"] == ["6", "5"]
    assert [words[1] for words in rows if words[-1] == "style"] == ["1", "1"]
    assert said_of_groups(Study(study, ())) == "2 pairs of content and style: ranked within each"


def test_the_csv_has_group_rank_and_front_after_all_other_columns(study: list[ComparedRun]) -> None:
    failed = replace(study[0], name="failed", status="failed", yardstick={}, folder=Path("nowhere"))
    rows = list(csv.DictReader(io.StringIO(as_csv(results_of(Study([*study, failed], varying(study)))))))
    outcome = ["group", "rank", "on_front", "trade_off", "final_loss", "when", "git_commit"]
    assert list(rows[0])[-7:] == outcome
    assert [rows[-1][name] for name in outcome[:4]] == [""] * 4
    assert rows[-1]["when"] == ""
    for name in ("harbor", "fruit"):
        members = [run for run in study if _content(run) == name]
        told = [row for row in rows if row["group"] == name]
        assert [row["run"] for row in told] == [run.name for run in members]
        points = _points(members)
        on_front = _front_by_definition(points)
        assert [row["on_front"] for row in told] == [str(bool(one)) for one in on_front]
        scores = points @ [1, 20]
        np.testing.assert_allclose([float(row["trade_off"]) for row in told], scores)
        assert [int(row["rank"]) for row in told] == (np.argsort(np.argsort(scores)) + 1).tolist()
    assert {(row["final_loss"], row["git_commit"]) for row in rows} == {("1.5", "0123abc")}
    assert rows[0]["when"].endswith("+00:00")


def test_a_single_group_is_called_what_it_is_in_the_csv(study: list[ComparedRun]) -> None:
    members = [run for run in study if _content(run) == "fruit"]
    rows = csv.DictReader(io.StringIO(as_csv(results_of(Study(members, varying(members))))))
    assert {row["group"] for row in rows} == {"fruit with painting"}
    table = best_table(Study(members, varying(members)))
    assert table is not None
    assert "group" not in [column.header for column in table.columns]
    assert said_of_groups(Study(members, ())) == ""


def test_the_sheet_frames_the_front_of_each_group_and_names_it(
    study: list[ComparedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    frames: list[object] = []
    text, rectangle = ImageDraw.ImageDraw.text, ImageDraw.ImageDraw.rectangle

    def writing(self, xy, words, *more, **options):
        written.append(words)
        return text(self, xy, words, *more, **options)

    def drawing(self, box, *more, **options):
        frames.append(options.get("outline"))
        return rectangle(self, box, *more, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", writing)
    monkeypatch.setattr(ImageDraw.ImageDraw, "rectangle", drawing)
    names = varying(study)
    sheet = contact_sheet(Study(study, names), arranged(study, names), "a title")
    assert isinstance(sheet, Image.Image)
    assert (written.count("harbor"), written.count("fruit")) == (6, 6)
    assert sum(outline is not None for outline in frames) == 9
    assert any("of its group" in words for words in written)
