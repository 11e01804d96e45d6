"""YAML that may come from anybody: read as plain values under limits, and never more than read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.errors import InputError

_MOST_BYTES = 1 << 18  # a whole configuration has 2 KB; a long list of layers or pictures a few more
_MOST_DEPTH = 32  # the deepest of ours is 5; Python's own limit would come at some hundreds

# ${a.b[0]} refers to another value; with a colon it would call a resolver, such as ${oc.env:HOME}
_REFERENCE = re.compile(r"(?<!\\)\$\{[A-Za-z0-9_.\[\]]+\}")


def read_foreign_yaml(path: Path, references: bool = False) -> dict[str, Any]:
    """The mapping in the YAML file at ``path``, of plain values only.

    ``references`` allows ``${key}``, which OmegaConf resolves later; a call of a resolver, as in
    ``${oc.env:HOME}``, is refused always.

    Raises InputError for a file that can't be read, is larger than 256 KiB, is no YAML, has tags (which may
    name code), anchors or aliases (which may expand without bound), more than 32 levels, a key that is not
    text, or an interpolation that is not allowed.
    """
    text = read_foreign_text(path)
    try:
        _check_events(path, text)
        values = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except InputError:
        raise
    except yaml.YAMLError as error:
        raise InputError(f"{path} can't be read as YAML: {' '.join(str(error).split())}") from None
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        raise InputError(f"{path} can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} is not a configuration: it holds no keys with values")
    _check_values(path, values, references)
    return {str(key): value for key, value in values.items()}


def read_foreign_text(path: Path) -> str:
    """The UTF-8 text of a file of at most 256 KiB; raises InputError for a device or anything else."""
    if not path.exists():
        raise InputError(f"{path} does not exist")
    if not path.is_file():
        raise InputError(f"{path} is not a regular file")
    try:
        with path.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise InputError(f"{path} has more than {_MOST_BYTES:,} bytes: that is no file of a run")
        return content.decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text") from None


def _check_events(path: Path, text: str) -> None:
    """The parser's events are a flat sequence: looking at them builds nothing."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        where = f"{path}, line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(f"{where}: anchors and aliases are not allowed, write the value out")
        # a quoted text has the tag ! without its author having written one
        if (tag := getattr(event, "tag", None)) and tag != "!":
            raise InputError(f"{where}: the tag {tag!r} is not allowed, only plain values are")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MOST_DEPTH:
            raise InputError(f"{where}: more than {_MOST_DEPTH} levels are no configuration")


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
