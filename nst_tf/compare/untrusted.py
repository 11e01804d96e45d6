"""Reading files that may have been made by anybody, or be half written: bounded, and nothing is executed."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from nst_tf.config.build import with_present_names
from nst_tf.errors import InputError

# a run.json has 3 kB, a config.yaml 3 kB, and a row of the metrics of a run with 16 layers 1 kB: files of
# a hundred thousand steps pass, and no file fills the memory
_MOST_BYTES = 100_000_000
_MOST_LETTERS = 300  # of what a parser says: two lines with their places; it may quote the file
_DEEPEST = 50  # a configuration of ours nests 5 deep

_YamlLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast


def text_of(path: Path) -> str:
    """The UTF-8 text of a regular file; raises InputError in one sentence if it can't be had."""
    try:
        if not path.is_file():  # a pipe or a device would block, or never end
            raise InputError(f"{path} is not there, or no file")
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} has more than {_MOST_BYTES:,} bytes: it was not written by a run")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8: it is damaged") from None


def json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; raises InputError if there is none."""
    try:
        found = json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} can't be read: {_on_one_line(error)}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path} holds a {type(found).__name__} where an object should be")
    return found


def yaml_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises InputError if there is none.

    Only plain values: tags are refused, and so are aliases, with which a few lines can stand for
    billions of values.
    """
    text = text_of(path)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_YamlLoader):
            if isinstance(event, yaml.AliasEvent):
                raise InputError(f"{path} has YAML aliases, which no run writes")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise InputError(f"{path} is nested deeper than {_DEEPEST} levels, which no run writes")
        found = yaml.load(text, Loader=_YamlLoader)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
        raise InputError(f"{path} can't be read as YAML: {_on_one_line(error)}") from None
    except (ValueError, RecursionError) as error:  # a ValueError of an impossible date
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} can't be read: {_on_one_line(error)}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path} holds a {type(found).__name__} where a mapping should be")
    return with_present_names(found)


def inside(folder: Path, name: object, what: str) -> Path:
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


def _on_one_line(error: BaseException) -> str:
    """In the words of nst_tf.config.experiment_files and nst_tf.runs.saved_run of the same files."""
    text = " ".join(str(error).replace('in "<unicode string>", ', "in ").split()) or type(error).__name__
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS].rpartition(' ')[0]} ..."
