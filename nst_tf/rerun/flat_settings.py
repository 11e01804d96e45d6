"""A saved run as what was chosen and what differs from it: options of groups, and settings by their paths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from nst_tf.api import composed
from nst_tf.config.flat import KeyPath, flatten
from nst_tf.config.schema import FILE_KEYS
from nst_tf.config.validate import GROUPS_WITH_ONE_OPTION
from nst_tf.errors import InputError

FILE_PATHS: tuple[KeyPath, ...] = tuple(tuple(key.split(".")) for key in FILE_KEYS)
"""The settings that name files."""

_MOST_COMPOSITIONS = 64  # of some KB each: those of one sweep, mostly


def same_value(first: Any, second: Any) -> bool:
    """Whether two values are equal, in type too: 1 is not 1.0, which optimizers tell apart."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def differing(wanted: Mapping[KeyPath, Any], given: Mapping[KeyPath, Any]) -> dict[KeyPath, Any]:
    """The settings of ``wanted`` that ``given`` does not have, or has with another value."""
    return {
        path: value
        for path, value in wanted.items()
        if path not in given or not same_value(value, given[path])
    }


def refuse_removed_keys(folder: Path, wanted: Mapping[KeyPath, Any], base: Mapping[KeyPath, Any]) -> None:
    """Raise InputError if the run lacks a key that its options have: an experiment file can only add."""
    above = {path[:length] for path in wanted for length in range(1, len(path) + 1)}
    for path in base:
        is_replaced = any(path[:length] in wanted for length in range(1, len(path)))
        if path not in above and not is_replaced and path[0] != "layers":
            raise InputError(
                f"the configuration of {folder} can't be said in an experiment file: {'.'.join(path)} was"
                " taken away from the option that has it"
            )


@lru_cache(_MOST_COMPOSITIONS)
def composition(overrides: tuple[str, ...]) -> tuple[DictConfig, dict[str, str], dict[KeyPath, Any]]:
    """What ``composed`` gives, and the flat settings; remembered, and none of it is to be changed.

    For overrides that name no file, whose content may change.
    """
    settings, choices = composed(overrides)
    return settings, choices, flatten(settings)


def as_in_conf(group: str) -> tuple[int, str]:
    """To sort groups as conf/config.yaml has them."""
    top, known = group.partition("/")[0], GROUPS_WITH_ONE_OPTION
    return known.index(top) if top in known else len(known), group


def group_overrides(choices: Mapping[str, str]) -> tuple[str, ...]:
    """The fewest GROUP=OPTION that choose these options: those that are chosen anyway are left out."""
    overrides: tuple[str, ...] = ()
    for depth in range(1 + max((group.count("/") for group in choices), default=0)):
        present = composition(overrides)[1]
        overrides += tuple(
            f"{group}={choices[group]}"
            for group in sorted(choices, key=as_in_conf)
            if group.count("/") == depth and present.get(group) != choices[group]
        )
    return overrides


def with_given_layers(choices: Mapping[str, str], wanted: DictConfig) -> dict[str, str]:
    """The choices, with ``layers=given`` where a mapping of layers must replace another value.

    YAML would merge the mapping with that, and the order counts: losses are summed in it. The values of
    ``given`` are null.
    """
    base = composition(group_overrides(choices))[0]
    for term in ("content", "style"):
        mine, theirs = (settings.layers[term] for settings in (wanted, base))
        if OmegaConf.is_dict(mine) and (not OmegaConf.is_dict(theirs) or list(mine) != list(theirs)):
            return {**choices, "layers": "given"}
    return dict(choices)
