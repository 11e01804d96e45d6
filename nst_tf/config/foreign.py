"""Files that may come from anybody, or be half written: read as plain values under limits, never executed."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.config.build import with_present_names
from nst_tf.errors import InputError

_MOST_BYTES = 1 << 18  # a whole configuration has 2 KB; a long list of layers or pictures a few more
_MOST_VALUES = 20_000  # a whole configuration has 150; a style of thousands of pictures, as many more
_MOST_DEPTH = 32  # the deepest of ours is 5; Python's own limit would come at some hundreds
_MOST_LETTERS = 300  # of what a parser says: two lines with their places; it may quote the file

# ${a.b[0]} refers to another value; with a colon it would call a resolver, such as ${oc.env:HOME}
_REFERENCE = re.compile(r"(?<!\\)\$\{[A-Za-z0-9_.\[\]]+\}")


def read_foreign_yaml(path: Path, references: bool = False, most_bytes: int = _MOST_BYTES) -> dict[str, Any]:
    """The mapping in the YAML file at ``path``, of plain values only, with present names of our classes.

    ``references`` allows ``${key}``, which OmegaConf resolves later; a call of a resolver, as in
    ``${oc.env:HOME}``, is refused always.

    Raises InputError for a file that can't be read, is larger than ``most_bytes`` (256 KiB), is no YAML, has
    tags (which may name code), anchors or aliases (which may expand without bound), more than 32 levels or
    20,000 keys and values, a key that is not text, or an interpolation that is not allowed.
    """
    text = read_foreign_text(path, most_bytes)
    try:
        _check_events(path, text)
        values = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except InputError:
        raise
    except yaml.YAMLError as error:
        raise InputError(f"{path} can't be read as YAML: {_on_one_line(error)}") from None
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        raise InputError(f"{path} can't be read: {_on_one_line(error)}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} is not a configuration: it holds no keys with values")
    _check_values(path, values, references)
    return with_present_names({str(key): value for key, value in values.items()})


def read_foreign_json(path: Path, most_bytes: int = _MOST_BYTES) -> dict[str, Any]:
    """The object in the JSON file at ``path``; raises InputError if there is none."""
    text = read_foreign_text(path, most_bytes)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} can't be read: {_on_one_line(error)}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} can't be read: it is not an object")
    return values


def read_foreign_text(path: Path, most_bytes: int = _MOST_BYTES) -> str:
    """The UTF-8 text of a regular file; raises InputError for a device, or more than ``most_bytes``."""
    try:
        if not path.exists():
            raise InputError(f"{path} does not exist")
        if not path.is_file():  # a pipe or a device would block, or never end
            raise InputError(f"{path} is not a regular file")
        with path.open("rb") as opened:
            content = opened.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise InputError(f"{path} has more than {most_bytes:,} bytes: that is no file of a run")
        return content.decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text") from None


def _check_events(path: Path, text: str) -> None:
    """The parser's events are a flat sequence: looking at them builds nothing."""
    depth = values = 0
    for event in yaml.parse(StringIO(text), yaml.SafeLoader):  # of a stream, errors quote no line
        where = f"{path}, line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(f"{where}: anchors and aliases are not allowed, write the value out")
        # a quoted text has the tag ! without its author having written one
        if (tag := getattr(event, "tag", None)) and tag != "!":
            raise InputError(f"{where}: the tag {tag!r} is not allowed, only plain values are")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEPTH:
            raise InputError(f"{where}: more than {_MOST_DEPTH} levels are no configuration")
        values += isinstance(event, yaml.ScalarEvent)
        if values > _MOST_VALUES:  # 256 KiB can hold 100,000, which take OmegaConf seconds
            raise InputError(f"{where}: more than {_MOST_VALUES:,} keys and values are no configuration")


def _check_values(path: Path, node: Any, references: bool) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if not isinstance(key, str):
                raise InputError(f"{path}: the key {key!r} is not text")
            _check_values(path, key, references=False)
            _check_values(path, value, references)
    elif isinstance(node, list):
        for value in node:
            _check_values(path, value, references)
    elif isinstance(node, str):
        rest = _REFERENCE.sub("", node) if references else node
        if "${" in rest:
            allowed = "only ${KEY} may stand there" if references else "a saved value needs none"
            raise InputError(f"{path}: the interpolation in {node!r} is not allowed, {allowed}")


def _on_one_line(error: BaseException) -> str:
    text = " ".join(re.sub(r'in "<[a-z ]+>", ', "in ", str(error)).split()) or type(error).__name__
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS].rpartition(' ')[0]} ..."
