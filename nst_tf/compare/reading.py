"""Runs read back from their folders; what is in them may be damaged, half written or hostile."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from PIL import Image

from nst_tf.config.foreign import read_foreign_json, read_foreign_text, read_foreign_yaml
from nst_tf.config.overrides import override_key
from nst_tf.config.schema import flatten, picture_path
from nst_tf.errors import InputError, is_number, printable
from nst_tf.files import natural_order, sha256_of_file
from nst_tf.images.opening import MOST_PIXELS
from nst_tf.images.read import Picture, read_picture
from nst_tf.machine import Process
from nst_tf.runs.folder import CONFIG_YAML, JOBS, METRICS, RUN_JSON, STATUSES, SWEEP, jobs_of, read_object

UNREADABLE = "unreadable"

_BEFORE_IT_BEGAN = ("failed", "interrupted")
"""Statuses of a run that may have come to its end before it wrote its configuration."""

# a run.json has 3 kB, a config.yaml 3 kB, and a row of the metrics of a run with 16 layers 1 kB: files of
# a hundred thousand steps pass, and no file fills the memory
_MOST_BYTES = 100_000_000
_LONGEST_OVERRIDE = 10_000  # letters: a few paths
_MOST_SETTINGS = 5000  # a configuration of ours has about 60
_LARGEST_PICTURE = MOST_PIXELS * 8  # bytes: no picture that we read is larger


@dataclass(frozen=True)
class ComparedRun:
    """One run as it was read from its folder; nothing in it is trusted.

    ``settings`` is the resolved configuration, flat: "optimizer.learning_rate" -> 0.02; a config group
    chosen by name stands under the group's own name: "optimizer" -> "adam". ``picture`` is None where the
    run has none (yet). ``metrics`` are the rows of ``metrics.jsonl``; ``yardstick`` maps names of
    measures and costs to numbers, empty where there is no picture.
    """

    folder: Path
    name: str
    """Short and unique among the runs that are compared, such as "3" or "11-02-33-a1b2"."""
    status: str
    summary: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    picture: Path | None = None
    content: Path | None = None
    styles: tuple[Path, ...] = ()
    metrics: tuple[Mapping[str, float], ...] = ()
    yardstick: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    style_weights: tuple[float, ...] = ()
    """One for each of ``styles``; empty where a style is missing, for half a mixture is another style."""
    missing_inputs: tuple[str, ...] = ()
    """Pictures that the run was made from and that are not what they were, or gone; left out above."""
    of: tuple[ComparedRun, ...] = ()
    """The runs that this is the average of (``averages.py``); empty for a run itself."""
    spread: Mapping[str, float] = field(default_factory=dict)
    """Sample standard deviations of an average's numbers, by name; empty for a run, and of one run."""


# ---- finding the folders of runs ----


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
        here = runs_below(_folder(path))
        if not here:
            raise InputError(f"there is no run in {path}: give the folder of a run, or one above it")
        for folder in here:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def jobs_not_begun(paths: Sequence[str | Path]) -> tuple[int, int]:
    """How many jobs of the sweeps in ``paths`` have not begun, of how many that their ``sweep.json`` name."""
    begun: dict[Path, bool] = {}
    for path in paths:
        for name, folders, files in os.walk(_folder(Path(path))):
            if RUN_JSON in files:
                folders.clear()
            elif SWEEP in files:
                begun |= {folder.resolve(): has_begun for folder, has_begun in _job_folders(Path(name))}
    return sum(not has_begun for has_begun in begun.values()), len(begun)


def _folder(path: Path) -> Path:
    path = path.expanduser()
    if path.is_dir():
        return path
    if path.is_file() and (path.parent / RUN_JSON).is_file():  # a picture of a run, or its run.json
        return path.parent
    raise InputError(f"there is no folder {path}: give the folder of a run or of a sweep")


def runs_below(top: Path) -> list[Path]:
    """The folders of the runs in ``top``, which may be one itself, in natural order."""
    return sorted(_runs_below(top), key=lambda path: [natural_order(name) for name in path.parts])


def _runs_below(top: Path) -> Iterator[Path]:
    for name, folders, files in os.walk(top):  # follows no links
        folder = Path(name)
        if RUN_JSON in files:
            folders.clear()
            yield folder
            continue
        jobs = set()
        if SWEEP in files:
            jobs = {job for job, begun in _job_folders(folder) if begun and not (job / RUN_JSON).exists()}
        yield from jobs
        folders[:] = [one for one in folders if not one.startswith(".") and folder / one not in jobs]


def _job_folders(sweep: Path) -> Iterator[tuple[Path, bool]]:
    """The folders of the jobs that ``sweep.json`` names, and whether they have begun."""
    for job in jobs_of(sweep):
        try:
            folder = _inside(sweep, job["folder"], "the folder of a job")
        except InputError:
            continue
        if folder != sweep:
            yield folder, (folder / RUN_JSON).exists() or (job.get("status") != "pending" and folder.is_dir())


# ---- reading a run ----


def read_runs(folders: Sequence[Path]) -> list[ComparedRun]:
    """Every folder's run, with a name that no other of them has."""
    runs = [read_run(folder) for folder in folders]
    of_folders = _unique_names(folders)
    said = [_said_name(run) for run in runs]
    taken = Counter([*said, *of_folders])
    names = [
        folder if own is None else own if taken[own] == 1 else f"{own} ({folder})"
        for own, folder in zip(said, of_folders, strict=True)
    ]
    if len(set(names)) < len(names):  # somebody called a run what others are called here
        names = of_folders
    return [replace(run, name=name) for run, name in zip(runs, names, strict=True)]


_MOST_LETTERS = 80  # of a name, as the command line takes it; a folder may come from anybody


def _said_name(run: ComparedRun) -> str | None:
    """What ``name=`` calls the run, if it does."""
    name = run.settings.get("name")
    return printable(" ".join(name.split()))[:_MOST_LETTERS] or None if isinstance(name, str) else None


def read_run(folder: Path) -> ComparedRun:
    """The run in a folder; never raises for what is in it.

    A run whose files are damaged or lead out of its folder has the status "unreadable" and says in
    ``error`` why. Where a job of a sweep left no ``run.json``, the sweep's ``sweep.json`` tells its status.
    One that calls itself running, but whose process is known to be gone, is "interrupted".
    """
    try:
        return _read(folder)
    except InputError as error:
        return ComparedRun(folder, folder.resolve().name, UNREADABLE, error=" ".join(str(error).split()))


def _read(folder: Path) -> ComparedRun:
    if (folder / RUN_JSON).exists():
        summary = read_foreign_json(folder / RUN_JSON, _MOST_BYTES)
    else:
        summary = _summary_by_sweep(folder)
    status, error = summary.get("status"), summary.get("error")
    if status not in STATUSES:
        raise InputError(f"the status of the run in {folder} is {status!r}, not one of {', '.join(STATUSES)}")
    if status == "running" and _is_broken_off(folder, summary):
        status, error = "interrupted", "its process is gone"
    overrides = summary.get("overrides") or []
    if not isinstance(overrides, list) or not all(isinstance(word, str) for word in overrides):
        raise InputError(f"the overrides of the run in {folder} are no list of words")
    choices = summary.get("choices") or {}
    if not isinstance(choices, dict) or not all(isinstance(one, str | None) for one in choices.values()):
        raise InputError(f"the choices of the run in {folder} are no names of options")
    if (folder / CONFIG_YAML).exists():
        settings = read_foreign_yaml(folder / CONFIG_YAML, most_bytes=_MOST_BYTES)
    elif (folder / RUN_JSON).exists() and status not in _BEFORE_IT_BEGAN:
        raise InputError(f"the run in {folder} is {status}, but its {CONFIG_YAML} is missing")
    else:
        settings = _settings_of(overrides)
    picture = None
    if summary.get("picture") is not None:
        picture = _inside(folder, summary["picture"], "the picture")
    content, found_styles, missing = _found_inputs(folder, summary, settings)
    styles = tuple(path for path in found_styles if path is not None)
    if picture is not None and not picture.is_file():
        error = error or f"its picture {picture.name} is gone"
        picture = None
    return ComparedRun(
        folder=folder,
        name=folder.resolve().name,
        status=status,
        summary=summary,
        settings=_flat(settings, choices),
        overrides=tuple(overrides),
        picture=picture,
        content=content,
        styles=styles,
        metrics=_metrics(folder / METRICS),
        yardstick=costs_of(summary) if picture else {},
        error=" ".join(str(error).split()) if error else None,
        style_weights=_style_weights(settings, len(styles)) if len(styles) == len(found_styles) else (),
        missing_inputs=tuple(missing),
    )


def _summary_by_sweep(folder: Path) -> dict[str, Any]:
    for job in jobs_of(folder.parent):
        if job["folder"] == folder.name:
            return {key: job[key] for key in ("status", "error", "overrides") if job.get(key) is not None}
    raise InputError(f"{folder} holds no {RUN_JSON}: it is not the folder of a run")


def _is_broken_off(folder: Path, summary: Mapping[str, Any]) -> bool:
    """Whether the process of the run is known to be gone.

    It is named by ``run.json``, else by the note of the job in the folder of its sweep. Only a process of
    this host can be known to be gone; without a host, or on another one, it may go on.
    """
    process = Process.of(summary.get("process"))
    if process is None:
        note = read_object(folder.parent / JOBS / f"{folder.name}.json") or {}
        process = Process.of(note.get("process")) if note.get("folder") == folder.name else None
    return process is not None and process.is_of_this_host and not process.is_alive


def _style_weights(settings: Mapping[str, Any], styles: int) -> tuple[float, ...]:
    """Those of the configuration, which nobody has checked here; equal where they make no sense."""
    given = settings.get("style_weights")
    listed = given if isinstance(given, list) else [given]
    weights = tuple(float(weight) for weight in listed if is_number(weight) and weight >= 0)
    return weights if len(weights) == len(listed) == styles and sum(weights) > 0 else (1.0,) * styles


def _metrics(path: Path) -> tuple[Mapping[str, float], ...]:
    """The rows that are whole; the last one of a run that goes on may not be."""
    try:
        lines = read_foreign_text(path, _MOST_BYTES).splitlines()
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


def costs_of(summary: Mapping[str, Any]) -> dict[str, float]:
    """What the run cost: seconds of its steps (without imports and weights), evaluations, memory."""
    costs = {
        "seconds": _mapping(summary.get("seconds")).get("steps"),
        "steps": summary.get("steps"),
        "peak_memory_bytes": summary.get("peak_memory_bytes"),
    }
    return {name: value for name, value in costs.items() if is_number(value)}


def _unique_names(folders: Sequence[Path]) -> list[str]:
    """The last part of each path, or as many as it takes to tell them apart: for all of them as many."""
    paths = [folder.resolve() for folder in folders]
    for length in range(1, max((len(path.parts) for path in paths), default=0) + 1):
        names = [Path(*path.parts[-length:]).as_posix() for path in paths]
        if len(set(names)) == len(set(paths)):
            return names
    return [path.as_posix() for path in paths]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# ---- the pictures that a run was made from, if they are still what they were ----


def input_records(summary: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """What ``run.json`` tells of the content picture, and of each style picture: file, sha256, copy."""
    inputs = _mapping(summary.get("inputs"))
    styles = inputs.get("styles")
    return _mapping(inputs.get("content")), list(map(_mapping, styles if isinstance(styles, list) else ()))


def named_inputs(
    summary: Mapping[str, Any], content: Path | None, styles: Sequence[Path]
) -> tuple[list[tuple[Path, str]], list[tuple[Path, str]]]:
    """Content and styles that were found, each with the name that its file had when the run was made."""

    def named(path: Path, record: Mapping[str, Any]) -> tuple[Path, str]:
        name = record.get("file")
        return path, Path(name).name if isinstance(name, str) and name else path.name

    of_content, of_styles = input_records(summary)
    if len(of_styles) != len(styles):  # some were not found
        of_styles = [{}] * len(styles)
    return [named(content, of_content)] if content else [], list(map(named, styles, of_styles))


def _found_inputs(
    folder: Path, summary: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Path | None, list[Path | None], list[str]]:
    """The content picture, the style pictures, and the names of those that are gone or have changed.

    A picture is looked for as the copy in the run's folder, then as the named file, seen from where the
    run was started, then among the bundled samples; it counts only if its SHA-256 is the recorded one.
    Raises InputError for a copy that is said to be outside of the run's folder.
    """
    started_in = summary.get("working_folder")
    start = Path(started_in) if isinstance(started_in, str) and "\0" not in started_in else Path.cwd()
    of_content, of_styles = input_records(summary)
    style = settings.get("style")
    names = [settings.get("content"), *(style if isinstance(style, list) else [style])]
    records = [of_content, *of_styles]
    names += [None] * (len(records) - len(names))
    content, *styles = [
        _found(folder, start, record, name) for record, name in zip(records, names, strict=False)
    ]
    missing = [
        str(record.get("file"))
        for record, path in zip(records, [content, *styles], strict=True)
        if path is None and record
    ]
    return content, styles, missing


def _found(folder: Path, start: Path, record: Mapping[str, Any], setting: Any) -> Path | None:
    candidates: list[Path] = []
    if record.get("copy") is not None:
        candidates.append(_inside(folder, record["copy"], "the copy of a picture"))
    for name in (setting, record.get("file")):
        if isinstance(name, str) and name and "\0" not in name:
            try:
                candidates += [start / Path(name).expanduser(), picture_path(name)]
            except (OSError, RuntimeError, ValueError):  # an unknown user's home, a name too long
                continue
    return next((path for path in candidates if _is_recorded(path, record.get("sha256"))), None)


def _is_recorded(path: Path, sha256: Any) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= _LARGEST_PICTURE and file_sha256(path) == sha256
    except (OSError, ValueError):
        return False


def _inside(folder: Path, name: object, what: str) -> Path:
    """The path of ``name`` in ``folder``; raises InputError if it is no plain relative path within it.

    Absolute paths, ``..`` and symbolic links that lead out of the folder are refused. The file need not
    exist.
    """
    if not isinstance(name, str) or not name or "\0" in name or not _is_encodable(name):
        raise InputError(f"{what} of the run in {folder} is {name!r}, where a file name should be")
    for kind in (PurePosixPath(name), PureWindowsPath(name)):
        if kind.is_absolute() or kind.drive or ".." in kind.parts:
            raise InputError(f"{what} of the run in {folder} is {name!r}, which lies outside of it")
    path = folder / name
    try:
        path.exists()
        leads_out = not path.resolve().is_relative_to(folder.resolve())
    except RuntimeError:  # links in a circle
        leads_out = True
    except OSError as error:  # too long, or a circle again
        raise InputError(f"{what} of the run in {folder} is {name!r}, no file ({error.strerror})") from None
    if leads_out:
        raise InputError(f"{what} of the run in {folder} is {name!r}, a link that leads out of it")
    return path


def _is_encodable(name: str) -> bool:
    """JSON can say half a surrogate pair, which no file is named."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, computed once as long as neither its size nor its time changes."""
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1024)
def _sha256(path: Path, size: int, time: int) -> str:
    return sha256_of_file(path)


def readable_picture(path: Path | None) -> Picture | None:
    """The picture in a file; None without a file, or if it can't be read."""
    try:
        return read_picture(path) if path else None
    except InputError:
        return None


def readable_image(path: Path) -> Image.Image | None:
    """The same, with 8 bits a channel, as Pillow takes it."""
    picture = readable_picture(path)
    return None if picture is None else Image.fromarray(np.rint(picture.pixels * 255).astype(np.uint8))


# ---- settings as flat names and values ----


def _flat(configuration: Mapping[str, Any], choices: Mapping[str, str | None]) -> dict[str, Any]:
    """{"beta": {"a": 0.9}} and {"optimizer": "adam"} -> {"optimizer": "adam", "beta.a": 0.9}.

    Options of groups come first, under the group's own name ("objective/style" -> "gram"). Lists are values.
    Raises InputError for more settings than any run has.
    """
    flat: dict[str, Any] = {group: option for group, option in choices.items() if option is not None}
    for path, value in flatten(configuration).items():
        flat.setdefault(".".join(path), value)
    if len(flat) > _MOST_SETTINGS:
        raise InputError(f"the configuration has more than {_MOST_SETTINGS} values, which no run has")
    return flat


def _settings_of(overrides: Sequence[str]) -> dict[str, Any]:
    """What the overrides alone tell, where Hydra can read them: ["+steps=5", "~init"] -> {"steps": 5}."""
    found: dict[str, Any] = {}
    for word in overrides:
        if len(word) > _LONGEST_OVERRIDE:
            continue
        with suppress(HydraException, RecursionError):
            override = OverridesParser.create().parse_override(word)
            if not override.is_delete() and not override.is_sweep_override():
                found[override_key(word)] = override.value()
    return found


def canonical(value: Any) -> str:
    """A text that is equal for equal values: 5 and 5.0 are, 1 and true are not."""

    def as_float(digits: str) -> float | str:
        return float(digits) if len(digits) < sys.float_info.max_10_exp else digits

    return json.dumps(json.loads(json.dumps(value), parse_int=as_float), sort_keys=True)


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


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Settings and the last two parts of their names, or more where two would be called alike.

    "objective.style.weight" -> "style.weight".
    """

    def ending(name: str, parts: int) -> str:
        return ".".join(name.split(".")[-parts:])

    found = {}
    for name in names:
        parts = 2
        while parts < name.count(".") + 1 and any(
            other != name and ending(other, parts) == ending(name, parts) for other in names
        ):
            parts += 1
        found[name] = ending(name, parts)
    return found
