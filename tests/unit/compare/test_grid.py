from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from nst_tf.compare.reading import ComparedRun
from nst_tf.compare.sheet import arranged, row_labels
from nst_tf.errors import InputError


def _run(name: str, **settings: Any) -> ComparedRun:
    return ComparedRun(Path(name), name, "completed", {}, settings, (), None, None, ())


def _crossed(**values: list[Any]) -> list[ComparedRun]:
    combinations = itertools.product(*values.values())
    return [_run(str(n), **dict(zip(values, one, strict=True))) for n, one in enumerate(combinations)]


def _names(grid) -> list[list[str]]:
    """Names of the runs as they stand, - where there is none."""
    rows, columns = len(grid.row_values), len(grid.column_values)
    cells = {place: run.name for place, run in grid.cells.items()}
    return [[cells.get((row, column), "-") for column in range(columns)] for row in range(rows)]


def test_two_settings_cross_and_the_one_with_more_values_goes_across() -> None:
    runs = _crossed(optimizer=["lbfgs", "adam"], weight=[100, 5, 20.0])
    grid = arranged(runs, ["optimizer", "weight"])
    assert (grid.rows, grid.column) == (("optimizer",), "weight")
    assert grid.column_values == (5, 20.0, 100)  # by size; words as they come
    assert grid.row_values == (("lbfgs",), ("adam",))
    assert _names(grid) == [["1", "2", "0"], ["4", "5", "3"]]


def test_one_setting_goes_across_and_a_third_makes_rows_of_combinations() -> None:
    assert _names(arranged(_crossed(seed=[2, 1]), ["seed"])) == [["1", "0"]]
    grid = arranged(_crossed(a=["x", "y"], b=[1, 2], c=[1, 2, 3]), ["a", "b", "c"])
    assert (grid.rows, grid.column) == (("a", "b"), "c")
    assert grid.row_values == (("x", 1), ("x", 2), ("y", 1), ("y", 2))
    assert row_labels(grid, ["a", "b", "c"])[1] == ["a x", "b 2"]


def test_axes_that_are_asked_for_are_taken() -> None:
    runs = _crossed(a=["x", "y"], b=[1, 2, 3])
    grid = arranged(runs, ["a", "b"], rows=["b"], column="a")
    assert _names(grid) == [["0", "3"], ["1", "4"], ["2", "5"]]
    assert arranged(runs, ["a", "b"], column="a").rows == ("b",)
    assert arranged(runs, ["a", "b"], rows=["b"]).column == "a"
    assert len(arranged(_crossed(a=list(range(40))), ["a"], column="a").column_values) == 40


def test_runs_that_agree_stand_below_each_other() -> None:
    runs = [_run("0", a=1), _run("1", a=2), _run("2", a=1)]
    assert _names(arranged(runs, ["a"], column="a")) == [["0", "1"], ["2", "-"]]


def test_searched_settings_make_no_table() -> None:
    searched = [_run(str(n), a=n / 7, b=n * n) for n in range(6)]  # a table of them would be 5/6 empty
    grid = arranged(searched, ["a", "b"])
    assert not grid.has_axes
    assert _names(grid) == [["0", "1", "2"], ["3", "4", "5"]]
    assert not arranged(_crossed(a=list(range(13))), ["a"]).has_axes
    assert arranged(_crossed(a=list(range(12))), ["a"]).has_axes
    assert _names(arranged([_run("0", a=1)], [])) == [["0"]]


def test_runs_without_the_setting_have_a_place_of_their_own() -> None:
    runs = [_run("0", a=1), _run("1", a=2), _run("2"), _run("3", a=3)]
    assert sorted(itertools.chain(*_names(arranged(runs, ["a"])))) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("axes", [{"rows": ["optimiser"]}, {"column": "optimiser"}])
def test_an_unknown_setting_is_refused_with_the_nearest(axes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"no setting 'optimiser' in these runs: did you mean 'optimizer'\?"):
        arranged(_crossed(optimizer=["a", "b"]), ["optimizer"], **axes)


def test_a_setting_makes_one_axis() -> None:
    runs = _crossed(a=[1, 2])
    for axes in ({"rows": ["a"], "column": "a"}, {"rows": ["a", "a"]}):
        with pytest.raises(InputError, match="'a' is named twice among rows and columns"):
            arranged(runs, ["a"], **axes)


def test_rows_of_equal_values_are_labelled_with_what_tells_them_apart() -> None:
    crossed = _crossed(optimizer=["adam"], rate=[0.02, 0.5], content=["a.jpg", "b.jpg"])
    names = ["rate", "content"]
    asked = arranged(crossed, names, rows=["optimizer"], column="content")
    assert _names(asked) == [["0", "1"], ["2", "3"]]
    assert row_labels(asked, names) == [["adam", "rate 0.02"], ["adam", "rate 0.5"]]
    crossed += _crossed(optimizer=["lbfgs"], rate=[0.7], content=["a.jpg", "b.jpg"])
    mixed = arranged(crossed, names, rows=["optimizer"], column="content")
    assert row_labels(mixed, names)[2] == ["lbfgs"]  # of which there is one row
    same = [_run(str(n), seed=0, size=n % 2) for n in range(4)]  # two runs of each size, alike in all else
    again = arranged(same, ["size"], rows=["seed"], column="size")
    assert row_labels(again, ["size"]) == [["0", "0, 1"], ["0", "2, 3"]]


def test_a_whole_number_beyond_every_float_has_its_place() -> None:
    grid = arranged(_crossed(seed=[10**400, 2.5, -(10**400)]), ["seed"])
    assert _names(grid) == [["2", "1", "0"]]
