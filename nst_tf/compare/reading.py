"""Reading runs back from their folders; what is in them may be damaged, half written or hostile."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeGuard

from nst_tf.compare.untrusted import inside, json_object, text_of, yaml_mapping
from nst_tf.config.schema import picture_path
from nst_tf.errors import InputError
from nst_tf.files import natural_order, sha256_of_file
from nst_tf.images.opening import MOST_PIXELS
from nst_tf.machine import Process

# ----------------------------------------------------------------------------
# The configuration of a run as flat names and values.

_MOST_SETTINGS = 5000  # a configuration of ours has about 60


def flat_settings(configuration: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, Any]:
    """{"beta": {"a": 0.9}} and {"optimizer": "adam"} -> {"optimizer": "adam", "beta.a": 0.9}.

    Options of groups come first, under the group's own name ("objective/style" -> "gram"). Lists are
    values; values are None, bool, int, float, str, or lists and mappings of these. Raises InputError for
    more settings than any run has.
    """
    flat: dict[str, Any] = {}
    for group, option in choices.items():
        if option is not None:
            flat[str(group)] = plain(option)
    for name, value in _leaves(configuration, ""):
        flat.setdefault(name, value)
        if len(flat) > _MOST_SETTINGS:
            raise InputError(f"the configuration has more than {_MOST_SETTINGS} values, which no run has")
    return flat


def settings_of_words(words: Sequence[str]) -> dict[str, Any]:
    """What words of the command line alone tell: ["+steps=5", "~init"] -> {"steps": 5}."""
    pairs = [word.partition("=") for word in words if not word.startswith("~")]
    return {override_key(word): _value_of(text) for word, sign, text in pairs if sign}


def canonical(value: Any) -> str:
    """A text that is equal for equal values: 5 and 5.0 are, 1 and true are not."""
    return json.dumps(_with_floats(value), sort_keys=True, default=str)


def override_key(word: str) -> str:
    """The key of a word of the command line: "+optimizer.beta_1=0.8" -> "optimizer.beta_1"."""
    return word.partition("=")[0].lstrip("+~").partition("@")[0]


def shown(value: Any) -> str:
    """A value as a short label: numbers with six digits, pictures by their file's name."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one) for one in value)
    text = str(value)
    return text.rpartition("/")[2] or text


def short_name(name: str) -> str:
    """The last two parts of a setting's name: "objective.style.weight" -> "style.weight"."""
    return ".".join(name.split(".")[-2:])


def plain(value: Any) -> Any:
    """The value, with what JSON does not know (a date, say) as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return str(value)


def _value_of(text: str) -> Any:
    """A value as Hydra would read it, of those kinds that a configuration has."""
    text = text.strip()
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if text.startswith("[") and text.endswith("]"):
        return [_value_of(part) for part in text[1:-1].split(",") if part.strip()]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return {"true": True, "false": False, "null": None}.get(text.lower(), text)


def _leaves(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{name}.")
        else:
            yield name, plain(value)


def _with_floats(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return str(value)
    if isinstance(value, Mapping):
        return {str(key): _with_floats(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_floats(one) for one in value]
    return value


# ----------------------------------------------------------------------------
# What a comparison knows of one run.


@dataclass(frozen=True)
class ComparedRun:
    """One run as it was read from its folder; nothing in it is trusted.

    ``settings`` is the resolved configuration, flat: "optimizer.learning_rate" -> 0.02; a config group
    chosen by name stands under the group's own name: "optimizer" -> "adam". ``picture`` is None where the
    run has none (yet). ``metrics`` are the rows of ``metrics.jsonl``; ``yardstick`` maps names of
    measures to numbers, empty where there is no picture.
    """

    folder: Path
    name: str
    """Short and unique among the runs that are compared, such as "3" or "11-02-33-a1b2"."""
    status: str
    summary: Mapping[str, Any]
    settings: Mapping[str, Any]
    overrides: tuple[str, ...]
    picture: Path | None
    content: Path | None
    styles: tuple[Path, ...]
    metrics: tuple[Mapping[str, float], ...] = ()
    yardstick: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    style_weights: tuple[float, ...] = ()
    """One for each of ``styles``; empty where a style is missing, for half a mixture is another style."""
    missing_inputs: tuple[str, ...] = ()
    """Pictures that the run was made from and that are not what they were, or gone; left out above."""


# ----------------------------------------------------------------------------
# Runs that call themselves running, but whose process was killed before it could say more.

_NOTES = ".jobs"  # as nst_tf.sweep.state has it


def is_broken_off(folder: Path, summary: Mapping[str, Any]) -> bool:
    """Whether the process of the run in ``folder`` is known to be gone.

    It is named by the run's ``run.json``, else by the note of its job in the folder of its sweep. Only a
    process of this host can be known to be gone; without a host, or on another one, it may go on.
    """
    process = Process.of(summary.get("process")) or Process.of(_note(folder).get("process"))
    return process is not None and process.is_of_this_host and not process.is_alive


def _note(folder: Path) -> Mapping[str, Any]:
    try:
        note = json_object(folder.parent / _NOTES / f"{folder.name}.json")
    except InputError:
        return {}
    return note if note.get("folder") == folder.name else {}


# ----------------------------------------------------------------------------
# The pictures that a run was made from, if they are still what they were.

_MOST_BYTES = MOST_PIXELS * 8  # as in nst_tf.images.opening: no picture that we read is larger


def found_inputs(
    folder: Path, summary: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Path | None, list[Path | None], list[str]]:
    """The content picture, the style pictures, and the names of those that are gone or have changed.

    A picture is looked for as the copy in the run's folder, then as the named file, seen from where the
    run was started, then among the bundled samples; it counts only if its SHA-256 is the recorded one.
    Raises InputError for a copy that is said to be outside of the run's folder.
    """
    inputs = _mapping(summary.get("inputs"))
    started_in = summary.get("working_folder")
    start = Path(started_in) if isinstance(started_in, str) and "\0" not in started_in else Path.cwd()
    styles = inputs.get("styles")
    records = [_mapping(one) for one in styles] if isinstance(styles, list) else []
    named = settings.get("style")
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    content_record = _mapping(inputs.get("content"))
    content = _found(folder, start, content_record, settings.get("content"))
    found: list[Path | None] = [
        _found(folder, start, record, names[place] if place < len(names) else None)
        for place, record in enumerate(records)
    ]
    missing = [
        str(record.get("file"))
        for record, path in zip([content_record, *records], [content, *found], strict=True)
        if path is None and record
    ]
    return content, found, missing


def named_inputs(
    summary: Mapping[str, Any], content: Path | None, styles: Sequence[Path]
) -> tuple[list[tuple[Path, str]], list[tuple[Path, str]]]:
    """Content and styles that were found, each with the name that its file had when the run was made."""
    inputs = _mapping(summary.get("inputs"))
    records = inputs.get("styles")
    of_styles = [_mapping(one) for one in records] if isinstance(records, list) else []
    if len(of_styles) != len(styles):  # some were not found
        of_styles = [{}] * len(styles)
    return (
        [(content, _name(content, _mapping(inputs.get("content"))))] if content else [],
        [(path, _name(path, record)) for path, record in zip(styles, of_styles, strict=True)],
    )


def _name(path: Path, record: Mapping[str, Any]) -> str:
    name = record.get("file")
    return Path(name).name if isinstance(name, str) and name else path.name


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, computed once as long as neither its size nor its time changes."""
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1024)
def _sha256(path: Path, size: int, time: int) -> str:
    return sha256_of_file(path)


def _found(folder: Path, start: Path, record: Mapping[str, Any], setting: Any) -> Path | None:
    candidates: list[Path] = []
    if record.get("copy") is not None:
        candidates.append(inside(folder, record["copy"], "the copy of a picture"))
    for name in (setting, record.get("file")):
        if isinstance(name, str) and name and "\0" not in name:
            try:
                candidates += [start / Path(name).expanduser(), picture_path(name)]
            except (OSError, RuntimeError, ValueError):  # an unknown user's home, a name too long
                continue
    return next((path for path in candidates if _is_recorded(path, record.get("sha256"))), None)


def _is_recorded(path: Path, sha256: Any) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= _MOST_BYTES and file_sha256(path) == sha256
    except (OSError, ValueError):
        return False


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# ----------------------------------------------------------------------------
# Finding the folders of runs.

RUN, SWEEP = "run.json", "sweep.json"


def find_runs(paths: Sequence[str | Path]) -> list[Path]:
    """The folders of all runs in ``paths``: run folders, sweep folders, or any folder above them.

    Each run once, in natural order (0, 1, 2, ..., 10) within a path, and in the order of the paths. A job
    that ``sweep.json`` names counts as a run even where it failed before it wrote anything but its folder.
    Links to folders are not followed below a path. Raises InputError for a path without any run.
    """
    if not paths:
        raise InputError("there is nothing to compare: give the folder of a run or of a sweep")
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        here = sorted(_runs_below(_folder(path)), key=_by_numbers)
        if not here:
            raise InputError(f"there is no run in {path}: give the folder of a run, or one above it")
        for folder in here:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _folder(path: Path) -> Path:
    path = path.expanduser()
    if path.is_dir():
        return path
    if path.is_file() and (path.parent / RUN).is_file():  # a picture of a run, or its run.json
        return path.parent
    raise InputError(f"there is no folder {path}: give the folder of a run or of a sweep")


def _runs_below(top: Path) -> Iterator[Path]:
    for name, folders, files in os.walk(top):  # follows no links
        folder = Path(name)
        if RUN in files:
            folders.clear()
            yield folder
            continue
        jobs = set(_jobs_without_summary(folder)) if SWEEP in files else set()
        yield from jobs
        folders[:] = [one for one in folders if not one.startswith(".") and folder / one not in jobs]


def jobs_not_begun(paths: Sequence[str | Path]) -> tuple[int, int]:
    """How many jobs of the sweeps in ``paths`` have not begun, of how many that their ``sweep.json`` name."""
    begun: dict[Path, bool] = {}
    for path in paths:
        for name, folders, files in os.walk(_folder(Path(path))):
            if RUN in files:
                folders.clear()
            elif SWEEP in files:
                begun |= {folder.resolve(): has_begun for folder, has_begun in _jobs(Path(name))}
    return sum(not has_begun for has_begun in begun.values()), len(begun)


def _jobs_without_summary(sweep: Path) -> Iterator[Path]:
    for folder, has_begun in _jobs(sweep):
        if has_begun and not (folder / RUN).exists():
            yield folder


def _jobs(sweep: Path) -> Iterator[tuple[Path, bool]]:
    """The folders of the jobs that ``sweep.json`` names, and whether they have begun."""
    try:
        jobs = json_object(sweep / SWEEP).get("jobs")
    except InputError:
        return  # what the jobs wrote is found all the same
    for job in jobs if isinstance(jobs, list) else ():
        if not isinstance(job, dict):
            continue
        try:
            folder = inside(sweep, job.get("folder"), "the folder of a job")
        except InputError:
            continue
        if folder != sweep:
            yield folder, (folder / RUN).exists() or (job.get("status") != "pending" and folder.is_dir())


def _by_numbers(path: Path) -> list[list[tuple[int, str]]]:
    return [natural_order(name) for name in path.parts]


# ----------------------------------------------------------------------------
# Reading runs back from their folders; what is in them may be damaged, half written or hostile.

UNREADABLE = "unreadable"
COSTS = ("seconds", "steps", "peak_memory_bytes")
"""What a run cost: seconds of its steps (without imports and weights), evaluations, memory."""

# as in nst_tf.runs.folder, which loads TensorFlow
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
    """As nst_tf.config.validate.style_weights reads them; equal where they make no sense."""
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
