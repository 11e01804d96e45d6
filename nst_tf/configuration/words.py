"""The words that exist on the command line: keys and config groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.configuration.composition_faults import sentence_for_composition
from nst_tf.configuration.places import CONFIGURATION
from nst_tf.configuration.schema import Settings
from nst_tf.configuration.sentences import sentence

# style is a word with a value of its own, which can have no others below it
_SPELLINGS = {"style.scale": "style_scale", "style.weights": "style_weights"}

_NO_PLACE = re.compile(r"invalid literal for int\(\) with base 10: '(?P<name>[^']*)'")  # of a list


def as_spelled_here(words: Sequence[str]) -> list[str]:
    """The words of the command line with ``style.scale`` for ``style_scale``, and so on."""

    def spelled(word: str) -> str:
        key, equals, value = word.partition("=")
        signs = key[: len(key) - len(key.lstrip("+"))]
        known = _SPELLINGS.get(key[len(signs) :])
        return f"{signs}{known}{equals}{value}" if known else word

    return [spelled(word) for word in words]


def sentence_for(error: BaseException) -> str:
    """One sentence for an error of Hydra or OmegaConf, with the nearest existing word."""
    return sentence(error, [*_keys_beside(error), *keys()], list(groups()))


def sentence_for_value_error(error: ValueError, arguments: Sequence[str]) -> str | None:
    """One sentence for what Hydra lets fall as a bare ValueError; None for one of another origin.

    Its messages do not say which of the ``arguments`` they mean.
    """
    if "flag can only be used" in str(error):
        return str(error)
    parts = [argument.lstrip("+~").partition("=") for argument in arguments]
    if "Config group override" in str(error):
        if "" in [key for key, _, _ in parts]:
            return "an argument is not of the form KEY=VALUE: it has no key"
        known = set(groups())
        for key, _, value in parts:
            if key in known and (not value[:1].isalpha() or value == "null"):
                return f"{key}={value} is not the name of an option of {key}: `nst --help` lists what exists"
        return "a group takes the name of an option: `nst --help` lists what exists"
    if "integer string conversion" in str(error):  # Python's own limit, of Hydra's reading of a number
        return "a number has more digits than can be read: give fewer than 4300"
    if found := _NO_PLACE.search(str(error)):
        for key, _, value in parts:
            if found["name"] in key.split("."):
                return f"{key}={value} is not possible: {found['name']!r} is no place in a list"
    return None


def sentence_for_bare_error(error: Exception, arguments: Sequence[str]) -> str | None:
    """One sentence for an error of Python's own that ``arguments`` made Hydra raise; None for others."""
    told = sentence_for_value_error(error, arguments) if isinstance(error, ValueError) else None
    return told or sentence_for_composition(error, arguments, set(groups()))


def _keys_beside(error: BaseException) -> list[str]:
    """The keys, with dots, that the chosen options have where OmegaConf looked for one that is not there."""
    for one in (error, error.__cause__):
        parent = getattr(one, "parent_node", None)
        if isinstance(one, OmegaConfBaseException) and isinstance(parent, DictConfig):
            prefix = parent._get_full_key(None)
            return [f"{prefix}.{key}" for key in parent] if prefix else []
    return []


def keys() -> Iterator[str]:
    """Every key of the schema, with dots."""

    def walk(node: DictConfig, prefix: str) -> Iterator[str]:
        for key in node:
            yield f"{prefix}{key}"
            child = node._get_node(key)
            if isinstance(child, DictConfig) and not child._is_missing():
                yield from walk(child, f"{prefix}{key}.")

    return walk(OmegaConf.structured(Settings), "")


def groups() -> Iterator[str]:
    """Every config group, with slashes."""
    return (
        folder.relative_to(CONFIGURATION).as_posix() for folder in CONFIGURATION.rglob("*") if folder.is_dir()
    )
