"""Settings by their paths: {path: value}, where a list or an empty mapping is a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

KeyPath = tuple[str, ...]


def flatten(settings: DictConfig | Mapping[str, Any]) -> dict[KeyPath, Any]:
    """{"optimizer": {"beta_1": 0.9}} -> {("optimizer", "beta_1"): 0.9}, in the order of the configuration.

    A DictConfig is resolved, with enumerations by name.
    """
    plain = settings
    if isinstance(settings, DictConfig):
        plain = OmegaConf.to_container(settings, resolve=True, enum_to_str=True)
    found: dict[KeyPath, Any] = {}

    def walk(node: Any, path: KeyPath) -> None:
        if isinstance(node, Mapping) and (node or not path):
            for key, value in node.items():
                walk(value, (*path, str(key)))
        else:
            found[path] = node

    walk(plain, ())
    return found


def nested(flat: Mapping[KeyPath, Any]) -> dict[str, Any]:
    """The mapping of mappings that flattens to these settings."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return tree
