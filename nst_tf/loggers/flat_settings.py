"""A configuration as a table of names and values, which is what loggers can store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

FlatSettings = Mapping[str, bool | int | float | str]
""""optimizer.learning_rate" -> 0.02; None is "null", a list its JSON text; "optimizer" -> "adam"."""

# they change nothing in the picture
_NOT_OF_THE_RUN = ("hydra", "logger", "resume", "record", "profile", "sweep")


def flat_settings(settings: Mapping[str, Any], choices: Mapping[str, str | None]) -> FlatSettings:
    """The resolved configuration without its mappings, and the option chosen of each config group."""
    chosen = {group.replace("/", "."): option for group, option in choices.items() if option is not None}
    return chosen | dict(_leaves(settings, ""))


def overridden(settings: FlatSettings, overrides: Iterable[str]) -> FlatSettings:
    """Of the settings, those that the words ``overrides`` ask for and that matter for the picture.

    A value that is a mapping stays as it was typed; what was taken away (``~key``) has none.
    """
    asked: dict[str, bool | int | float | str] = {}
    for word in overrides:
        key, _, value = word.lstrip("+").partition("=")
        key = key.partition("@")[0].replace("/", ".")
        if not key.startswith("~") and key.partition(".")[0] not in _NOT_OF_THE_RUN:
            asked[key] = settings.get(key, value)
    return asked


def _leaves(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, bool | int | float | str]]:
    for key, value in node.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        elif value is None:
            yield name, "null"
        elif isinstance(value, (bool, int, float, str)):
            yield name, value
        else:
            yield name, json.dumps(value)
