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


def results_csv(runs: Sequence[ComparedRun], varying: Sequence[str]) -> str:
    """The text of ``results.csv`` (RFC 4180), for pandas and spreadsheets.

    Columns: run, folder, status, error; the settings that vary; every measure as ``yardstick.NAME``;
    seconds, evaluations, peak_memory_bytes; then all other settings. Those of the yardstick are always
    all there. What is not known is empty; lists and mappings are JSON, true and false as Python has them.
    """
    settings = list(dict.fromkeys(name for run in runs for name in run.settings))
    others = [name for name in settings if name not in varying]
    measures = [f"{YARDSTICK}{name}" for name in MEASURES]
    columns = ["run", "folder", "status", "error", *varying, *measures, *_COSTS.values(), *others]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for run in runs:
        row: dict[str, Any] = {name: _cell(value) for name, value in run.settings.items()}
        row |= {"run": run.name, "folder": str(run.folder), "status": run.status, "error": run.error or ""}
        row |= {f"{YARDSTICK}{name}": run.yardstick.get(name, "") for name in MEASURES}
        row |= {column: run.yardstick.get(name, "") for name, column in _COSTS.items()}
        writer.writerow(row)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (list, dict)) else value
