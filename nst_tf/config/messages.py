"""One sentence for each way in which Hydra and OmegaConf refuse a command line, with what would be right."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Sequence
from traceback import walk_tb

from hydra.errors import OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from nst_tf.config.overrides import for_the_shell, names_between_commas, quoted
from nst_tf.config.schema import (
    CONF_FOLDER,
    EXPERIMENT,
    config_groups,
    config_keys,
    is_option,
    keys_of_options,
)

_NOT_A_KEY = re.compile(r"Key '(?P<key>[^']*)' (?:is not in struct|not in '[^']*')")
_FULL_KEY = re.compile(r"full_key: (?P<key>\S+)")
_OVERRIDE = re.compile(r"Could not override '(?P<key>[^']+)'")
_NO_OPTION = re.compile(r"Could not find '(?P<choice>[^']+)'")
_OPTIONS = re.compile(r"Available options in '[^']*':\n(?P<options>(?:\t.*\n?)*)")
_CONVERSION = re.compile(
    r"Value '(?P<value>.*)' of type '\w+' could not be converted to (?P<kind>\w+)", re.DOTALL
)
_NOT_IN_ENUM = re.compile(
    r"Invalid value '(?P<value>.*)', expected one of \[(?P<options>[^\]]*)\]", re.DOTALL
)
_NOT_A_GROUP = re.compile(r"Error merging override (?P<override>\S+).*Invalid type assigned", re.DOTALL)
_NO_INTERPOLATION = re.compile(r"Interpolation key '(?P<key>[^']+)' not found")
_MISSING_FILE = re.compile(r"In '[^']+': Could not (?:find|load) '(?P<choice>[^']+)'")
_NOT_BOOLEAN = re.compile(r"Value '(?P<value>.*)' is not a valid bool", re.DOTALL)
_NOT_OPTIONAL = re.compile(r"field '(?P<key>[^']*)' is not Optional")
_NOT_DELETABLE = re.compile(r"Error merging override ~(?P<key>\S+).*does not support deletion", re.DOTALL)
_AMBIGUOUS = re.compile(r"Ambiguous value for argument '(?P<key>[^=]*)=(?P<value>.*)'\n")
_CHOSEN_TWICE = re.compile(r"Multiple values for (?P<group>\S+)\. .*'override \S+: (?P<option>[^']+)'")
_LIST_AND_MAPPING = re.compile(r"Error merging override (?P<override>\S+).*with (List|Dict)Config", re.DOTALL)
_UNRESOLVED = re.compile(r"raised while resolving interpolation: (?P<reason>.*)")
_EXTRAS = {  # of pyproject.toml, by the options of Hydra that they bring
    "joblib": "joblib",
    "submitit_local": "submitit",
    "submitit_slurm": "submitit",
    "ray": "ray",
    "optuna": "optuna",
}
# difflib's measure of likeness, 0 to 1: one slip among five letters leaves 0.8; "lr" is 0.57 of "color"
_ALIKE = 0.7
_MOST_MEANT = 3
_KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def sentence_for(error: BaseException) -> str:
    """One sentence for an error of Hydra or OmegaConf: the value received and what would be right."""
    text = f"{error}\n{error.__cause__ or ''}"
    if isinstance(error, OverrideParseException):
        if "=" not in error.override:
            return (
                f"the argument {error.override!r} is not of the form KEY=VALUE: pictures are named as"
                " content=FILE style=FILE, without spaces around the ="
            )
        right = for_the_shell(error.override) or "'KEY=\"VALUE\"'"
        return (
            f"the argument {error.override!r} is not of the form KEY=VALUE: a value with signs such as"
            f" ( ) {{ }} = ~ stands in quotes of its own, {right}"
        )
    full = _FULL_KEY.search(text)
    key = full["key"] if full else None
    if "No match in the defaults list" in text and (found := _OVERRIDE.search(text)):
        return unknown_group(found["key"])
    if found := _NO_OPTION.search(text) or _MISSING_FILE.search(text):
        group, _, option = found["choice"].rpartition("/")
        if group in ("hydra/launcher", "hydra/sweeper") and option in _EXTRAS:
            extra = _EXTRAS[option]
            return f"{group}={option} is not installed: pip install 'nst_tf[{extra}]'"
        options = _OPTIONS.search(text)
        known = _options(group, options["options"].split()) if options else []
        choose = f": choose one of {', '.join(known)}" if known else ": `nst --help` lists what exists"
        return f"unknown option {group}={option}{choose}" if group else f"unknown file {option!r}{choose}"
    if found := _NOT_IN_ENUM.search(text):
        return f"{key}={found['value']} is not one of {found['options']}"
    if found := _CONVERSION.search(text):
        return f"{key}={found['value']} is not {_KINDS.get(found['kind'], found['kind'])}"
    if found := _NOT_A_KEY.search(text):
        wrong = key or found["key"]
        group, _, rest = wrong.partition(".")
        if options := _options_with(group, rest):
            return f"unknown key {wrong!r}: it goes with {' or '.join(f'{group}={one}' for one in options)}"
        known = (
            config_groups() if "/" in wrong else (*_keys_beside(error), *config_keys(), *keys_of_options())
        )
        return f"unknown key {wrong!r}{_nearest(wrong, known)}"
    if found := _NOT_A_GROUP.search(text):
        override, name = found["override"], found["override"].partition("=")[0]
        return f"{override} is not possible, {name} has keys of its own: set one of them, {name}.KEY=VALUE"
    if found := _NOT_BOOLEAN.search(text):
        return f"{key}={found['value']} is not {_KINDS['Boolean']}"
    if found := _NOT_OPTIONAL.search(text):
        return f"{key or found['key']}=null is not possible: it needs a value"
    if found := _NOT_DELETABLE.search(text):
        return f"~{found['key']} is not possible: {found['key']} needs a value"
    if found := _AMBIGUOUS.search(text):
        key, value = found["key"], found["value"]
        as_list = "" if key == "content" else f" a list is {shlex.quote(f'{key}=[{value}]')},"
        as_text = shlex.quote(f"{key}={quoted(','.join(names_between_commas(value)))}")
        return f"{key}={value} is ambiguous:{as_list} one text is {as_text}, and put -m first for a sweep"
    if found := _CHOSEN_TWICE.search(text):
        group, option = found["group"], found["option"]
        return f"+{group}={option} adds a second option: say {group}={option} to choose another"
    if found := _LIST_AND_MAPPING.search(text):
        return f"{found['override']} can't take the place of a list by a mapping, or of a mapping by a list"
    if found := _UNRESOLVED.search(text):
        return f"the value of {key} can't be found: {found['reason']}"
    if found := _NO_INTERPOLATION.search(text):
        return f"the configuration refers to {found['key']!r}, which does not exist"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = " ".join(line for line in lines if not line.startswith(("See https", "object_type=")))
    return shown or type(error).__name__


def unknown_group(name: str) -> str:
    """The sentence for a name that is no config group."""
    return f"there is no config group {name!r}{_nearest(name, config_groups())}"


def _nearest(word: str, known: Iterable[str]) -> str:
    """The keys with the same last part, else the one that is most like it, else none: no guess is wild."""
    keys = list(dict.fromkeys(known))
    last = _last_part(word)
    meant = [key for key in keys if _last_part(key) == last]
    if len(meant) > 1:
        meant = difflib.get_close_matches(word, meant, n=_MOST_MEANT, cutoff=0.0)
    if not meant:
        meant = difflib.get_close_matches(word, keys, n=1, cutoff=_ALIKE)
    if not meant:
        by_last_part = {_last_part(key): key for key in reversed(keys)}
        close = difflib.get_close_matches(last, by_last_part, n=1, cutoff=_ALIKE)
        meant = [by_last_part[one] for one in close]
    if not meant:
        return ": `nst --help` lists what exists"
    *others, final = map(repr, meant)
    return f": did you mean {', '.join(others)}{' or ' if others else ''}{final}?"


def _last_part(key: str) -> str:
    return re.split(r"[./]", key)[-1]


def _options(group: str, listed: list[str]) -> list[str]:
    """Those that Hydra lists; of experiments also those in folders, but not files of this process."""
    if group != EXPERIMENT:
        return sorted(listed)
    top = CONF_FOLDER / group
    in_folders = (path.relative_to(top).with_suffix("").as_posix() for path in top.glob("*/**/*.yaml"))
    return sorted([*(one for one in listed if is_option(group, one)), *in_folders])


def _options_with(group: str, key: str) -> list[str]:
    """The options of a group whose files have the key at their top."""
    if group not in config_groups() or not key.isidentifier():
        return []
    files = sorted((CONF_FOLDER / group).glob("*.yaml"))
    return [file.stem for file in files if re.search(rf"^{key}:", file.read_text(encoding="utf-8"), re.M)]


def _keys_beside(error: BaseException) -> list[str]:
    """The keys, with dots, that the chosen options have where OmegaConf looked for one that is not there."""
    for one in (error, error.__cause__):
        parent = getattr(one, "parent_node", None)
        if isinstance(one, OmegaConfBaseException) and isinstance(parent, DictConfig):
            prefix = parent._get_full_key(None)
            return [f"{prefix}.{key}" for key in parent] if prefix else []
    return []


# ---- Bare errors of Python that Hydra lets fall ----

_NO_PLACE = re.compile(r"invalid literal for int\(\) with base 10: '(?P<name>[^']*)'")  # of a list
_COMPOSING = "hydra._internal.config_loader_impl"  # where every composition begins: of a run, a sweep, a call

# one option of a group, or a list of them: what Hydra takes for values of other types, it adds to texts
_OPTION = r"\s*(?!(?:null|true|false)\b)[A-Za-z_][^\[\]{}$,]*"
_OPTION_NAMES = re.compile(rf"\[?{_OPTION}(,{_OPTION})*\]?", re.IGNORECASE)


def sentence_for_bare_error(error: Exception, overrides: Sequence[str]) -> str | None:
    """One sentence for an error of Python's own that ``overrides`` made Hydra raise; None for others."""
    said = _sentence_for_value_error(error, overrides) if isinstance(error, ValueError) else None
    return said or _sentence_for_composition(error, overrides)


def _sentence_for_value_error(error: ValueError, overrides: Sequence[str]) -> str | None:
    """Hydra's messages do not say which of the ``overrides`` they mean."""
    if "flag can only be used" in str(error):
        return str(error)
    parts = [override.lstrip("+~").partition("=") for override in overrides]
    if "Config group override" in str(error):
        if "" in [key for key, _, _ in parts]:
            return "an argument is not of the form KEY=VALUE: it has no key"
        known = config_groups()
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


def _sentence_for_composition(error: Exception, overrides: Sequence[str]) -> str | None:
    """For what Hydra did not foresee: an option that is a number, an interpolation that is no text ...

    None for an error (TypeError, AssertionError ...) that was not raised below the composition, or that
    passed through code of this package there.
    """
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    if _COMPOSING not in modules:
        return None
    below = modules[modules.index(_COMPOSING) :]
    if any(module.partition(".")[0] == "nst_tf" for module in below):
        return None
    known = config_groups()
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in known and not _OPTION_NAMES.fullmatch(value):
            return f"{key}={value} is not the name of an option of {key}: `nst --help` lists what exists"
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"the words {' '.join(overrides)} can't be made into a configuration ({reason})"
