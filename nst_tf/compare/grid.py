"""Runs in rows and columns by the settings that vary."""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.settings import canonical, shown
from nst_tf.compare.varying import value_of
from nst_tf.errors import InputError

_MOST_COLUMNS = 12  # a picture in 12 columns of a screen of 1920 pixels is 150 wide: still a picture
_MOST_EMPTY = 0.5  # of a table's cells; beyond that, settings were searched, not crossed
_MOST_RUNS_NAMED = 3  # beside a row: a label has little room
_WIDER_THAN_HIGH = 1.5  # a sheet without axes: about as wide as a screen is


@dataclass(frozen=True)
class Grid:
    """Where each run stands. Without axes (``rows`` and ``column`` empty) runs simply follow one another."""

    rows: tuple[str, ...]
    column: str | None
    row_values: tuple[tuple[Any, ...], ...]
    column_values: tuple[Any, ...]
    cells: Mapping[tuple[int, int], ComparedRun]

    @property
    def has_axes(self) -> bool:
        """Whether rows or columns stand for values of settings."""
        return bool(self.rows or self.column)


def arranged(
    runs: Sequence[ComparedRun],
    varying: Sequence[str],
    rows: Sequence[str] = (),
    column: str | None = None,
) -> Grid:
    """Put the runs into rows and columns by settings; what is not asked for is chosen from ``varying``.

    One setting that varies goes across; of two, the one with more values goes across; of three and more,
    all but that one make the rows, a row for each combination of values. Where more than half of the table
    would be empty, or a row would be longer than 12 pictures, the runs follow one another without axes.
    Runs that agree in every axis stand in rows of their own. Raises InputError for a setting that no run has,
    or that is named twice.
    """
    known = {name for run in runs for name in run.settings}
    for name in (*rows, *((column,) if column else ())):
        if name not in known:
            close = difflib.get_close_matches(name, [*varying, *sorted(known)], n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else "give one such as objective.style.weight"
            raise InputError(f"there is no setting {name!r} in these runs: {hint}")
    asked = [*rows, *((column,) if column else ())]
    if twice := next((name for name in asked if asked.count(name) > 1), None):
        raise InputError(f"{twice!r} is named twice among rows and columns: one setting makes one axis")
    if rows or column:
        others = [name for name in varying if name != column and name not in rows]
        if not column and others:
            column = max(others, key=lambda name: _count(runs, name))
            others.remove(column)
        return _table(runs, tuple(rows) or tuple(others), column)
    if not varying:
        return _row_by_row(runs)
    # of equally many values, the setting that is named first goes across
    across = max(varying, key=lambda name: _count(runs, name))
    table = _table(runs, tuple(name for name in varying if name != across), across)
    cells = len(table.row_values) * len(table.column_values)
    too_long = len(table.column_values) > _MOST_COLUMNS
    return _row_by_row(runs) if too_long or len(runs) < _MOST_EMPTY * cells else table


def _table(runs: Sequence[ComparedRun], rows: tuple[str, ...], column: str | None) -> Grid:
    down = _ordered({_key(run, rows): tuple(value_of(run, name) for name in rows) for run in runs})
    columns = (column,) if column else ()
    across = _ordered({_key(run, columns): tuple(value_of(run, name) for name in columns) for run in runs})
    stacks: dict[tuple[Hashable, Hashable], list[ComparedRun]] = {}
    for run in runs:
        place = (_key(run, rows), _key(run, columns))
        stacks.setdefault(place, []).append(run)
    cells: dict[tuple[int, int], ComparedRun] = {}
    row_values: list[tuple[Any, ...]] = []
    for key, values in down.items():
        height = max(len(stacks.get((key, other), ())) for other in across)
        for level in range(height):
            for place, other in enumerate(across):
                stack = stacks.get((key, other), ())
                if level < len(stack):
                    cells[len(row_values), place] = stack[level]
            row_values.append(values)
    column_values = tuple(values[0] if values else None for values in across.values())
    return Grid(rows, column, tuple(row_values), column_values, cells)


def _row_by_row(runs: Sequence[ComparedRun]) -> Grid:
    columns = max(1, min(_MOST_COLUMNS, len(runs), math.ceil(math.sqrt(len(runs) * _WIDER_THAN_HIGH))))
    height = math.ceil(len(runs) / columns)
    cells = {divmod(place, columns): run for place, run in enumerate(runs)}
    return Grid((), None, ((),) * height, (None,) * columns, cells)


def _key(run: ComparedRun, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(canonical(value_of(run, name)) for name in names)


def _count(runs: Sequence[ComparedRun], name: str) -> int:
    return len({canonical(value_of(run, name)) for run in runs})


def _ordered(labels: Mapping[Any, tuple[Any, ...]]) -> dict[Any, tuple[Any, ...]]:
    """Numbers by size; words in the order in which they first stand in the runs.

    A whole number may be larger than any float is, with which Python compares it all the same.
    """
    first = {
        (place, canonical(value)): index
        for index, values in reversed(list(enumerate(labels.values())))
        for place, value in enumerate(values)
    }

    def order(item: tuple[Any, tuple[Any, ...]]) -> list[tuple[int, float]]:
        return [
            (0, value) if _sorts_as_number(value) else (1, first[place, canonical(value)])
            for place, value in enumerate(item[1])
        ]

    return dict(sorted(labels.items(), key=order))


def _sorts_as_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def row_labels(grid: Grid, varying: Sequence[str]) -> list[list[str]]:
    """What stands beside each row: the value of one setting, or NAME VALUE for each of several.

    Where that is the same for several rows, what else tells them apart stands below: other settings that
    vary, if each of the rows has one value of them, else the names of its runs.
    """
    labels = [_values_of_row(grid.rows, values) for values in grid.row_values]
    if not grid.rows:
        return labels
    members: list[list[ComparedRun]] = [[] for _ in labels]
    for (row, _), run in sorted(grid.cells.items(), key=lambda item: item[0]):
        members[row].append(run)
    others = [name for name in varying if name not in grid.rows and name != grid.column]
    told: list[list[str]] = []
    for row, label in enumerate(labels):
        alike = [members[place] for place, other in enumerate(labels) if other == label]
        told.append([*label, *(_what_tells_apart(members[row], alike, others) if len(alike) > 1 else [])])
    return told


def _values_of_row(names: Sequence[str], values: Sequence[Any]) -> list[str]:
    return [shown(values[0])] if len(names) == 1 else _named(names, values)


def _named(names: Sequence[str], values: Sequence[Any]) -> list[str]:
    return [f"{name.split('.')[-1]} {shown(value)}" for name, value in zip(names, values, strict=True)]


def _what_tells_apart(
    own: Sequence[ComparedRun], alike: Sequence[Sequence[ComparedRun]], names: Sequence[str]
) -> list[str]:
    """The settings by which each of the rows ``alike`` is another; else the names of the row's own runs."""
    settings = [name for name in names if all(_count(runs, name) == 1 for runs in alike)]
    if len({_key(runs[0], settings) for runs in alike}) == len(alike):
        said = [name for name in settings if len({_key(runs[0], [name]) for runs in alike}) > 1]
        return _named(said, [value_of(own[0], name) for name in said])
    first = ", ".join(run.name for run in own[:_MOST_RUNS_NAMED])
    return [f"{first}, ..." if len(own) > _MOST_RUNS_NAMED else first]
