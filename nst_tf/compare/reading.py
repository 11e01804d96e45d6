"""Reading runs back from their folders; what is in them may be damaged, half written or hostile."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

from nst_tf.compare.broken_off import is_broken_off
from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.finding import RUN, SWEEP
from nst_tf.compare.input_files import found_inputs
from nst_tf.compare.settings import flat_settings, settings_of_words
from nst_tf.compare.untrusted import inside, json_object, text_of, yaml_mapping
from nst_tf.errors import InputError

UNREADABLE = "unreadable"
COSTS = ("seconds", "steps", "peak_memory_bytes")
"""What a run cost: seconds of its steps (without imports and weights), evaluations, memory."""

# as in nst_tf.record.folder, which loads TensorFlow
_CONFIGURATION, _METRICS = "config.yaml", "metrics.jsonl"
_STATUSES = ("running", "completed", "diverged", "interrupted", "failed")
_BEFORE_IT_BEGAN = ("failed", "interrupted")
"""Statuses of a run that may have come to its end before it wrote its configuration."""


def read_runs(folders: Sequence[Path]) -> list[ComparedRun]:
    """Every folder's run, with a name that no other of them has."""
    runs = [read_run(folder) for folder in folders]
    return [replace(run, name=name) for run, name in zip(runs, _unique_names(folders), strict=True)]


def read_run(folder: Path) -> ComparedRun:
    """The run in a folder; never raises for what is in it.

    A run whose files are damaged or lead out of its folder has the status "unreadable" and says in
    ``error`` why. Where a job of a sweep left no ``run.json``, the sweep's ``sweep.json`` tells its status.
    One that calls itself running, but whose process is known to be gone, is "interrupted".
    """
    try:
        return _read(folder)
    except InputError as error:
        return ComparedRun(
            folder=folder,
            name=folder.resolve().name,
            status=UNREADABLE,
            summary={},
            settings={},
            overrides=(),
            picture=None,
            content=None,
            styles=(),
            error=" ".join(str(error).split()),
        )


def _read(folder: Path) -> ComparedRun:
    summary = json_object(folder / RUN) if (folder / RUN).exists() else _from_sweep(folder)
    status = summary.get("status")
    if status not in _STATUSES:
        raise InputError(
            f"the status of the run in {folder} is {status!r}, not one of {', '.join(_STATUSES)}"
        )
    error = summary.get("error")
    if status == "running" and is_broken_off(folder, summary):
        status, error = "interrupted", "its process is gone"
    words = _overrides(folder, summary)
    settings = _configuration(folder, str(status)) or settings_of_words(words)
    picture = None
    if summary.get("picture") is not None:
        picture = inside(folder, summary["picture"], "the picture")
    content, found_styles, missing = found_inputs(folder, summary, settings)
    styles = tuple(path for path in found_styles if path is not None)
    if picture is not None and not picture.is_file():
        error = error or f"its picture {picture.name} is gone"
        picture = None
    return ComparedRun(
        folder=folder,
        name=folder.resolve().name,
        status=str(status),
        summary=summary,
        settings=flat_settings(settings, _choices(folder, summary)),
        overrides=words,
        picture=picture,
        content=content,
        styles=styles,
        metrics=_metrics(folder / _METRICS),
        yardstick=_costs(summary) if picture else {},
        error=" ".join(str(error).split()) if error else None,
        style_weights=_style_weights(settings, len(found_styles)) if len(styles) == len(found_styles) else (),
        missing_inputs=tuple(missing),
    )


def _from_sweep(folder: Path) -> dict[str, Any]:
    jobs = json_object(folder.parent / SWEEP).get("jobs")
    for job in jobs if isinstance(jobs, list) else ():
        if isinstance(job, dict) and job.get("folder") == folder.name:
            return {key: job[key] for key in ("status", "error", "overrides") if job.get(key) is not None}
    raise InputError(f"{folder} holds no {RUN}: it is not the folder of a run")


def _configuration(folder: Path, status: str) -> dict[str, Any] | None:
    """Of a run that ended before it wrote one, None."""
    path = folder / _CONFIGURATION
    if path.exists():
        return yaml_mapping(path)
    if (folder / RUN).exists() and status not in _BEFORE_IT_BEGAN:
        raise InputError(f"the run in {folder} is {status}, but its {_CONFIGURATION} is missing")
    return None


def _choices(folder: Path, summary: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = summary.get("choices") or {}
    if not isinstance(choices, dict) or not all(
        one is None or isinstance(one, str) for one in choices.values()
    ):
        raise InputError(f"the choices of the run in {folder} are no names of options")
    return choices


def _overrides(folder: Path, summary: Mapping[str, Any]) -> tuple[str, ...]:
    words = summary.get("overrides") or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"the overrides of the run in {folder} are no list of words")
    return tuple(words)


def _style_weights(settings: Mapping[str, Any], styles: int) -> tuple[float, ...]:
    """As nst_tf.configuration.checks.style_weights reads them; equal where they make no sense."""
    given = settings.get("style_weights")
    listed = given if isinstance(given, list) else [given]
    weights = tuple(float(weight) for weight in listed if is_number(weight) and weight >= 0)
    return weights if len(weights) == len(listed) == styles and sum(weights) > 0 else (1.0,) * styles


def _metrics(path: Path) -> tuple[Mapping[str, float], ...]:
    """The rows that are whole; the last one of a run that goes on may not be."""
    try:
        lines = text_of(path).splitlines()
    except InputError:
        return ()
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append({name: value for name, value in row.items() if is_number(value)})
    return tuple(rows)


def _costs(summary: Mapping[str, Any]) -> dict[str, float]:
    seconds = summary.get("seconds")
    found = {
        "seconds": seconds.get("steps") if isinstance(seconds, dict) else None,
        "steps": summary.get("steps"),
        "peak_memory_bytes": summary.get("peak_memory_bytes"),
    }
    return {name: value for name, value in found.items() if value is not None and is_number(value)}


def is_number(value: Any) -> TypeGuard[float]:
    """Whether the value is a finite number, and not true or false."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _unique_names(folders: Sequence[Path]) -> list[str]:
    """The last part of each path, or as many as it takes to tell them apart: for all of them as many."""
    paths = [folder.resolve() for folder in folders]
    for length in range(1, max((len(path.parts) for path in paths), default=0) + 1):
        names = [Path(*path.parts[-length:]).as_posix() for path in paths]
        if len(set(names)) == len(set(paths)):
            return names
    return [path.as_posix() for path in paths]
