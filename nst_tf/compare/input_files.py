"""The pictures that a run was made from, if they are still what they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from nst_tf.compare.untrusted import inside
from nst_tf.configuration.places import picture_path
from nst_tf.files import sha256_of_file
from nst_tf.images.opening import MOST_PIXELS

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
