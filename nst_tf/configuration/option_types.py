"""Types of the values inside of config groups: those that the option's own file has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.places import CONFIGURATION
from nst_tf.errors import InputError

GROUPS_WITH_ONE_OPTION = (
    *("model", "objective", "balance", "layers", "optimizer", "init", "pyramid", "color"),
    *("guidance", "blending", "video"),
)
# hydra is not ours, experiments lay values anywhere, and the schema types the others
_NOT_TYPED_BY_FILE = ("hydra", "experiment", "layers", "model", "logger")


def check_option_types(settings: DictConfig, choices: Mapping[str, str]) -> None:
    """Raise InputError where a value has another type than in the file of the chosen option.

    A number may stand for any number, but not for a word; what is null in the file may be anything.
    """
    for group in GROUPS_WITH_ONE_OPTION:
        if group not in choices:  # Hydra takes a list of options as well, and notes no choice then
            raise InputError(f"{group} must have one option, not a list of them: say {group}=OPTION")
    for group, option in choices.items():
        if option is None or group.partition("/")[0] in _NOT_TYPED_BY_FILE:
            continue
        file = CONFIGURATION / group / f"{option}.yaml"
        if file.is_file():
            _compare(group.replace("/", "."), _values_of(str(file)), _node(settings, group))
    # several at once: Hydra notes no choice then, but each stands under its own name
    loggers = _node(settings, "logger")
    for name in loggers:
        file = CONFIGURATION / "logger" / f"{name}.yaml"
        if file.is_file():
            _compare("logger", _values_of(str(file)), loggers)


@cache
def _values_of(file: str) -> dict[str, Any]:
    values = OmegaConf.to_container(OmegaConf.load(file))
    if not isinstance(values, dict):
        return {}
    return {str(key): value for key, value in values.items() if key != "defaults"}


def _node(settings: DictConfig, group: str) -> Any:
    key = group.replace("/", ".")
    node = OmegaConf.select(settings, key)
    if not isinstance(node, DictConfig):
        raise InputError(f"{key}={node} is not possible: choose an option with {group}=OPTION")
    return OmegaConf.to_container(node, resolve=True)


def _compare(key: str, expected: Any, received: Any) -> None:
    if isinstance(expected, dict):
        if not isinstance(received, dict):
            return  # layers: a mapping, a list and a name are all right there, and are checked by name
        for name, value in expected.items():
            if name in received:
                _compare(f"{key}.{name}", value, received[name])
        return
    if isinstance(received, float) and not math.isfinite(received):
        raise InputError(f"{key} must be a finite number, but is {received}")
    if expected is None or isinstance(expected, list) or key.endswith(".layers"):
        return
    if isinstance(expected, bool) or isinstance(received, bool):
        if isinstance(expected, bool) != isinstance(received, bool):
            raise InputError(f"{key} must be {_kind(expected)}, but is {received!r}")
    elif isinstance(expected, int) and isinstance(received, float):
        raise InputError(f"{key} must be a whole number, but is {received!r}")
    elif (
        isinstance(expected, (int, float)) and received is not None and not isinstance(received, (int, float))
    ):
        raise InputError(f"{key} must be {_kind(expected)}, but is {received!r}")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a whole number" if isinstance(value, int) else "a number"
