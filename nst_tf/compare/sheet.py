"""All pictures of a comparison on one sheet, in rows and columns by what varies."""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nst_tf.compare.reading import ComparedRun, canonical, file_sha256, named_inputs, short_name, shown
from nst_tf.compare.tables import pareto_front
from nst_tf.errors import InputError, printable
from nst_tf.images.read import read_picture

# ----------------------------------------------------------------------------
# Text that fits into a given width of a picture.

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_CUT = "..."


def fitted_lines(draw: ImageDraw.ImageDraw, text: str, font: Font, width: float, most: int) -> list[str]:
    """The text in at most ``most`` lines of at most ``width`` pixels; what does not fit is cut with dots.

    Lines break at spaces, and within words that are wider than a line.
    """
    lines: list[str] = []
    rest = " ".join(printable(" ".join(text.split())).split())
    while rest and len(lines) < most:
        length = _fitting(draw, rest, font, width)
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


def _fitting(draw: ImageDraw.ImageDraw, text: str, font: Font, width: float) -> int:
    """How many letters from the start fit: at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if draw.textlength(text[:middle], font) <= width:
            low = middle
        else:
            high = middle - 1
    return low


# ----------------------------------------------------------------------------
# Runs in rows and columns by the settings that vary.

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
    down = _ordered({_key(run, rows): tuple(run.settings.get(name) for name in rows) for run in runs})
    columns = (column,) if column else ()
    across = _ordered({_key(run, columns): tuple(run.settings.get(name) for name in columns) for run in runs})
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
        return _named(said, [own[0].settings.get(name) for name in said])
    first = ", ".join(run.name for run in own[:_MOST_RUNS_NAMED])
    return [f"{first}, ..." if len(own) > _MOST_RUNS_NAMED else first]


# ----------------------------------------------------------------------------
# All pictures of a comparison on one sheet, in rows and columns by what varies.

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


@dataclass(frozen=True)
class _Layout:
    """Sizes in pixels."""

    cell: tuple[int, int]
    beside: int
    row_head: int
    head: int
    gap: int
    text: Font
    small: Font
    line: int
    small_line: int
    caption: int


def contact_sheet(runs: Sequence[ComparedRun], grid: Grid, varying: Sequence[str], title: str) -> Image.Image:
    """The sheet: pictures by ``grid``, content and style beside them; a run without a picture says why.

    Below each picture stand the run's name and its distances to content and style; runs on the Pareto front
    are framed. The more runs, the smaller the pictures, never the letters.
    """
    sheet = _Sheet(runs, grid, varying)
    return sheet.drawn(title)


class _Sheet:
    def __init__(self, runs: Sequence[ComparedRun], grid: Grid, varying: Sequence[str]) -> None:
        self._grid, self._varying = grid, varying
        self._front = {id(run) for run in pareto_front(runs)} if len(runs) > 1 else set()
        inputs = [named_inputs(run.summary, run.content, run.styles) for run in runs]
        self._beside = [
            (kind, _different(named[place] for named in inputs))
            for place, kind in enumerate(("content", "style"))
        ]
        self._row_labels = row_labels(grid, varying)
        self._measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
        self._layout = self._laid_out(runs)

    def drawn(self, title: str) -> Image.Image:
        layout, grid = self._layout, self._grid
        columns, rows = len(grid.column_values), len(grid.row_values)
        left = layout.gap + layout.beside + layout.row_head
        top = layout.gap + 2 * layout.line + layout.head
        width = left + columns * (layout.cell[0] + layout.gap)
        height = top + rows * (layout.cell[1] + layout.caption + layout.gap) + 2 * layout.small_line
        bottom = height - 2 * layout.small_line
        height = max(height, top + self._most_height_beside())
        self._image = Image.new("RGB", (width, height), _PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._text(layout.gap, layout.gap, title, layout.text, width - 2 * layout.gap, 1)
        self._column_heads(left, layout.gap + layout.line, width - left)
        self._row_heads(layout.gap + layout.beside, top)
        bottom = max(bottom, self._pictures_beside(layout.gap, top))
        for (row, column), run in grid.cells.items():
            x = left + column * (layout.cell[0] + layout.gap)
            y = top + row * (layout.cell[1] + layout.caption + layout.gap)
            self._run(run, x, y)
        if grid.has_axes:
            self._empty_cells(left, top)
        bottom = self._legend(layout.gap, bottom, width - 2 * layout.gap)
        return self._image.crop((0, 0, width, min(height, bottom + layout.gap)))

    def _laid_out(self, runs: Sequence[ComparedRun]) -> _Layout:
        grid = self._grid
        columns, rows = len(grid.column_values), len(grid.row_values)
        sizes = [size for run in runs if (size := _size(run)) is not None]
        shape = float(np.median([height / width for height, width in sizes])) if sizes else 0.75
        shape = min(max(shape, 1 / _LONGEST_SHAPE), _LONGEST_SHAPE)
        wanted = max(_MAGNIFIED, *(max(size) for size in sizes)) if sizes else _MAGNIFIED
        has_beside = any(pictures for _, pictures in self._beside)
        # the pictures beside take about as much room as a column, and so do labels of rows
        shares = columns + has_beside + bool(grid.rows)
        side = min(wanted, _LARGEST, _WIDTH / shares / min(1, 1 / shape), _HEIGHT / rows / min(1, shape))
        side = max(side, _SMALLEST)
        cell = (round(side * min(1, 1 / shape)), round(side * min(1, shape)))
        letters = max(_SMALLEST_LETTERS, round(min(_WIDTH, cell[0] * shares) / _LETTERS_OF_WIDTH))
        text = ImageFont.load_default(letters)
        small = ImageFont.load_default(max(_SMALLEST_LETTERS - 1, round(letters * 0.75)))
        line, small_line = round(letters * 1.4), round(max(_SMALLEST_LETTERS - 1, letters * 0.75) * 1.35)
        head_lines = max(
            (len(self._lines(shown(value), text, cell[0], _LABEL_LINES)) for value in grid.column_values),
            default=0,
        )
        caption_lines = max(
            sum(len(self._lines(part, small, cell[0], 1)) for part, _ in self._caption(run)) for run in runs
        )
        gap = max(8, letters // 2)
        row_texts = [line for label in self._row_labels for line in label]
        heads = [printable(one) for one in [*row_texts, *grid.rows]]
        row_head = max((self._measure.textlength(one, text) for one in heads), default=0.0)
        return _Layout(
            cell=cell,
            beside=max(cell[0], round(5 * letters)) + 2 * gap if has_beside else 0,
            row_head=min(round(row_head), max(cell[0], 10 * letters)) + gap if grid.rows else 0,
            head=head_lines * line if grid.column else 0,
            gap=gap,
            text=text,
            small=small,
            line=line,
            small_line=small_line,
            caption=caption_lines * small_line + gap // 2,
        )

    def _caption(self, run: ComparedRun) -> list[tuple[str, str]]:
        """Lines and their colors."""
        content, style = run.yardstick.get("content_distance"), run.yardstick.get("style_distance")
        distances = [f"c {content:.2g}"] if content is not None else []
        distances += [f"s {style:.2g}"] if style is not None else []
        lines = [(f"{run.name}:  {', '.join(distances)}" if distances else run.name, _INK)]
        if run.status != "completed" and run.picture is not None:
            lines.append((run.status, _BAD))
        if not self._grid.has_axes:
            said = [(name, run.settings.get(name)) for name in self._varying[:_CAPTION_LINES]]
            lines += [(f"{short_name(name)} {shown(value)}", _PALE) for name, value in said]
        return lines

    def _column_heads(self, left: int, y: int, width: int) -> None:
        layout, grid = self._layout, self._grid
        if grid.rows:
            x = layout.gap + layout.beside
            names = ", ".join(grid.rows) if len(grid.rows) == 1 else ""
            self._text(x, y + layout.line, names, layout.text, layout.row_head - layout.gap, 2, _PALE)
        if not grid.column:
            return
        self._text(left, y, grid.column, layout.text, width, 1, _PALE)
        for place, value in enumerate(grid.column_values):
            x = left + place * (layout.cell[0] + layout.gap)
            self._text(x, y + layout.line, shown(value), layout.text, layout.cell[0], _LABEL_LINES)

    def _row_heads(self, x: int, top: int) -> None:
        layout, grid = self._layout, self._grid
        if not grid.rows:
            return
        for row, label in enumerate(self._row_labels):
            y = top + row * (layout.cell[1] + layout.caption + layout.gap)
            for line in label:
                y = self._text(x, y, line, layout.text, layout.row_head - layout.gap, _LABEL_LINES)

    def _run(self, run: ComparedRun, x: int, y: int) -> None:
        layout = self._layout
        width, height = layout.cell
        thumbnail = _thumbnail(run.picture, layout.cell) if run.picture else None
        if thumbnail is not None:
            place = (x + (width - thumbnail.width) // 2, y + (height - thumbnail.height) // 2)
            self._image.paste(thumbnail, place)
            if id(run) in self._front:
                border = max(2, layout.gap // 3)
                box = (place[0] - border, place[1] - border, place[0] + thumbnail.width + border - 1)
                self._draw.rectangle(
                    (*box, place[1] + thumbnail.height + border - 1), outline=_FRONT, width=border
                )
        else:
            self._draw.rectangle((x, y, x + width - 1, y + height - 1), fill=_FAILED_CELL)
            room = (height - layout.gap) // layout.small_line
            reason = "its picture can't be read" if run.picture else run.error or "no picture"
            inner = width - 2 * layout.gap
            below = self._text(x + layout.gap, y + layout.gap // 2, run.status, layout.small, inner, 1, _BAD)
            self._text(x + layout.gap, below, reason, layout.small, inner, max(0, room - 1), _INK)
        below = y + height + layout.gap // 2
        for line, color in self._caption(run):
            below = self._text(x, below, line, layout.small, width, 1, color)

    def _empty_cells(self, left: int, top: int) -> None:
        layout, grid = self._layout, self._grid
        for row in range(len(grid.row_values)):
            for column in range(len(grid.column_values)):
                if (row, column) not in grid.cells:
                    x = left + column * (layout.cell[0] + layout.gap)
                    y = top + row * (layout.cell[1] + layout.caption + layout.gap)
                    self._draw.rectangle(
                        (x, y, x + layout.cell[0] - 1, y + layout.cell[1] - 1), fill=_EMPTY_CELL
                    )
                    self._text(
                        x + layout.gap, y + layout.gap // 2, "no run", layout.small, layout.cell[0], 1, _PALE
                    )

    def _most_height_beside(self) -> int:
        count = sum(min(len(pictures), _MOST_BESIDE) for _, pictures in self._beside)
        layout = self._layout
        return count * (layout.cell[1] + 3 * layout.small_line + layout.gap) + 6 * layout.small_line

    def _pictures_beside(self, x: int, y: int) -> int:
        """Returns where the column ends."""
        layout = self._layout
        width = layout.beside - 2 * layout.gap
        for kind, pictures in self._beside:
            for path, name in pictures[:_MOST_BESIDE]:
                thumbnail = _thumbnail(path, (width, layout.cell[1]))
                if thumbnail is not None:
                    self._image.paste(thumbnail, (x, y))
                    y += thumbnail.height
                y = self._text(x, y + layout.gap // 2, f"{kind}: {name}", layout.small, width, 2)
                y += layout.gap
            if len(pictures) > _MOST_BESIDE:
                more = f"and {len(pictures) - _MOST_BESIDE} more"
                y = self._text(x, y, more, layout.small, width, 1, _PALE) + layout.gap
        return y

    def _legend(self, x: int, y: int, width: int) -> int:
        if not any("style_distance" in run.yardstick for run in self._grid.cells.values()):
            return y
        said = "Below each picture: the run, c: content distance, s: style distance (0 is the same)."
        said += " Framed: no other run is nearer to both." if self._front else ""
        return self._text(x, y, said, self._layout.small, width, 3, _PALE)

    def _lines(self, text: str, font: Font, width: float, most: int) -> list[str]:
        return fitted_lines(self._measure, text, font, width, most)

    def _text(self, x: int, y: int, text: str, font: Font, width: int, most: int, color: str = _INK) -> int:
        """Write lines from (x, y) down; returns where the next line would stand."""
        step = self._layout.line if font is self._layout.text else self._layout.small_line
        for line in self._lines(text, font, width, most):
            self._draw.text((x, y), line, color, font)
            y += step
        return y


def _different(pictures: Iterable[Sequence[tuple[Path, str]]]) -> list[tuple[Path, str]]:
    """Each picture once, whatever the number of its copies."""
    return list({_identity(path): (path, name) for named in pictures for path, name in named}.values())


def _identity(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return str(path)


def _size(run: ComparedRun) -> tuple[int, int] | None:
    size = run.summary.get("size")
    if run.picture is None or not isinstance(size, dict):
        return None
    height, width = size.get("height"), size.get("width")
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return height, width
    return None


def _thumbnail(path: Path, box: tuple[int, int]) -> Image.Image | None:
    """The picture, as large as fits; None if it can't be read."""
    try:
        picture = read_picture(path)
    except InputError:
        return None
    scale = min(box[0] / picture.width, box[1] / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    image = Image.fromarray(np.rint(picture.pixels * 255).astype(np.uint8))
    return image.resize(size, Image.Resampling.LANCZOS)
