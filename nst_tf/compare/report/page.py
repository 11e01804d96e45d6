"""The page: template, style sheet, scripts and data become one file."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.report.page_data import Axes, page_data
from nst_tf.compare.report.plain_json import json_for_html
from nst_tf.files import write_text_atomically

_SCRIPTS = (
    "elements.js",
    "runs.js",
    "text.js",
    "filter.js",
    "colours.js",
    "keyboard.js",
    "before_after.js",
    "tip.js",
    "grid.js",
    "viewer.js",
    "chart.js",
    "trade_off.js",
    "side_by_side.js",
    "loss_curves.js",
    "table.js",
    "page.js",
)
"""In the order in which they are read: each uses only what stands above it, or is called later."""

_FEWEST_TO_COMPARE = 2


def write_report(
    path: Path,
    runs: Sequence[ComparedRun],
    varying: Sequence[str],
    title: str,
    axes: Axes | None = None,
) -> None:
    """Write the page of ``runs`` to ``path`` in one step: one HTML file that needs no other.

    Thumbnails are inside; originals are linked by their path relative to ``path``. Pictures that can't be
    read are left out, numbers that are not finite are shown as such. Of 200 runs the file has under 15 MB.

    Args:
        path: the file; its folder must exist.
        runs: what is compared, in the order of the page; may be empty.
        varying: names of the settings in which the runs differ: the axes of the page.
        title: heading of the page, as plain text.
        axes: the settings of the rows, and that of the columns, with which the grid begins; None chooses.

    Raises:
        OSError: the file can't be written.
    """
    write_text_atomically(path, page_text(path, runs, varying, title, axes))


def page_text(
    path: Path,
    runs: Sequence[ComparedRun],
    varying: Sequence[str],
    title: str,
    axes: Axes | None = None,
) -> str:
    """The HTML of the page that would lie at ``path``."""
    style, script = _asset("page.css"), _script()
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.from_string(_asset("page.html")).render(
        title=title,
        written=datetime.now().astimezone(),
        counts=Counter(run.status for run in runs).most_common(),
        number=len(runs),
        several=len(runs) >= _FEWEST_TO_COMPARE,
        style_hash=_hash(style),
        script_hash=_hash(script),
        # the only texts that are not escaped: files of this package, and JSON without <, > and &
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(json_for_html(page_data(path, runs, varying, axes))),  # noqa: S704
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # names of files may hold undecodable bytes


def _asset(name: str) -> str:
    return files("nst_tf.compare.report").joinpath("assets", name).read_text(encoding="utf-8")


def _script() -> str:
    """One function, so that the page has no global names which an element's id could shadow."""
    parts = "\n".join(_asset(name) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();'


def _hash(text: str) -> str:
    """As a Content-Security-Policy names an inline element: the browser hashes the text between its tags."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
