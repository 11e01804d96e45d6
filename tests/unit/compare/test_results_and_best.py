from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from unit.compare.made_runs import made_run

from nst_tf.compare.ranking import Study, best_runs, pareto_front
from nst_tf.compare.reading import ComparedRun, read_runs
from nst_tf.compare.tables import Results, as_csv, results_of, varying, write_parquet
from nst_tf.compare.yardstick import MEASURES


def _measured(name: str, content: float, style: float) -> ComparedRun:
    yardstick = {"content_distance": content, "style_distance": style}
    return ComparedRun(Path(name), name, "completed", {}, {}, (), None, None, (), yardstick=yardstick)


def test_the_front_is_what_no_other_run_beats_in_both() -> None:
    runs = [
        _measured(str(n), c, s)
        for n, (c, s) in enumerate([(3, 1), (1, 3), (2, 2), (2, 2), (2, 3), (3, 2), (2.5, 2)])
    ]
    runs.append(replace(runs[0], name="unmeasured", yardstick={"content_distance": 0.0}))
    by_definition = [
        run.name
        for run in runs[:-1]
        if not any(_beats(other.yardstick, run.yardstick) for other in runs[:-1])
    ]
    assert [run.name for run in pareto_front(runs)] == ["1", "2", "3", "0"]
    assert sorted(by_definition) == ["0", "1", "2", "3"]
    assert pareto_front([]) == []


def test_only_completed_runs_are_ranked() -> None:
    runs = [_measured("0", 2, 2), _measured("1", 3, 3)]
    runs += [replace(runs[0], name=status, status=status) for status in ("diverged", "running")]
    runs[2] = replace(runs[2], yardstick={"content_distance": 0.0, "style_distance": 0.0})
    assert [run.name for run in pareto_front(runs)] == ["0"]
    assert [run.name for run in best_runs(runs, 9)] == ["0", "1"]


def _beats(one, other) -> bool:
    names = ("content_distance", "style_distance")
    return all(one[name] <= other[name] for name in names) and any(one[name] < other[name] for name in names)


def test_the_best_are_sorted_and_hold_the_extremes() -> None:
    runs = [
        _measured(str(n), c, s) for n, (c, s) in enumerate([(0, 9), (1, 0.1), (1, 0.2), (1, 0.3), (90, 0)])
    ]
    assert [run.name for run in best_runs(runs, 3)] == ["1", "4", "0"]  # 3, 90, 180
    assert [run.name for run in best_runs(runs, 4)] == ["1", "2", "4", "0"]
    assert len(best_runs(runs, 99)) == 5
    assert best_runs([], 3) == []


def test_the_table_has_a_row_a_run_and_stable_columns(sweep: Path) -> None:
    runs = read_runs(sorted(sweep.iterdir()))
    runs[0] = replace(runs[0], yardstick={"ssim": 0.25, **runs[0].yardstick})
    names = varying(runs)
    rows = list(csv.DictReader(io.StringIO(as_csv(results_of(Study(runs, names))))))
    columns = list(rows[0])
    costs = ["seconds", "evaluations", "peak_memory_bytes"]
    head = ["run", "folder", "status", "error", "objective.style.weight", "optimizer"]
    assert columns[: 6 + len(MEASURES) + 3] == [*head, *(f"yardstick.{name}" for name in MEASURES), *costs]
    assert len(set(columns)) == len(columns)
    assert [row["run"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["optimizer"] for row in rows] == ["lbfgs", "adam", "lbfgs", "adam"]
    assert (rows[0]["yardstick.ssim"], rows[1]["yardstick.ssim"]) == ("0.25", "")
    assert (rows[0]["evaluations"], rows[0]["steps"], rows[0]["seconds"]) == ("60", "60", "2.5")
    assert rows[3]["error"] == "MemoryError: no room"
    assert (rows[0]["optimizer.beta_1"], rows[1]["optimizer.beta_1"]) == ("", "0.9")
    assert rows[0]["layers.style"] == '["block1_conv1"]'


def test_pandas_reads_the_table(sweep: Path) -> None:
    pandas = pytest.importorskip("pandas")
    runs = read_runs(sorted(sweep.iterdir()))
    frame = pandas.read_csv(io.StringIO(as_csv(results_of(Study(runs, varying(runs))))))
    assert frame["objective.style.weight"].tolist() == [5, 5, 20, 20]
    assert frame["yardstick.ssim"].isna().all()
    assert frame.groupby("optimizer")["seconds"].mean()["lbfgs"] == 2.5


def test_values_with_commas_quotes_and_newlines_come_back(tmp_path: Path) -> None:
    strange = 'a "style", of\nmine.png'
    runs = read_runs([made_run(tmp_path / "0", {"style": strange})])
    [row] = csv.DictReader(io.StringIO(as_csv(results_of(Study(runs, [])))))
    assert row["style"] == strange


def test_parquet_has_the_same_rows_with_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install pyarrow")
    results = Results(
        ["run", "whole", "either", "any", "is", "huge", "none", "not_finite"],
        [
            dict(zip(("run", "whole", "either", "any", "is", "huge", "none", "not_finite"), row, strict=True))
            for row in [
                ("a\udcff", 1, 1, 1, True, 10**400, None, float("nan")),
                ("b", None, 2.5, "two", None, 3, None, 1.0),
            ]
        ],
    )
    write_parquet(tmp_path / "results.parquet", results)
    table = parquet.read_table(tmp_path / "results.parquet")
    assert [str(field.type) for field in table.schema] == [
        *("string", "int64", "double", "string", "bool", "string", "string", "double")
    ]
    assert table.column("run").to_pylist() == ["a\\udcff", "b"]
    assert table.column("whole").to_pylist() == [1, None]
    assert table.column("either").to_pylist() == [1.0, 2.5]
    assert table.column("any").to_pylist() == ["1", "two"]
    assert table.column("huge").to_pylist() == [str(10**400), "3"]
    assert [path.name for path in tmp_path.iterdir()] == ["results.parquet"]
