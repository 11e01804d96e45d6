"""One table of all runs, a row a run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.yardstick import MEASURES

YARDSTICK = "yardstick."
_COSTS = {"seconds": "seconds", "steps": "evaluations", "peak_memory_bytes": "peak_memory_bytes"}
"""Names in ``ComparedRun.yardstick``, and of columns: a setting is called ``steps`` already."""

_MOST_LETTERS = 32_000  # of a cell: spreadsheets take 32,767, and Python's csv no more than 131,072
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def results_csv(runs: Sequence[ComparedRun], varying: Sequence[str]) -> str:
    """The text of ``results.csv`` (RFC 4180), for pandas and spreadsheets.

    Columns: run, folder, status, error; the settings that vary; every measure as ``yardstick.NAME``;
    seconds, evaluations, peak_memory_bytes; then all other settings. Those of the yardstick are always
    all there. What is not known is empty; lists and mappings are JSON, true and false as Python has them.
    A text that a spreadsheet would take for a formula, and run, has an apostrophe before it.
    """
    settings = list(dict.fromkeys(name for run in runs for name in run.settings))
    others = [name for name in settings if name not in varying]
    measures = [f"{YARDSTICK}{name}" for name in MEASURES]
    columns = ["run", "folder", "status", "error", *varying, *measures, *_COSTS.values(), *others]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writerow({name: _harmless(name) for name in columns})
    for run in runs:
        row: dict[str, Any] = {name: _cell(value) for name, value in run.settings.items()}
        row |= {"run": run.name, "folder": str(run.folder), "status": run.status, "error": run.error or ""}
        row |= {f"{YARDSTICK}{name}": run.yardstick.get(name, "") for name in MEASURES}
        row |= {column: run.yardstick.get(name, "") for name, column in _COSTS.items()}
        writer.writerow({name: _harmless(value) for name, value in row.items()})
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """What a cell begins with decides (OWASP, "CSV injection"); surrogates fit into no file and are shown."""
    if not isinstance(value, str):
        return value
    text = value if len(value) <= _MOST_LETTERS else f"{value[:_MOST_LETTERS]}..."
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (list, dict)) else value
