"""Yardsticks kept in the runs' folders, so that each picture is measured once."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.input_files import file_sha256
from nst_tf.compare.reading import is_number
from nst_tf.compare.untrusted import json_object
from nst_tf.compare.yardstick import MEASURES, OF_CONTENT, OF_STYLE, VERSION, measure
from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.weights import ConvolutionWeights

CACHE = "yardstick.json"
_log = logging.getLogger(__name__)


def measured_runs(
    runs: Sequence[ComparedRun],
    weights: ConvolutionWeights,
    on_run: Callable[[ComparedRun], None] = lambda run: None,
) -> list[ComparedRun]:
    """The runs with their yardsticks: from their folders where these hold it, else computed and kept there.

    Runs without a picture stay as they are; one whose picture can't be measured says why in ``error``.
    ``on_run`` is told of each run that is done.
    """

    def targets(place: int) -> tuple[str, ...]:  # neighbours share pictures and size, thus targets
        run = runs[place]
        return (*map(str, run.styles), str(run.content), str(run.summary.get("size")))

    done: dict[int, ComparedRun] = {}
    for place in sorted(range(len(runs)), key=targets):
        done[place] = _measured(runs[place], weights)
        on_run(done[place])
    return [done[place] for place in range(len(runs))]


def _measured(run: ComparedRun, weights: ConvolutionWeights) -> ComparedRun:
    if run.picture is None:
        return run
    # half a mixture of styles is another style
    styles = run.styles if run.style_weights else ()
    try:
        key = {
            "version": VERSION,
            "picture": file_sha256(run.picture),
            "content": file_sha256(run.content) if run.content else None,
            "styles": [
                {"sha256": file_sha256(style), "weight": weight}
                for style, weight in zip(styles, run.style_weights, strict=True)
            ],
            "weights": weights.sha256,
        }
        names = _names(content=run.content is not None, styles=bool(styles))
        measures = _cached(run.folder / CACHE, key, names)
        if measures is None:
            measures = measure(run.picture, run.content, styles, run.style_weights, weights)
            _keep(run.folder / CACHE, key, measures)
    except (InputError, OSError) as error:
        return replace(run, error=run.error or f"its picture can't be measured: {error}")
    return replace(run, yardstick={**measures, **run.yardstick})


def _names(content: bool, styles: bool) -> list[str]:
    return [
        name for name in MEASURES if (content or name not in OF_CONTENT) and (styles or name not in OF_STYLE)
    ]


def _cached(path: Path, key: dict[str, Any], names: list[str]) -> dict[str, float] | None:
    """The measures of the cache, if it is whole and of these very pictures and weights."""
    try:
        kept = json_object(path)
    except InputError:
        return None
    measures = kept.pop("measures", None)
    if kept != key or not isinstance(measures, dict) or set(measures) != set(names):
        return None
    if not all(is_number(value) for value in measures.values()):
        return None
    return {name: float(measures[name]) for name in names}


def _keep(path: Path, key: dict[str, Any], measures: dict[str, float]) -> None:
    if not all(math.isfinite(value) for value in measures.values()):
        return
    try:
        write_text_atomically(path, json.dumps({**key, "measures": measures}, indent=2) + "\n")
    except OSError as error:  # somebody else's folder, a read-only disk: it is measured again next time
        _log.debug("%s can't be kept: %s", path, error)
