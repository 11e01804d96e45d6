"""Tables of which each row is printed and kept as soon as it is known: the next one may take minutes."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nst_tf.runs.provenance import provenance

_WIDTHS = 10, 9  # at least, in characters: of the first column, and of the others


@dataclass(frozen=True)
class Finding:
    """What a check found; ``holds`` is None where it could not be found out, as on another device."""

    name: str
    holds: bool | None
    detail: str


class Lines:
    """Columns of fixed width under a title, which is printed with the first row."""

    def __init__(self, title: str, columns: Sequence[str], example: Sequence[str] = ()) -> None:
        """Columns are as wide as the cells of the ``example``, and as their names."""
        cells = example or columns
        self._widths = [
            max(_WIDTHS[index > 0], len(column), len(cell))
            for index, (column, cell) in enumerate(zip(columns, cells, strict=True))
        ]
        self._before = [f"\n{title}", self._line(columns)]

    def row(self, cells: Sequence[str]) -> None:
        """Print one row: the first cell to the left, the others to the right."""
        for line in (*self._before, self._line(cells)):
            note(line)
        self._before = []

    def _line(self, cells: Sequence[str]) -> str:
        first, *others = zip(cells, self._widths, strict=True)
        return "  ".join((first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others))).rstrip()


class Measurement:
    """What was found so far, in a JSON file that is complete after every row."""

    def __init__(self, file: Path, **facts: Any) -> None:
        """Begin with the machine, how busy it is (the load average of a minute), and other ``facts``."""
        known = provenance()
        self.found: dict[str, Any] = {
            "machine": known["machine"], "versions": known["versions"], "git": known["git_commit"],
            "load": os.getloadavg()[0], "began": time.strftime("%Y-%m-%d %H:%M:%S"), **facts,
            "sections": {}, "checks": [],
        }  # fmt: skip
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)

    def section(self, name: str, title: str, found: Iterable[dict[str, Any] | Finding]) -> None:
        """Print and write each row and finding when it comes; lists in a row are only written."""
        rows = self.found["sections"][name] = []
        lines, columns = None, []
        for one in found:
            if isinstance(one, Finding):
                self.found["checks"].append(asdict(one))
            elif "error" in one:
                rows.append(one)
                note("  ".join(map(_cell, one.values())))
            else:
                rows.append(one)
                columns = columns or [
                    key for key, value in one.items() if not isinstance(value, (list, dict))
                ]
                cells = [_cell(one[column]) for column in columns]
                # names in the first column are of any length
                example = [cells[0].ljust(24) if isinstance(one[columns[0]], str) else cells[0], *cells[1:]]
                lines = lines or Lines(title, [column.replace("_", " ") for column in columns], example)
                lines.row(cells)
            self.write()

    def write(self) -> None:
        """Write all that was found, and how busy the machine is now."""
        self.found["load_at_the_end"] = os.getloadavg()[0]
        self.file.write_text(json.dumps(self.found, indent=2) + "\n", encoding="utf-8")


class Sections(argparse.ArgumentParser):
    """The command line of a script that measures in sections, of which some may be named."""

    def __init__(self, doc: str | None, names: Sequence[str]) -> None:
        """Takes the script's docstring as its help."""
        super().__init__(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        self._names = names
        # no `choices`: argparse takes an empty list for a choice that is not there
        self.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(names))

    def asked(self) -> argparse.Namespace:
        """What the command line says; another section is an error."""
        arguments = self.parse_args()
        if unknown := [name for name in arguments.sections if name not in self._names]:
            self.error(f"no section {unknown[0]!r}: choose of {', '.join(self._names)}")
        return arguments


def note(sentence: str) -> None:
    """Print one line at once."""
    print(sentence, flush=True)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        form = ",.0f" if abs(value) >= 1000 else ".3f" if abs(value) >= 0.01 else ".2g"
        return format(value, form)
    return str(value)
