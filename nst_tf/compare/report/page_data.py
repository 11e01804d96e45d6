"""Everything that the page's script shows, as plain JSON data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.report.commands import command_of, link_from, rerun_command
from nst_tf.compare.report.curves import curves_of
from nst_tf.compare.report.measures import described, measured
from nst_tf.compare.report.plain_json import plain
from nst_tf.compare.report.thumbnails import Thumbnails
from nst_tf.compare.yardstick import STYLE_AGAINST_CONTENT

Axes = tuple[Sequence[str], str | None]
_MISSING = object()


def page_data(
    page: Path, runs: Sequence[ComparedRun], varying: Sequence[str], axes: Axes | None = None
) -> dict[str, Any]:
    """The data of the page at ``page``: runs in their order, settings that all share only once.

    Keys: ``varying`` (names of settings), ``axes`` (of the grid, where somebody asked for some),
    ``style_against_content``, ``common`` (setting -> value), ``measures``, ``pictures`` (thumbnails) and
    ``runs``, whose ``picture``, ``content`` and ``styles`` are numbers of pictures.
    """
    pictures = [run.picture for run in runs if run.picture]
    inputs = [path for run in runs for path in (run.content, *run.styles) if path]
    thumbnails = Thumbnails([*inputs, *pictures])
    settings = [{str(name): plain(value) for name, value in run.settings.items()} for run in runs]
    common = _common(settings)
    measures = [measured(run) for run in runs]
    return {
        "varying": [plain(str(name)) for name in varying],
        "axes": axes and {"rows": [plain(name) for name in axes[0]], "column": plain(axes[1])},
        "style_against_content": STYLE_AGAINST_CONTENT,
        "common": common,
        "measures": described(_names(measures)),
        "pictures": thumbnails.pictures,
        "runs": [
            _run(page, run, thumbnails, len(runs))
            | {"settings": {name: value for name, value in own.items() if name not in common}}
            | {"measures": found}
            for run, own, found in zip(runs, settings, measures, strict=True)
        ],
    }


def _run(page: Path, run: ComparedRun, thumbnails: Thumbnails, runs: int) -> dict[str, Any]:
    picture = thumbnails.number(run.picture)
    return {
        "name": plain(run.name),
        "status": plain(run.status),
        "error": plain(run.error),
        "folder": plain(str(run.folder)),
        "picture": picture,
        "original": link_from(page, run.picture) if picture is not None else None,
        "content": thumbnails.number(run.content),
        "styles": [number for path in run.styles if (number := thumbnails.number(path)) is not None],
        "command": command_of("nst", run.overrides),
        "rerun": rerun_command(run.folder),
        "typed_in": plain(run.summary.get("working_folder")),
        "curves": curves_of(run.metrics, runs),
    }


def _common(settings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if len(settings) < 2:  # of a single run every setting is its own
        return {}
    return {
        name: value
        for name, value in settings[0].items()
        if all(_same(own.get(name, _MISSING), value) for own in settings[1:])
    }


def _same(first: Any, second: Any) -> bool:
    return type(first) is type(second) and first == second  # 1 is not true, and not 1.0


def _names(measures: Sequence[dict[str, Any]]) -> list[str]:
    """Of all measures, in the order of first appearance; those of single layers after the others."""
    names = list(dict.fromkeys(name for found in measures for name in found))
    return sorted(names, key=lambda name: "/" in name)
