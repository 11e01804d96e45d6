"""experiment=FILE: a file that lies anywhere, read under limits and checked before Hydra sees it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from nst_tf.config.build import check_targets
from nst_tf.config.foreign import read_foreign_yaml
from nst_tf.config.pictures import check_no_address, note_name
from nst_tf.config.schema import EXPERIMENT, Settings, is_option, user_path
from nst_tf.config.words import groups
from nst_tf.errors import InputError

# ----------------------------------------------------------------------------
# ``experiment=FILE``: an experiment file that lies anywhere, checked before Hydra sees it.

SUFFIXES = (".yaml", ".yml")

_HYDRA, _DEFAULTS = "hydra", "defaults"
# resume goes on with some other run; a logger may send pictures to a server of the file's author
_NOT_OF_AN_EXPERIMENT = ("resume", "logger")
_MODES = ("RUN", "MULTIRUN")
_OVERRIDE = re.compile(r"override /(?P<group>[a-z_/]+)")
_SWEPT_KEY = re.compile(r"\+{0,2}[A-Za-z_][A-Za-z0-9_]*([./][A-Za-z0-9_]+)*")
_SWEPT_OPTIONS = re.compile(r"[A-Za-z0-9_,/()*\[\] ]*")  # no dots, which would lead out of our files
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_FILE_KEYS = (
    *(("content",), ("style",), ("init", "path"), ("model", "weights"), ("record", "profile")),
    *(("guidance", "content"), ("guidance", "styles")),
)


def with_experiment_files(words: Sequence[str]) -> list[str]:
    """The words, with each file in ``experiment=FILE[,FILE]`` made known to Hydra and named as its option.

    A file is what ends in .yaml or .yml. Paths of pictures and weights in it that are relative start from
    its own folder, if there is such a file there.

    Raises InputError for a file that is missing or holds what an experiment may not say: see ``registered``.
    """
    return [_translated(word) for word in words]


def registered(path: Path) -> str:
    """Make the experiment file known as an option of the group ``experiment``; returns the option's name.

    It may set the keys of a run, choose options of our groups with ``override /GROUP: OPTION``, and say
    ``hydra.mode`` and ``hydra.sweeper.params``: everything else of Hydra can run code or write anywhere.

    Raises InputError for anything else, and as ``read_foreign_yaml`` and ``check_targets`` do.
    """
    values = read_foreign_yaml(path, references=True)
    for key in values:
        if key not in (*_known_keys(), _HYDRA, _DEFAULTS):
            raise InputError(f"{path}: an experiment file has no key {key!r}")
    _check_defaults(path, values.get(_DEFAULTS, []))
    _check_hydra(path, values.get(_HYDRA, {}))
    check_targets(values)
    for keys in _FILE_KEYS:
        _take_from_beside(values, keys, path)
    name = _option_name(path, values)
    ConfigStore.instance().store(
        group=EXPERIMENT, name=name, node=values, package="_global_", provider=f"nst_tf: {path}"
    )
    return name


def _translated(word: str) -> str:
    key, equals, value = word.partition("=")
    if not equals or key.lstrip("+") != EXPERIMENT or not value.endswith(SUFFIXES):
        return word
    items = [value] if user_path(value).is_file() else value.split(",")
    return f"{key}={','.join(_option(item) for item in items)}"


def _option(item: str) -> str:
    if not item.endswith(SUFFIXES):
        return item
    check_no_address(item, EXPERIMENT)
    path = user_path(item)
    if not path.is_file():
        raise InputError(
            f"there is no experiment file {item}: give its path, or the name of one of ours without a suffix"
        )
    return registered(path)


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
    refusal = (
        f"{path}: of Hydra's own settings an experiment file may say mode and sweeper.params alone;"
        " give others on the command line"
    )
    if not isinstance(hydra, dict) or hydra.keys() - {"mode", "sweeper"}:
        raise InputError(refusal)
    sweeper = hydra.get("sweeper", {})
    if not isinstance(sweeper, dict) or sweeper.keys() - {"params"}:
        raise InputError(refusal)
    params = sweeper.get("params", {})
    if not isinstance(params, dict):
        raise InputError(refusal)
    if hydra.get("mode", "RUN") not in _MODES:
        raise InputError(f"{path}: hydra.mode must be RUN or MULTIRUN, but is {hydra['mode']!r}")
    for key, value in params.items():
        _check_swept(path, key, value)


def _check_swept(path: Path, key: str, value: Any) -> None:
    first = re.split(r"[./]", key.lstrip("+"))[0]
    if not _SWEPT_KEY.fullmatch(key) or first not in _known_keys():
        raise InputError(f"{path}: {key!r} can't be swept from an experiment file: it is no key of a run")
    if not isinstance(value, (str, int, float, bool)):
        raise InputError(f"{path}: the values of {key} to sweep must stand in one text, but are {value!r}")
    if key.lstrip("+") in set(groups()) and not _SWEPT_OPTIONS.fullmatch(str(value)):
        raise InputError(f"{path}: {value!r} are not names of options of {key}")


def _known_keys() -> set[str]:
    return {str(key) for key in OmegaConf.structured(Settings).keys()} - set(_NOT_OF_AN_EXPERIMENT)  # noqa: SIM118


def _take_from_beside(values: dict[str, Any], keys: tuple[str, ...], experiment: Path) -> None:
    *above, last = keys
    node: Any = values
    for key in above:
        node = node.get(key) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        return
    given = node[last]
    if isinstance(given, list):
        node[last] = [_beside(name, experiment) for name in given]
    else:
        node[last] = _beside(given, experiment)


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
