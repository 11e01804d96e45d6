"""experiment=FILE: a file that lies anywhere, read under limits and checked before Hydra sees it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf

from nst_tf.config.build import class_defaults
from nst_tf.config.foreign import read_foreign_text, read_foreign_yaml
from nst_tf.config.overrides import explicit_keys
from nst_tf.config.pictures import check_no_address, note_name
from nst_tf.config.schema import (
    EXPERIMENT,
    FILE_KEYS,
    Settings,
    config_groups,
    is_option,
    option_values,
    user_path,
)
from nst_tf.errors import InputError

# ---- ``experiment=FILE`` ----

SUFFIXES = (".yaml", ".yml")

# resume goes on with some other run; a logger may send pictures to a server of the file's author
_NOT_OF_AN_EXPERIMENT = ("resume", "logger")
_OVERRIDE = re.compile(r"override /(?P<group>[a-z_/]+)")
_SWEPT_KEY = re.compile(r"\+{0,2}[A-Za-z_][A-Za-z0-9_]*([./][A-Za-z0-9_]+)*")
_SWEPT_OPTIONS = re.compile(r"[A-Za-z0-9_,/()*\[\] ]*")  # no dots, which would lead out of our files
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]")


def with_experiment_files(overrides: Sequence[str]) -> list[str]:
    """The overrides, with each file in ``experiment=FILE[,FILE]`` as an option that Hydra knows.

    A file is what ends in .yaml or .yml. Paths of pictures and weights in it that are relative start from
    its own folder, if there is such a file there.

    Raises InputError for a file that is missing or holds what an experiment may not say: see ``_register``.
    """

    def option(item: str) -> str:
        if not item.endswith(SUFFIXES):
            return item
        check_no_address(item, EXPERIMENT)
        path = user_path(item)
        if not path.is_file():
            raise InputError(
                f"there is no experiment file {item}: give its path, or the name of one of ours without a"
                " suffix"
            )
        return _register(path, chosen)

    chosen = explicit_keys(overrides) & (config_groups() - {EXPERIMENT})
    found = []
    for override in overrides:
        key, equals, value = override.partition("=")
        if equals and key.lstrip("+") == EXPERIMENT and value.endswith(SUFFIXES):
            items = [value] if user_path(value).is_file() else value.split(",")
            override = f"{key}={','.join(option(item) for item in items)}"
        found.append(override)
    return found


def _register(path: Path, chosen: Collection[str]) -> str:
    """Make the experiment file known as an option of the group ``experiment``; returns the option's name.

    ``chosen`` are the groups of which the command line chooses another option.

    It may set the keys of a run, choose options of our groups with ``override /GROUP: OPTION``, and say
    ``hydra.mode`` and ``hydra.sweeper.params``: everything else of Hydra can run code or write anywhere.
    What its values may be is checked with those of the whole run (``nst_tf.config.validate``).

    Raises InputError for anything else, and as ``read_foreign_yaml`` does.
    """
    values = read_foreign_yaml(path, references=True)
    for key in values:
        if key not in (*_known_keys(), "hydra", "defaults"):
            raise InputError(f"{path}: an experiment file has no key {key!r}")
    _check_defaults(path, values.get("defaults", []))
    _check_hydra(path, values.get("hydra", {}))
    if _COMPLETE.search(read_foreign_text(path)):
        values = _without_groups(values, chosen)
        _add_later_keys(values)
    for key in FILE_KEYS:
        _take_from_beside(values, key, path)
    name = _option_name(path, values)
    ConfigStore.instance().store(
        group=EXPERIMENT, name=name, node=values, package="_global_", provider=f"nst_tf: {path}"
    )
    return name


# ---- Files that state every value, as ``nst-rerun --export`` writes them ----

_COMPLETE = re.compile(r"^# written by nst_tf \S+, with every value", re.MULTILINE)


def written_by(version: str) -> str:
    """The line of a comment that says so; in such a file a key that is not there was not known then."""
    return f"written by nst_tf {version}, with every value, so that it means the same when defaults change"


def _without_groups(values: dict[str, Any], chosen: Collection[str]) -> dict[str, Any]:
    """Without what the file says of these groups, in the place of which the command line has other options.

    Groups that the file sweeps over stay: it has what all their options have in common.
    """
    swept = values.get("hydra", {}).get("sweeper", {}).get("params", {})
    replaced = [group for group in chosen if group not in swept]

    def is_replaced(path: str) -> bool:
        return any(path == group or path.startswith(f"{group}/") for group in replaced)

    def kept(node: Any, above: str) -> Any:
        if not isinstance(node, dict):
            return node
        return {
            key: kept(one, f"{above}{key}/") for key, one in node.items() if not is_replaced(f"{above}{key}")
        }

    defaults = [
        entry
        for entry in values.get("defaults", [])
        if entry == "_self_" or not is_replaced(next(iter(entry)).removeprefix("override /"))
    ]
    return kept(values, "") | {"defaults": defaults}


def _add_later_keys(values: dict[str, Any]) -> None:
    """Give the keys that the file does not know the values that they had before there was such a key.

    These are the defaults of the schema and of classes; conf/ may say something else to new runs.
    """
    schema: Any = OmegaConf.to_container(OmegaConf.structured(Settings), enum_to_str=True)
    for key in schema.keys() - config_groups() - set(_NOT_OF_AN_EXPERIMENT):
        if isinstance(schema[key], dict) and isinstance(stated := values.get(key, {}), dict):
            values[key] = {inner: one for inner, one in schema[key].items() if one != MISSING} | stated
        elif schema[key] != MISSING:
            values.setdefault(key, schema[key])
    for entry in values["defaults"]:
        if not isinstance(entry, dict):
            continue
        ((said, option),) = entry.items()
        group = said.removeprefix("override /")
        if isinstance(option, str):
            _add_defaults_of_classes(_node_at(values, group.split("/")), option_values(group, option))


def _node_at(values: Mapping[str, Any], path: Sequence[str]) -> Any:
    node: Any = values
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _add_defaults_of_classes(node: Any, option: Mapping[str, Any]) -> None:
    if not isinstance(node, dict):
        return
    target = node.get("_target_")
    for key, value in option.items():
        if key in node:
            if isinstance(value, dict):
                _add_defaults_of_classes(node[key], value)
        elif isinstance(target, str) and key in (defaults := class_defaults(target)):
            node[key] = defaults[key]


# ---- What an experiment file may say ----


def _check_defaults(path: Path, defaults: Any) -> None:
    if not isinstance(defaults, list):
        raise InputError(f"{path}: defaults must be a list, but is {defaults!r}")
    for entry in defaults:
        if entry == "_self_":
            continue
        said = next(iter(entry.items())) if isinstance(entry, dict) and len(entry) == 1 else (None, None)
        match = _OVERRIDE.fullmatch(said[0]) if isinstance(said[0], str) else None
        options = said[1] if isinstance(said[1], list) else [said[1]]
        if not match or match["group"] in (EXPERIMENT, *_NOT_OF_AN_EXPERIMENT):
            raise InputError(f"{path}: defaults may only say 'override /GROUP: OPTION', but say {entry!r}")
        for option in options:
            if not is_option(match["group"], option):
                raise InputError(f"{path}: {option!r} is not an option of {match['group']}")


def _check_hydra(path: Path, hydra: Any) -> None:
    if not (
        isinstance(hydra, dict)
        and hydra.keys() <= {"mode", "sweeper"}
        and isinstance(sweeper := hydra.get("sweeper", {}), dict)
        and sweeper.keys() <= {"params"}
        and isinstance(params := sweeper.get("params", {}), dict)
    ):
        raise InputError(
            f"{path}: of Hydra's own settings an experiment file may say mode and sweeper.params alone;"
            " give others on the command line"
        )
    if hydra.get("mode", "RUN") not in ("RUN", "MULTIRUN"):
        raise InputError(f"{path}: hydra.mode must be RUN or MULTIRUN, but is {hydra['mode']!r}")
    for key, value in params.items():
        _check_swept(path, key, value)


def _check_swept(path: Path, key: str, value: Any) -> None:
    first = re.split(r"[./]", key.lstrip("+"))[0]
    if not _SWEPT_KEY.fullmatch(key) or first not in _known_keys():
        raise InputError(f"{path}: {key!r} can't be swept from an experiment file: it is no key of a run")
    if not isinstance(value, (str, int, float, bool)):
        raise InputError(f"{path}: the values of {key} to sweep must stand in one text, but are {value!r}")
    if key.lstrip("+") in config_groups() and not _SWEPT_OPTIONS.fullmatch(str(value)):
        raise InputError(f"{path}: {value!r} are not names of options of {key}")


def _known_keys() -> set[str]:
    return {field.name for field in fields(Settings)} - set(_NOT_OF_AN_EXPERIMENT)


def _take_from_beside(values: dict[str, Any], key: str, experiment: Path) -> None:
    """Give the files that lie beside the experiment file their absolute paths."""
    *above, last = key.split(".")
    node = _node_at(values, above)
    if isinstance(node, dict) and last in node:
        given = node[last]
        is_list = isinstance(given, list)
        node[last] = [_beside(one, experiment) for one in given] if is_list else _beside(given, experiment)


def _beside(name: Any, experiment: Path) -> Any:
    if not isinstance(name, str) or not name or "\0" in name:
        return name
    path = experiment.parent / name
    if not user_path(name).is_absolute() and path.exists():  # a file, or a folder of styles
        return os.path.abspath(path)  # noqa: PTH100  (keeps links as they are named)
    note_name(name, experiment)
    return name


def _option_name(path: Path, values: dict[str, Any]) -> str:
    name = _NOT_A_NAME.sub("_", path.stem)
    if not name[:1].isalpha() or name.lower() in ("null", "true", "false", "yes", "no", "inf", "nan"):
        name = f"file_{name}"  # Hydra would take it for a value
    taken = ConfigStore.instance().repo.get(EXPERIMENT, {}).get(f"{name}.yaml")
    different = taken is not None and OmegaConf.to_container(taken.node) != values
    if is_option(EXPERIMENT, name) or different:
        digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
        name = f"{name}_{digest[:8]}"  # as many digits as tell apart the files of one command
    return name
