"""All pictures of a comparison on one sheet, in rows and columns by what varies."""

from __future__ import annotations

import difflib
import math
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import (
    ComparedRun,
    canonical,
    file_sha256,
    named_inputs,
    readable_image,
    short_names,
    shown,
)
from nst_tf.errors import InputError, printable

# ---- runs in rows and columns by the settings that vary ----

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
    asked = [*rows, *((column,) if column else ())]
    check_settings(runs, varying, asked)
    if twice := next((name for name in asked if asked.count(name) > 1), None):
        raise InputError(f"{twice!r} is named twice among rows and columns: one setting makes one axis")
    if asked:
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


def check_settings(runs: Sequence[ComparedRun], varying: Sequence[str], asked: Sequence[str]) -> None:
    """Raise InputError for a name that is no setting of any of the runs; it proposes one that is."""
    known = {name for run in runs for name in run.settings}
    for name in asked:
        if name not in known:
            close = difflib.get_close_matches(name, [*varying, *sorted(known)], n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else "give one such as objective.style.weight"
            raise InputError(f"there is no setting {name!r} in these runs: {hint}")


def _table(runs: Sequence[ComparedRun], rows: tuple[str, ...], column: str | None) -> Grid:
    down = _ordered({_key(run, rows): tuple(run.settings.get(name) for name in rows) for run in runs})
    columns = (column,) if column else ()
    across = _ordered({_key(run, columns): tuple(run.settings.get(name) for name in columns) for run in runs})
    stacks: dict[tuple[Hashable, Hashable], list[ComparedRun]] = {}
    for run in runs:
        stacks.setdefault((_key(run, rows), _key(run, columns)), []).append(run)
    cells: dict[tuple[int, int], ComparedRun] = {}
    row_values: list[tuple[Any, ...]] = []
    for key, values in down.items():
        height = max(len(stacks.get((key, other), ())) for other in across)
        for level in range(height):
            for place, other in enumerate(across):
                if level < len(stack := stacks.get((key, other), ())):
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
    return tuple(canonical(run.settings.get(name)) for name in names)


def _count(runs: Sequence[ComparedRun], name: str) -> int:
    return len({canonical(run.settings.get(name)) for run in runs})


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
            (0, value)
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            else (1, first[place, canonical(value)])
            for place, value in enumerate(item[1])
        ]

    return dict(sorted(labels.items(), key=order))


def row_labels(grid: Grid, varying: Sequence[str]) -> list[list[str]]:
    """What stands beside each row: the value of one setting, or NAME VALUE for each of several.

    Where that is the same for several rows, what else tells them apart stands below: other settings that
    vary, if each of the rows has one value of them, else the names of its runs.
    """
    labels = [
        [shown(values[0])] if len(values) == 1 else _named(grid.rows, values) for values in grid.row_values
    ]
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


def _named(names: Sequence[str], values: Sequence[Any]) -> list[str]:
    return [f"{name.split('.')[-1]} {shown(value)}" for name, value in zip(names, values, strict=True)]


def _what_tells_apart(
    own: Sequence[ComparedRun], alike: Sequence[Sequence[ComparedRun]], names: Sequence[str]
) -> list[str]:
    """The settings by which each of the rows ``alike`` is another; else the names of the row's own runs."""
    settings = [name for name in names if all(_count(runs, name) == 1 for runs in alike)]
    if len({_key(runs[0], settings) for runs in alike}) == len(alike):
        said = [name for name in settings if len({_key(runs[0], [name]) for runs in alike}) > 1]
        return _named(said, [own[0].settings.get(name) for name in said])
    first = ", ".join(run.name for run in own[:_MOST_RUNS_NAMED])
    return [f"{first}, ..." if len(own) > _MOST_RUNS_NAMED else first]


# ---- the sheet ----

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# pixels. A sheet of 2400 is looked at on screens of 1200 to 2400; its letters stay readable at the half
_WIDTH, _HEIGHT = 2400, 4800
_LARGEST, _SMALLEST, _MAGNIFIED = 640, 120, 256  # long side of a picture; small ones are shown larger
_LONGEST_SHAPE = 3  # height to width of a cell; a longer picture is fitted into it
_LETTERS_OF_WIDTH = 80  # sheet's width over the size of its letters: 30 pixels at 2400
_SMALLEST_LETTERS = 15
_MOST_BESIDE = 4  # content or style pictures of each kind, at the left
_CAPTION_LINES, _LABEL_LINES = 3, 4
_PAPER, _INK, _PALE, _BAD = "#ffffff", "#1a1a1a", "#767676", "#b3261e"  # contrast over 4.5 on the paper
_FRONT = "#0072b2"  # Okabe and Ito 2008: told apart by people with any color vision
_FAILED_CELL, _EMPTY_CELL = "#f3e9e8", "#f5f5f5"


def contact_sheet(study: Study, grid: Grid, title: str) -> Image.Image:
    """The sheet: pictures by ``grid``, content and style beside them; a run without a picture says why.

    Below each picture stand the run's name and its distances to content and style, and the name of its group
    where there are several; runs on the Pareto front of their group are framed. The more runs, the smaller
    the pictures, never the letters.
    """
    return _Sheet(study, grid).drawn(title)


class _Sheet:
    def __init__(self, study: Study, grid: Grid) -> None:
        """Lay the sheet out: all sizes are in pixels."""
        runs = study.runs
        self._study, self._grid = study, grid
        places = study.places.items()
        self._front = {run for run, place in places if place.is_on_front and len(runs) > 1}
        self._group_of = {run: place.group.name for run, place in places if len(study.groups) > 1}
        inputs = [named_inputs(run.summary, run.content, run.styles) for run in runs]
        self._inputs = [
            (kind, _different(named[place] for named in inputs))
            for place, kind in enumerate(("content", "style"))
        ]
        self._row_labels = row_labels(grid, study.varying)
        self._draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))  # for measuring, until there is a sheet

        columns, rows = len(grid.column_values), len(grid.row_values)
        sizes = [size for run in runs if (size := _size(run)) is not None]
        shape = float(np.median([height / width for height, width in sizes])) if sizes else 0.75
        shape = min(max(shape, 1 / _LONGEST_SHAPE), _LONGEST_SHAPE)
        wanted = max(_MAGNIFIED, *(max(size) for size in sizes)) if sizes else _MAGNIFIED
        has_inputs = any(pictures for _, pictures in self._inputs)
        # the pictures beside take about as much room as a column, and so do labels of rows
        shares = columns + has_inputs + bool(grid.rows)
        side = min(wanted, _LARGEST, _WIDTH / shares / min(1, 1 / shape), _HEIGHT / rows / min(1, shape))
        side = max(side, _SMALLEST)
        self._cell = width, _ = round(side * min(1, 1 / shape)), round(side * min(1, shape))

        letters = max(_SMALLEST_LETTERS, round(min(_WIDTH, width * shares) / _LETTERS_OF_WIDTH))
        self._large = ImageFont.load_default(letters)
        self._small = ImageFont.load_default(max(_SMALLEST_LETTERS - 1, round(letters * 0.75)))
        self._line = round(letters * 1.4)
        self._small_line = round(max(_SMALLEST_LETTERS - 1, letters * 0.75) * 1.35)
        self._gap = gap = max(8, letters // 2)

        caption_lines = max(
            sum(len(self._lines(part, self._small, width, 1)) for part, _ in self._caption(run))
            for run in runs
        )
        self._caption_height = caption_lines * self._small_line + gap // 2
        self._inputs_width = max(width, round(5 * letters)) + 2 * gap if has_inputs else 0
        heads = [printable(one) for one in [*chain(*self._row_labels), *grid.rows]]
        row_head = max((self._draw.textlength(one, self._large) for one in heads), default=0.0)
        self._row_head = min(round(row_head), max(width, 10 * letters)) + gap if grid.rows else 0
        labels = [self._lines(shown(one), self._large, width, _LABEL_LINES) for one in grid.column_values]
        self._left = gap + self._inputs_width + self._row_head
        self._top = gap + 2 * self._line + (max(map(len, labels)) * self._line if grid.column else 0)

    def drawn(self, title: str) -> Image.Image:
        grid, gap = self._grid, self._gap
        width, bottom = self._corner(len(grid.row_values), len(grid.column_values))
        inputs = sum(min(len(pictures), _MOST_BESIDE) for _, pictures in self._inputs)
        height = max(
            bottom + 2 * self._small_line,
            self._top + inputs * (self._cell[1] + 3 * self._small_line + gap) + 6 * self._small_line,
        )
        self._image = Image.new("RGB", (width, height), _PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._text(gap, gap, title, self._large, width - 2 * gap, 1)
        self._draw_axes(width)
        bottom = max(bottom, self._draw_inputs())
        for (row, column), run in grid.cells.items():
            self._draw_run(run, *self._corner(row, column))
        if grid.has_axes:
            for row, column in product(range(len(grid.row_values)), range(len(grid.column_values))):
                if (row, column) not in grid.cells:
                    self._draw_empty_cell(*self._corner(row, column))
        if any("style_distance" in run.yardstick for run in grid.cells.values()):
            legend = "Below each picture: the run, c: content distance, s: style distance (0 is the same)."
            others = "other run of its group (in blue)" if self._group_of else "other run"
            legend += f" Framed: no {others} is nearer to both." if self._front else ""
            if self._study.has_averages:
                legend += " Means of several runs ± standard deviation; the picture is the first one's."
            bottom = self._text(gap, bottom, legend, self._small, width - 2 * gap, 3, _PALE)
        return self._image.crop((0, 0, width, min(height, bottom + gap)))

    def _corner(self, row: int, column: int) -> tuple[int, int]:
        """The upper left corner (x, y) of a cell."""
        width, height = self._cell
        return (
            self._left + column * (width + self._gap),
            self._top + row * (height + self._caption_height + self._gap),
        )

    def _draw_axes(self, right: int) -> None:
        grid, font = self._grid, self._large
        x, y = self._gap + self._inputs_width, self._gap + self._line
        row_head = self._row_head - self._gap
        if len(grid.rows) == 1:
            self._text(x, y + self._line, grid.rows[0], font, row_head, 2, _PALE)
        if grid.column:
            self._text(self._left, y, grid.column, font, right - self._left, 1, _PALE)
            for column, value in enumerate(grid.column_values):
                left, _ = self._corner(0, column)
                self._text(left, y + self._line, shown(value), font, self._cell[0], _LABEL_LINES)
        for row, label in enumerate(self._row_labels):
            _, y = self._corner(row, 0)
            for line in label:
                y = self._text(x, y, line, font, row_head, _LABEL_LINES)

    def _draw_inputs(self) -> int:
        """Content and style pictures from the top down; returns where they end."""
        x, y, width = self._gap, self._top, self._inputs_width - 2 * self._gap
        for kind, pictures in self._inputs:
            for path, name in pictures[:_MOST_BESIDE]:
                thumbnail = thumbnail_of(path, (width, self._cell[1]))
                if thumbnail is not None:
                    self._image.paste(thumbnail, (x, y))
                    y += thumbnail.height
                y = self._text(x, y + self._gap // 2, f"{kind}: {name}", self._small, width, 2) + self._gap
            if len(pictures) > _MOST_BESIDE:
                more = f"and {len(pictures) - _MOST_BESIDE} more"
                y = self._text(x, y, more, self._small, width, 1, _PALE) + self._gap
        return y

    def _draw_run(self, run: ComparedRun, x: int, y: int) -> None:
        gap, small = self._gap, self._small
        width, height = self._cell
        thumbnail = thumbnail_of(run.picture, self._cell) if run.picture else None
        if thumbnail is not None:
            left, top = x + (width - thumbnail.width) // 2, y + (height - thumbnail.height) // 2
            self._image.paste(thumbnail, (left, top))
            if id(run) in self._front:
                border = max(2, gap // 3)
                right, bottom = left + thumbnail.width + border - 1, top + thumbnail.height + border - 1
                box = (left - border, top - border, right, bottom)
                self._draw.rectangle(box, outline=_FRONT, width=border)
        else:
            self._draw.rectangle((x, y, x + width - 1, y + height - 1), fill=_FAILED_CELL)
            room = (height - gap) // self._small_line
            reason = "its picture can't be read" if run.picture else run.error or "no picture"
            inner = width - 2 * gap
            below = self._text(x + gap, y + gap // 2, run.status, small, inner, 1, _BAD)
            self._text(x + gap, below, reason, small, inner, max(0, room - 1))
        below = y + height + gap // 2
        for line, color in self._caption(run):
            below = self._text(x, below, line, small, width, 1, color)

    def _draw_empty_cell(self, x: int, y: int) -> None:
        width, height = self._cell
        self._draw.rectangle((x, y, x + width - 1, y + height - 1), fill=_EMPTY_CELL)
        self._text(x + self._gap, y + self._gap // 2, "no run", self._small, width, 1, _PALE)

    def _caption(self, run: ComparedRun) -> list[tuple[str, str]]:
        """Lines and their colors."""
        content, style = run.yardstick.get("content_distance"), run.yardstick.get("style_distance")
        distances = [f"c {content:.2g}{_spread(run, 'content_distance')}"] if content is not None else []
        distances += [f"s {style:.2g}{_spread(run, 'style_distance')}"] if style is not None else []
        lines = [(f"{run.name}:  {', '.join(distances)}" if distances else run.name, _INK)]
        if group := self._group_of.get(id(run)):
            lines.append((group, _FRONT))
        if run.status != "completed" and run.picture is not None:
            lines.append((run.status, _BAD))
        if not self._grid.has_axes:
            for name, short in short_names(self._study.varying[:_CAPTION_LINES]).items():
                lines.append((f"{short} {shown(run.settings.get(name))}", _PALE))
        return lines

    def _lines(self, text: str, font: Font, width: float, most: int) -> list[str]:
        return fitted_lines(self._draw, text, font, width, most)

    def _text(self, x: int, y: int, text: str, font: Font, width: int, most: int, color: str = _INK) -> int:
        """Write lines from (x, y) down; returns where the next line would stand."""
        for line in self._lines(text, font, width, most):
            self._draw.text((x, y), line, color, font)
            y += self._line if font is self._large else self._small_line
        return y


def _spread(run: ComparedRun, name: str) -> str:
    return f" ± {run.spread[name]:.1g}" if name in run.spread else ""


def _different(pictures: Iterable[Sequence[tuple[Path, str]]]) -> list[tuple[Path, str]]:
    """Each picture once, whatever the number of its copies."""
    found: dict[str, tuple[Path, str]] = {}
    for path, name in chain(*pictures):
        try:
            found[file_sha256(path)] = (path, name)
        except OSError:
            found[str(path)] = (path, name)
    return list(found.values())


def _size(run: ComparedRun) -> tuple[int, int] | None:
    size = run.summary.get("size")
    if run.picture is None or not isinstance(size, dict):
        return None
    height, width = size.get("height"), size.get("width")
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return height, width
    return None


def thumbnail_of(path: Path, box: tuple[int, int]) -> Image.Image | None:
    """The picture, as large as fits; None if it can't be read."""
    image = readable_image(path)
    if image is None:
        return None
    scale = min(box[0] / image.width, box[1] / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


# ---- text that fits into a given width ----

_CUT = "..."


def fitted_lines(draw: ImageDraw.ImageDraw, text: str, font: Font, width: float, most: int) -> list[str]:
    """The text in at most ``most`` lines of at most ``width`` pixels; what does not fit is cut with dots.

    Lines break at spaces, and within words that are wider than a line.
    """
    lines: list[str] = []
    rest = " ".join(printable(" ".join(text.split())).split())
    while rest and len(lines) < most:
        lengths = range(1, len(rest) + 1)
        length = max(1, bisect_right(lengths, width, key=lambda end: draw.textlength(rest[:end], font)))
        if length < len(rest):
            space = rest.rfind(" ", 0, length + 1)
            length = space if space > 0 else length
        lines.append(rest[:length].strip())
        rest = rest[length:].strip()
    if rest and lines:
        kept = lines[-1]
        while kept and draw.textlength(kept + _CUT, font) > width:
            kept = kept[:-1]
        lines[-1] = kept + _CUT
    return lines
