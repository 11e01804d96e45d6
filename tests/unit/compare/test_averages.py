"""Averages over seeds and pictures: means and spreads are NumPy's, and like is ranked with like."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from nst_tf.compare.averages import averaged_runs
from nst_tf.compare.ranking import Study, groups_of, ranked, said_of_groups
from nst_tf.compare.reading import ComparedRun
from nst_tf.compare.report import curves_of
from nst_tf.compare.sheet import arranged, contact_sheet
from nst_tf.compare.tables import as_csv, best_table, results_of, varying
from nst_tf.errors import InputError

CONTENTS, RATES, SEEDS = ("harbor", "fruit"), (0.1, 0.2), (0, 1, 2)


def _run(name: str, content: str, rate: float, seed: int, random: np.random.Generator) -> ComparedRun:
    summary = {
        "inputs": {
            "content": {"file": f"{content}.png", "sha256": content},
            "styles": [{"file": "waves.png", "sha256": "waves"}],
        },
        "size": {"width": 48, "height": 32},
        "loss_of_saved_picture": float(random.uniform(1, 2)),
    }
    yardstick = {
        "content_distance": rate + float(random.uniform(0, 0.01)),
        "style_distance": float(random.uniform(0.1, 0.2)),
        "seconds": float(random.uniform(3, 4)),
    }
    losses = random.uniform(1, 2, 4)
    return ComparedRun(
        Path(name),
        name,
        "completed",
        summary=summary,
        settings={"content": f"{content}.png", "rate": rate, "seed": seed, "steps": 4},
        overrides=(f"content={content}.png", f"rate={rate}", f"seed={seed}"),
        metrics=tuple({"step": float(step), "loss": float(loss)} for step, loss in enumerate(losses)),
        yardstick=yardstick,
        style_weights=(1.0,),
    )


@pytest.fixture
def study() -> list[ComparedRun]:
    """2 contents x 2 rates x 3 seeds."""
    random = np.random.default_rng(0)
    cases = itertools.product(CONTENTS, RATES, SEEDS)
    return [_run(str(number), *case, random) for number, case in enumerate(cases)]


def _averaged(runs: list[ComparedRun], *over: str) -> list[ComparedRun]:
    return averaged_runs(runs, varying(runs), over)


def test_means_and_spreads_are_those_of_the_runs_that_agree_in_all_else(study: list[ComparedRun]) -> None:
    averages = _averaged(study, "seed")
    assert [one.name for one in averages] == ["0, 1, 2", "3, 4, 5", "6, 7, 8", "9, 10, 11"]
    for number, average in enumerate(averages):
        members = study[3 * number : 3 * number + 3]
        assert average.of == tuple(members)
        assert average.settings == {
            name: value for name, value in members[0].settings.items() if name != "seed"
        }
        for measure in ("content_distance", "style_distance", "seconds"):
            values = [run.yardstick[measure] for run in members]
            assert average.yardstick[measure] == pytest.approx(np.mean(values), rel=1e-12)
            assert average.spread[measure] == pytest.approx(np.std(values, ddof=1), rel=1e-9)
        scores = [run.yardstick["content_distance"] + 20 * run.yardstick["style_distance"] for run in members]
        assert average.spread["trade_off"] == pytest.approx(np.std(scores, ddof=1), rel=1e-9)
        losses = [run.summary["loss_of_saved_picture"] for run in members]
        assert average.summary["loss_of_saved_picture"] == pytest.approx(np.mean(losses), rel=1e-12)


def test_curves_are_means_with_bands_over_the_steps_that_all_have(study: list[ComparedRun]) -> None:
    study[1] = replace(study[1], metrics=study[1].metrics[:3])  # it was stopped sooner
    first, *_ = _averaged(study, "seed")
    losses = np.array([[row["loss"] for row in run.metrics[:3]] for run in study[:3]])
    curves = curves_of(first.metrics, 4)
    assert curves["step"] == [0, 1, 2]
    np.testing.assert_allclose(curves["loss"], losses.mean(0), rtol=1e-3)
    np.testing.assert_allclose(curves["±loss"], losses.std(0, ddof=1), rtol=1e-3)


def test_a_run_alone_has_no_spread_and_an_unfinished_one_stays_as_it_is(study: list[ComparedRun]) -> None:
    study[1] = replace(study[1], status="failed", yardstick={}, error="out of memory")
    study[2] = replace(study[2], status="interrupted", yardstick={})
    averages = _averaged(study, "seed")
    assert [one.name for one in averages] == ["0", "1", "2", "3, 4, 5", "6, 7, 8", "9, 10, 11"]
    assert (averages[0].spread, averages[0].of) == ({}, (study[0],))
    assert averages[1:3] == study[1:3]


def test_of_a_measure_that_some_lack_there_is_no_mean(study: list[ComparedRun]) -> None:
    study[1] = replace(study[1], yardstick={"content_distance": 0.5})
    first, *_ = _averaged(study, "seed")
    assert "style_distance" not in first.yardstick
    assert "trade_off" not in first.spread
    assert ranked([first]) == []


def test_over_contents_only_averages_of_the_same_contents_are_ranked(study: list[ComparedRun]) -> None:
    averages = _averaged(study, "seed", "content")
    assert [len(one.of) for one in averages] == [6, 6]
    (group,) = groups_of(averages)
    assert group.name == "fruit + harbor with waves"
    assert said_of_groups(Study(averages, ())) == ""
    # one rate has no still life: its mean is another quantity
    fewer = [run for run in study if (run.settings["content"], run.settings["rate"]) != ("fruit.png", 0.2)]
    groups = groups_of(_averaged(fewer, "seed", "content"))
    assert [group.name for group in groups] == ["fruit + harbor", "harbor"]
    assert said_of_groups(Study(_averaged(fewer, "seed", "content"), ())) == (
        "2 pairs of content and style: ranked within each"
    )


def test_the_table_has_mean_deviation_and_number(study: list[ComparedRun]) -> None:
    averages = _averaged(study, "seed")
    rows = list(csv.DictReader(io.StringIO(as_csv(results_of(Study(averages, ["content", "rate"]))))))
    assert [row["runs"] for row in rows] == ["3"] * 4
    for row, average in zip(rows, averages, strict=True):
        for column, name in (("yardstick.style_distance", "style_distance"), ("seconds", "seconds")):
            assert float(row[column]) == average.yardstick[name]
            assert float(row[f"{column}.sd"]) == average.spread[name]
        assert float(row["final_loss.sd"]) == average.spread["loss_of_saved_picture"]
    assert sorted(row["rank"] for row in rows) == ["1", "1", "2", "2"]
    plain = csv.DictReader(io.StringIO(as_csv(results_of(Study(study, ["content", "rate"])))))
    assert not [name for name in plain.fieldnames or () if name.endswith(".sd") or name == "runs"]


def test_the_terminal_shows_the_deviation_with_the_digits_of_the_mean(study: list[ComparedRun]) -> None:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(best_table(Study(_averaged(study, "seed"), ["content", "rate"])))
    text = captured.get()
    assert "best of 4 averages (± standard deviation)" in text
    average = _averaged(study, "seed")[0]
    mean, spread = average.yardstick["style_distance"], average.spread["style_distance"]
    assert f"{mean:.3f} ± {spread:.3f}" in text


def test_the_sheet_has_a_cell_for_each_average(study: list[ComparedRun]) -> None:
    averages = _averaged(study, "seed")
    grid = arranged(averages, ["content", "rate"])
    assert len(grid.cells) == 4
    assert contact_sheet(Study(averages, ["content", "rate"]), grid, "title").width > 0


def test_what_is_the_same_in_all_runs_is_refused(study: list[ComparedRun]) -> None:
    with pytest.raises(InputError, match=r"--average steps: it is the same in all runs.*content, rate, seed"):
        _averaged(study, "steps")
