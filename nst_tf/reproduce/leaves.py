"""A configuration as its leaves: {path: value}, where a list or an empty mapping is a leaf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

KeyPath = tuple[str, ...]


def leaves(settings: DictConfig | Mapping[str, Any]) -> dict[KeyPath, Any]:
    """The leaves of a configuration, resolved, with enumerations by name; in its order."""
    plain = settings
    if isinstance(settings, DictConfig):
        plain = OmegaConf.to_container(settings, resolve=True, enum_to_str=True)
    found: dict[KeyPath, Any] = {}

    def walk(node: Any, path: KeyPath) -> None:
        if isinstance(node, Mapping) and node:
            for key, value in node.items():
                walk(value, (*path, str(key)))
        else:
            found[path] = node

    walk(plain, ())
    return found


def nested(flat: Mapping[KeyPath, Any]) -> dict[str, Any]:
    """The mapping of mappings that has these leaves."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return tree


def same(first: Any, second: Any) -> bool:
    """Whether two leaves are equal, in type too: 1 is not 1.0, which optimizers tell apart."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def differing(wanted: Mapping[KeyPath, Any], given: Mapping[KeyPath, Any]) -> dict[KeyPath, Any]:
    """The leaves of ``wanted`` that ``given`` does not have, or has with another value."""
    return {
        path: value for path, value in wanted.items() if path not in given or not same(value, given[path])
    }


def taken_away(wanted: Mapping[KeyPath, Any], given: Mapping[KeyPath, Any]) -> list[str]:
    """The leaves of ``given``, with dots, that ``wanted`` has not and that no leaf of it replaces."""
    above = {path[:length] for path in wanted for length in range(1, len(path) + 1)}
    replaced = set(wanted)
    return [
        ".".join(path)
        for path in given
        if path not in above and not any(path[:length] in replaced for length in range(1, len(path)))
    ]
