"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from nst_tf.compare.best import CONTENT, STYLE, best_runs, comparable, pareto_front
from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.difference import differences
from nst_tf.compare.settings import short_name, shown
from nst_tf.compare.varying import value_of
from nst_tf.compare.yardstick import trade_off
from nst_tf.printable import printable

_MOST_RUNS, _MOST_SETTINGS = 10, 4  # a screen's height and width
_NARROWEST = 6  # letters of a value that are left where the terminal is narrow
_COLUMNS = {
    CONTENT: "content",
    STYLE: "style",
    "colour_distance": "colour",
    "ssim": "SSIM",
    "seconds": "seconds",
}


def best_table(runs: Sequence[ComparedRun], varying: Sequence[str]) -> Table | None:
    """The best runs by their trade-off, with the nearest to content and to style; None without any."""
    best = best_runs(runs, _MOST_RUNS)
    if not best:
        return None
    front = {id(run) for run in pareto_front(runs)}
    nearest = {name: min(best, key=lambda run: run.yardstick[name]) for name in (CONTENT, STYLE)}
    table = _table(
        f"best of {len(comparable(runs))} by trade-off = content + 20 style; * is on the Pareto front"
    )
    settings = _telling(best, varying)
    table.add_column("run", no_wrap=True)
    for name in settings:
        table.add_column(_escaped(short_name(name)), overflow="ellipsis", min_width=_NARROWEST)
    for name in (*_COLUMNS.values(), "trade-off"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for run in best:
        mark = "* " if id(run) in front else ""
        marks = [f"nearest {name.partition('_')[0]}" for name, one in nearest.items() if one is run]
        numbers = [_number(run.yardstick.get(name)) for name in _COLUMNS]
        values = [_escaped(shown(value_of(run, name))) for name in settings]
        numbers.append(_number(trade_off(run.yardstick)))
        table.add_row(_escaped(run.name), *values, *numbers, mark + ", ".join(marks))
    return table


def _telling(runs: Sequence[ComparedRun], varying: Sequence[str]) -> list[str]:
    """The settings that a table of these runs has room for: first those that tell its rows apart."""
    told: list[str] = []
    rows = [""] * len(runs)
    for name in varying:
        finer = [f"{row}\n{shown(value_of(run, name))}" for row, run in zip(rows, runs, strict=True)]
        if len(set(finer)) > len(set(rows)):
            told.append(name)
            rows = finer
    told = told[:_MOST_SETTINGS]
    rest = [name for name in varying if name not in told][: _MOST_SETTINGS - len(told)]
    return [name for name in varying if name in told or name in rest]


def difference_table(first: ComparedRun, second: ComparedRun) -> Table:
    """What differs between two runs, in parts."""
    table = _table(None)
    for name in ("", ""):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for name in (first.name, second.name):
        table.add_column(_escaped(name), overflow="fold", min_width=_NARROWEST)
    table.add_column("change", justify="right", no_wrap=True)
    part = ""
    for row in differences(first, second):
        if part and row.part != part:
            table.add_section()
        shown_part, part = ("" if row.part == part else row.part), row.part
        table.add_row(shown_part, *map(_escaped, (row.name, row.first, row.second, row.change)))
    return table


def _escaped(text: str) -> str:
    return escape(printable(text))


def _table(title: str | None) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:#.3g}" if 0 < abs(value) < 100 else f"{value:.0f}"
