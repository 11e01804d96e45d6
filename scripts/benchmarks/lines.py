"""A table of which each row is printed as soon as it is known: the next one may take minutes."""

from __future__ import annotations

from collections.abc import Sequence


class Lines:
    """Columns of fixed width under a title, which is printed with the first row."""

    def __init__(self, title: str, columns: Sequence[str], first: int = 10) -> None:
        """``first`` is the width of the first column in characters."""
        self._widths = [max(first, len(columns[0])), *(max(9, len(column)) for column in columns[1:])]
        self._before = [f"\n{title}", self._line(columns)]

    def row(self, cells: Sequence[str]) -> None:
        """Print one row: the first cell to the left, the others to the right."""
        for line in (*self._before, self._line(cells)):
            note(line)
        self._before = []

    def _line(self, cells: Sequence[str]) -> str:
        first, *others = (
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(cells, self._widths, strict=True))
        )
        return "  ".join((first, *others)).rstrip()


def note(sentence: str) -> None:
    """Print one line at once."""
    print(sentence, flush=True)
