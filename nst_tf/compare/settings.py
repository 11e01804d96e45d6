"""The configuration of a run as flat names and values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nst_tf.errors import InputError

_MOST_SETTINGS = 5000  # a configuration of ours has about 60


def flat_settings(configuration: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, Any]:
    """{"beta": {"a": 0.9}} and {"optimizer": "adam"} -> {"optimizer": "adam", "beta.a": 0.9}.

    Options of groups come first, under the group's own name ("objective/style" -> "gram"). Lists are
    values; values are None, bool, int, float, str, or lists and mappings of these. Raises InputError for
    more settings than any run has.
    """
    flat: dict[str, Any] = {}
    for group, option in choices.items():
        if option is not None:
            flat[str(group)] = plain(option)
    for name, value in _leaves(configuration, ""):
        flat.setdefault(name, value)
        if len(flat) > _MOST_SETTINGS:
            raise InputError(f"the configuration has more than {_MOST_SETTINGS} values, which no run has")
    return flat


def settings_of_words(words: Sequence[str]) -> dict[str, Any]:
    """What words of the command line alone tell: ["+steps=5", "~init"] -> {"steps": 5}."""
    pairs = [word.partition("=") for word in words if not word.startswith("~")]
    return {override_key(word): _value_of(text) for word, sign, text in pairs if sign}


def canonical(value: Any) -> str:
    """A text that is equal for equal values: 5 and 5.0 are, 1 and true are not."""
    return json.dumps(_with_floats(value), sort_keys=True, default=str)


def override_key(word: str) -> str:
    """The key of a word of the command line: "+optimizer.beta_1=0.8" -> "optimizer.beta_1"."""
    return word.partition("=")[0].lstrip("+~").partition("@")[0]


def shown(value: Any) -> str:
    """A value as a short label: numbers with six digits, pictures by their file's name."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one) for one in value)
    text = str(value)
    return text.rpartition("/")[2] or text


def short_name(name: str) -> str:
    """The last two parts of a setting's name: "objective.style.weight" -> "style.weight"."""
    return ".".join(name.split(".")[-2:])


def plain(value: Any) -> Any:
    """The value, with what JSON does not know (a date, say) as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return str(value)


def _value_of(text: str) -> Any:
    """A value as Hydra would read it, of those kinds that a configuration has."""
    text = text.strip()
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if text.startswith("[") and text.endswith("]"):
        return [_value_of(part) for part in text[1:-1].split(",") if part.strip()]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return {"true": True, "false": False, "null": None}.get(text.lower(), text)


def _leaves(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{name}.")
        else:
            yield name, plain(value)


def _with_floats(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return str(value)
    if isinstance(value, Mapping):
        return {str(key): _with_floats(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_floats(one) for one in value]
    return value
