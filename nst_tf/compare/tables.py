"""Runs as tables: what varies, what came out, the best of them."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nst_tf.compare.averages import FINAL_LOSS, TRADE_OFF
from nst_tf.compare.ranking import CONTENT, STYLE, Study, best_runs, comparable
from nst_tf.compare.reading import (
    ComparedRun,
    canonical,
    input_records,
    readable_picture,
    short_names,
    shown,
)
from nst_tf.compare.yardstick import MEASURES, psnr, trade_off
from nst_tf.config.overrides import override_key
from nst_tf.config.schema import EXPERIMENT, LABELS
from nst_tf.errors import printable
from nst_tf.files import written_atomically
from nst_tf.runs.folder import RUN_JSON
from nst_tf.runs.provenance import SETTLED_BY_A_RUN

# ---- which settings differ among runs ----

# say nothing of the picture: what is written beside it, and how a run was taken up again
_OF_RECORDS = ("record.", "resume", "logger")
_ABSENT = "absent"  # no value's canonical text, for that is JSON

# follows from pictures, objective and sizes, unless somebody asks for it
_FOLLOWS = ("balance.calibration",)

_Values = Sequence[str | None]
"""The canonical value of one setting in each run; None where it is not known, which differs from nothing."""


def varying(runs: Sequence[ComparedRun]) -> list[str]:
    """Names of the settings that differ among the runs, the telling ones first.

    First what somebody asked for on the command line, in that order; then options of groups; then single
    values. A group that differs stands for the values that its options bring with them: these are named only
    where they differ among runs of the same option. A value that only repeats another one, because one refers
    to the other, is left out, and so is what people call a run. Unreadable runs do not count; neither does
    what a run that did not complete had not come to: what it would have found out by measurement, and
    settings that it lacks.
    """
    runs = [run for run in runs if run.settings]
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    values: dict[str, _Values] = {name: [_value(run, name) for run in runs] for name in names}
    differing = [name for name in names if name not in LABELS and len(set(values[name]) - {None}) > 1]
    asked = [
        key
        for key in dict.fromkeys(override_key(word) for run in runs for word in run.overrides)
        if key in differing
    ]
    choices = [choices for run in runs if isinstance(choices := run.summary.get("choices"), dict)]
    groups = [name for name in differing if any(name in options for options in choices)]
    chosen = list(dict.fromkeys([*asked, *_independent(groups, asked, values)]))
    explained_by = [name for name in chosen if name in groups]
    others = [name for name in differing if name not in (*chosen, *groups, *_FOLLOWS)]
    for name in sorted(others, key=lambda one: one.startswith(_OF_RECORDS)):
        repeats = any(
            all(a == b or a is None or b is None for a, b in zip(values[name], values[other], strict=True))
            for other in chosen
        )
        if not repeats and not _explained(values[name], [values[group] for group in explained_by]):
            chosen.append(name)
    return chosen


def _value(run: ComparedRun, name: str) -> str | None:
    value = run.settings.get(name)
    is_settled = not (name in SETTLED_BY_A_RUN and value == SETTLED_BY_A_RUN[name])
    if run.status != "completed" and not (name in run.settings and is_settled):
        return None
    if name == EXPERIMENT and name not in run.settings:  # an exported study says what its run had said itself
        return None
    return canonical(run.settings[name]) if name in run.settings else _ABSENT


def _independent(groups: list[str], asked: list[str], values: dict[str, _Values]) -> list[str]:
    """Groups that differ by themselves: "objective" brings its "objective/style", "experiment" any other."""
    kept = [name for name in asked if name in groups]
    for name in sorted(groups, key=lambda one: (one != "experiment", one.count("/"))):
        if name not in kept and not _explained(values[name], [values[one] for one in kept]):
            kept.append(name)
    return kept


def _explained(value: _Values, by: Sequence[_Values]) -> bool:
    """Whether the value is the same in all runs that agree in every one of ``by``, as far as is known."""
    if not by:
        return False
    seen: dict[tuple[str | None, ...], str] = {}
    return all(
        one is None or None in key or seen.setdefault(key, one) == one
        for key, one in zip(zip(*by, strict=True), value, strict=True)
    )


# ---- one table of all runs, a row a run ----

_COSTS = {"seconds": "seconds", "steps": "evaluations", "peak_memory_bytes": "peak_memory_bytes"}
"""Names in ``ComparedRun.yardstick``, and of columns: a setting is called ``steps`` already."""

_OUTCOME = ("group", "rank", "on_front", "trade_off", "final_loss", "when", "git_commit")
"""The last columns: what came of a run among those with which it can be compared, and where it is from."""

_SPREADS = {
    **{f"yardstick.{name}": name for name in MEASURES},
    **{column: name for name, column in _COSTS.items()},
    "trade_off": TRADE_OFF,
    "final_loss": FINAL_LOSS,
}
"""The columns of which an average has a standard deviation, and its name in ``ComparedRun.spread``."""

_MOST_LETTERS = 32_000  # of a cell: spreadsheets take 32,767, and Python's csv no more than 131,072
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Results:
    """Runs as rows of named columns; None is what is not known.

    Columns: run, folder, status, error; the settings that vary; every measure as ``yardstick.NAME``;
    seconds, evaluations, peak_memory_bytes; of averages the number of ``runs``, and after each of these
    numbers its standard deviation as ``NAME.sd``; then all other settings; then the run's group, its rank and
    whether it is on the front there, trade_off, final_loss, when (its ``run.json`` was written) and
    git_commit. Those of the yardstick are always all there; lists and mappings are JSON.
    """

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


def results_of(study: Study) -> Results:
    """A row for each run, or each average."""
    settings = dict.fromkeys(name for run in study.runs for name in run.settings)
    others = [name for name in settings if name not in study.varying]
    measures = [f"yardstick.{name}" for name in MEASURES]
    columns = ["run", "folder", "status", "error", *study.varying]
    columns += [*measures, *_COSTS.values(), *others, *_OUTCOME]
    if study.has_averages:
        columns = [one for name in columns for one in ((name, f"{name}.sd") if name in _SPREADS else (name,))]
        columns.insert(1, "runs")
    rows = []
    for run in study.runs:
        row: dict[str, Any] = {
            name: json.dumps(value) if isinstance(value, (list, dict)) else value
            for name, value in run.settings.items()
        }
        row |= {"run": run.name, "folder": str(run.folder), "status": run.status, "error": run.error}
        row |= {f"yardstick.{name}": run.yardstick.get(name) for name in MEASURES}
        row |= {column: run.yardstick.get(name) for name, column in _COSTS.items()}
        row |= {f"{column}.sd": run.spread.get(name) for column, name in _SPREADS.items()}
        row |= dict.fromkeys(_OUTCOME) | {"runs": len(run.of) or 1}
        if place := study.places.get(id(run)):
            row["group"] = place.group.name
            if place.rank is not None:
                row |= {"rank": place.rank, "on_front": place.is_on_front}
                row["trade_off"] = trade_off(run.yardstick)
        row |= {
            "final_loss": _number_or_text(run.summary.get(FINAL_LOSS)),
            "when": _when(run),
            "git_commit": _number_or_text(run.summary.get("git_commit")),
        }
        rows.append({name: row.get(name) for name in columns})
    return Results(columns, rows)


def as_csv(results: Results) -> str:
    """The text of ``results.csv`` (RFC 4180), for spreadsheets and whatever reads texts.

    What is not known is empty; true and false are as Python has them. A text that a spreadsheet would take
    for a formula, and run, has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_harmless, results.columns))
    writer.writerows(map(_harmless, row.values()) for row in results.rows)
    return text.getvalue()


def write_parquet(path: Path, results: Results) -> None:
    """The same as a Parquet file, whose columns have types: numbers, truth values or texts; needs pyarrow."""
    import pyarrow  # which is installed for this alone
    import pyarrow.parquet

    columns = {_text_of_any(name): [row[name] for row in results.rows] for name in results.columns}
    with written_atomically(path) as temporary:
        pyarrow.parquet.write_table(
            pyarrow.table({name: pyarrow.array(*_typed(values)) for name, values in columns.items()}),
            temporary,
        )


def _typed(values: Sequence[Any]) -> tuple[list[Any], str]:
    """The values of a column and Arrow's name of the type that holds them all."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return list(values), "bool"
    largest = max((abs(value) for value in values if isinstance(value, int)), default=0)
    if kinds == {int} and largest < 2**63:
        return list(values), "int64"
    if kinds and kinds <= {int, float} and largest < sys.float_info.max:
        return [None if value is None else float(value) for value in values], "float64"
    return [None if value is None else _text_of_any(value) for value in values], "string"


def _text_of_any(value: Any) -> str:
    """As UTF-8 can hold it: surrogates, of undecodable file names, are shown as escapes."""
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _when(run: ComparedRun) -> str | None:
    """When ``run.json`` was last written, which is the end of a run: no file of a run says it."""
    try:
        seconds = (run.folder / RUN_JSON).stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _number_or_text(value: Any) -> Any:
    """What a run's record says; None for anything else."""
    return value if isinstance(value, (int, float, str)) else None


def _harmless(value: Any) -> Any:
    """What a cell begins with decides (OWASP, "CSV injection")."""
    if not isinstance(value, str):
        return value
    text = _text_of_any(value if len(value) <= _MOST_LETTERS else f"{value[:_MOST_LETTERS]}...")
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


# ---- what differs between two runs ----

_FACTS = ("status", "error", "seed", "device", "precision", "git_commit")
_NONE = "-"


@dataclass(frozen=True)
class Row:
    """A part of a run, a name in it, and both values as text."""

    part: str
    name: str
    first: str
    second: str
    change: str = ""


def differences(first: ComparedRun, second: ComparedRun) -> list[Row]:
    """Every difference of status, configuration, inputs, versions and machine, picture and yardstick.

    Equal values are left out; of the yardstick and the costs, every number is there that one of both has,
    with the change from the first to the second.
    """
    return [
        *_rows("run", _facts(first), _facts(second)),
        *_rows("configuration", first.settings, second.settings),
        *_rows("inputs", _inputs(first), _inputs(second)),
        *_rows("versions", _versions(first), _versions(second)),
        *_pictures(first, second),
        *_yardsticks(first, second),
    ]


def _rows(part: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Row]:
    for name in dict.fromkeys([*first, *second]):
        if name in first and name in second and canonical(first[name]) == canonical(second[name]):
            continue
        yield Row(part, name, *(_text(side[name]) if name in side else _NONE for side in (first, second)))


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def _facts(run: ComparedRun) -> dict[str, Any]:
    found = {name: run.summary[name] for name in _FACTS if run.summary.get(name) is not None}
    return found | {"status": run.status} | ({"error": run.error} if run.error else {})


def _inputs(run: ComparedRun) -> dict[str, str]:
    content, styles = input_records(run.summary)
    named = {"content": content} | {f"style {n}": style for n, style in enumerate(styles, start=1)}
    return {
        name: f"{record.get('file')} (SHA-256 {str(record.get('sha256'))[:12]})"
        for name, record in named.items()
        if record
    }


def _versions(run: ComparedRun) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in ("machine", "versions", "weights"):
        values = run.summary.get(part)
        for name, value in values.items() if isinstance(values, dict) else ():
            # where the weights were found says nothing of them; their hash does
            if (part, name) != ("weights", "source"):
                found[name if part == "versions" else f"{part} {name}"] = value
    return found


def _pictures(first: ComparedRun, second: ComparedRun) -> Iterator[Row]:
    one, other = readable_picture(first.picture), readable_picture(second.picture)
    if one is None or other is None:
        return
    mine, theirs = (f"{picture.width} x {picture.height} pixels" for picture in (one, other))
    if one.pixels.shape != other.pixels.shape:
        yield Row("picture", "size", mine, theirs)
    elif np.array_equal(one.pixels, other.pixels):
        yield Row("picture", "pixels", mine, theirs, "bit-identical")
    else:
        yield Row("picture", "pixels", mine, theirs, f"PSNR {psnr(one.pixels, other.pixels):.1f} dB")


def _yardsticks(first: ComparedRun, second: ComparedRun) -> Iterator[Row]:
    for name in dict.fromkeys([*MEASURES, *first.yardstick, *second.yardstick]):
        before, after = first.yardstick.get(name), second.yardstick.get(name)
        if before is None and after is None:
            continue
        change = ""
        if before is not None and after is not None:
            change = f"{after - before:+.4g}"
            change += f" ({100 * (after / before - 1):+.1f} %)" if before > 0 else ""
        form = ",.0f" if name in ("steps", "peak_memory_bytes") else ".4g"
        told, now = (_NONE if value is None else f"{value:{form}}" for value in (before, after))
        part = "yardstick" if name in MEASURES else "costs"
        yield Row(part, "evaluations" if name == "steps" else name, told, now, change)


# ---- tables for the terminal ----

_WIDE = 1000  # columns, where no terminal has a width
_MOST_RUNS, _MOST_SETTINGS = 10, 4  # a screen's height and width
_MOST_GROUPS, _FEWEST_RUNS = 10, 3  # of a group the best one, and the nearest to content and to style
_NARROWEST = 6  # letters of a value that are left where the terminal is narrow
_COLUMNS = {
    CONTENT: "content",
    STYLE: "style",
    "colour_distance": "color",
    "ssim": "SSIM",
    "seconds": "seconds",
}


def best_table(study: Study) -> Table | None:
    """The best runs by their trade-off, with the nearest to content and to style; None without any.

    Of several groups of comparable runs each has its own best and its own front, and a part of the table.
    """
    groups, varying = study.ranked_groups, study.varying
    if not groups:
        return None
    several = len(groups) > 1
    what = str(sum(len(comparable(group.runs)) for group in groups))
    if study.has_averages:
        what += " averages (± standard deviation)"
    title = f"best of {what} by trade-off = content + 20 style; * is on the Pareto front"
    if several:
        title += " of its group"
        # the names of the groups tell them
        varying = [name for name in varying if name not in ("content", "style")]
    if len(groups) > _MOST_GROUPS:
        title += f"; the first {_MOST_GROUPS} of {len(groups)} groups"
    shown_groups = groups[:_MOST_GROUPS]
    most = max(_FEWEST_RUNS, _MOST_RUNS // len(shown_groups))
    best = [best_runs(group.runs, most) for group in shown_groups]
    settings = _telling([run for members in best for run in members], varying)
    table = _table(title)
    if several:
        table.add_column("group", overflow="ellipsis", min_width=_NARROWEST)
        table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("average of" if study.has_averages else "run", no_wrap=True)
    for name in short_names(settings).values():
        table.add_column(_escaped(name), overflow="ellipsis", min_width=_NARROWEST)
    for name in (*_COLUMNS.values(), "trade-off"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for group, members in zip(shown_groups, best, strict=True):
        nearest = {name: min(members, key=lambda run: run.yardstick[name]) for name in (CONTENT, STYLE)}
        for run in members:
            place = study.places[id(run)]
            if several:
                cells = [_escaped(group.name), str(place.rank), _escaped(run.name)]
            else:
                cells = [_escaped(run.name)]
            cells += [_escaped(shown(run.settings.get(name))) for name in settings]
            cells += [_number(run.yardstick.get(name), run.spread.get(name)) for name in _COLUMNS]
            cells.append(_number(trade_off(run.yardstick), run.spread.get(TRADE_OFF)))
            marks = [f"nearest {name.partition('_')[0]}" for name, one in nearest.items() if one is run]
            table.add_row(*cells, ("* " if place.is_on_front else "") + ", ".join(marks))
        table.add_section()
    return table


def _telling(runs: Sequence[ComparedRun], varying: Sequence[str]) -> list[str]:
    """The settings that a table of these runs has room for: first those that tell its rows apart."""
    told: list[str] = []
    rows = [""] * len(runs)
    for name in varying:
        finer = [f"{row}\n{shown(run.settings.get(name))}" for row, run in zip(rows, runs, strict=True)]
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


def show(table: Table, stream: TextIO) -> None:
    """Print a table: as wide as a terminal is, or a line a row for what reads from a file or a pipe."""
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDE)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip(), file=stream)


def _escaped(text: str) -> str:
    return escape(printable(text))


def _table(title: str | None) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _number(value: float | None, spread: float | None = None) -> str:
    if value is None:
        return ""
    text = f"{value:#.3g}" if 0 < abs(value) < 100 else f"{value:.0f}"
    if spread is None:
        return text
    decimals = len(text.partition(".")[2])
    return f"{text} ± {spread:.{decimals}f}"
