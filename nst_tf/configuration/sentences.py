"""One sentence for each way in which Hydra and OmegaConf refuse a command line."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable

from hydra.errors import OverrideParseException

from nst_tf.configuration.choices import EXPERIMENT, is_option, options_in_folders, options_with
from nst_tf.configuration.file_words import choices_of, for_the_shell, quoted

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
_KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def sentence(error: BaseException, words: Iterable[str], groups: Iterable[str]) -> str:
    """One sentence that names the value received and what would be right.

    ``words`` are the keys and ``groups`` the config groups that exist, for the nearest match.
    """
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
        return f"there is no config group {found['key']!r}{_nearest(found['key'], groups)}"
    if found := _NO_OPTION.search(text) or _MISSING_FILE.search(text):
        group, _, option = found["choice"].rpartition("/")
        if group in ("hydra/launcher", "hydra/sweeper") and option in _EXTRAS:
            extra = _EXTRAS[option]
            return f"{group}={option} is not installed: pip install 'nst_tf[{extra}]'"
        options = _OPTIONS.search(text)
        known = _with_ours(group, options["options"].split()) if options else []
        choose = f": choose one of {', '.join(known)}" if known else ": `nst --help` lists what exists"
        return f"unknown option {group}={option}{choose}" if group else f"unknown file {option!r}{choose}"
    if found := _NOT_IN_ENUM.search(text):
        return f"{key}={found['value']} is not one of {found['options']}"
    if found := _CONVERSION.search(text):
        return f"{key}={found['value']} is not {_KINDS.get(found['kind'], found['kind'])}"
    if found := _NOT_A_KEY.search(text):
        wrong = key or found["key"]
        group, _, rest = wrong.partition(".")
        if options := options_with(group, rest):
            return f"unknown key {wrong!r}: it goes with {' or '.join(f'{group}={one}' for one in options)}"
        return f"unknown key {wrong!r}{_nearest(wrong, groups if '/' in wrong else words)}"
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
        as_text = shlex.quote(f"{key}={quoted(','.join(choices_of(value)))}")
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


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f": did you mean {close[0]!r}?" if close else ": `nst --help` lists what exists"


def _with_ours(group: str, options: list[str]) -> list[str]:
    """Those that Hydra lists and those in folders; not what experiment files of this process were called."""
    ours = [one for one in options if group != EXPERIMENT or is_option(group, one)]
    return sorted([*ours, *options_in_folders(group)])
