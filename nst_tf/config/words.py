"""The words on the command line: file names among them, and one sentence for each that is wrong."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from traceback import walk_tb
from typing import NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.config.pictures import check_no_address, is_address, several_pictures, stands_for_several
from nst_tf.config.schema import (
    CONFIGURATION,
    EXPERIMENT,
    Settings,
    is_option,
    is_there,
    options_in_folders,
    options_with,
    picture_path,
    user_path,
)

# ----------------------------------------------------------------------------
# What a person typed, as against what a file says that may come from another machine.

Typed = Collection[str] | None
"""The keys that were typed; None where all count as typed."""


def typed_keys(words: Iterable[str], swept_by_file: Iterable[str] = ()) -> frozenset[str]:
    """The keys of words KEY=VALUE; without those whose values an experiment file sweeps over."""
    keys = {word.lstrip("+~").partition("=")[0] for word in words}
    return frozenset(keys - {str(key) for key in swept_by_file})


def is_typed(key: str, typed: Typed) -> bool:
    """Whether what is impossible here is to be refused, and not replaced by what is possible."""
    return typed is None or key in typed


# ----------------------------------------------------------------------------
# The values of a word of the command line, where names of files stand among them: one, a list, a sweep.

_QUOTED = re.compile(r"""\s*(?P<sign>['"])(?:\\.|(?!(?P=sign)).)*(?P=sign)\s*""", re.DOTALL)
_ANOTHER_ADDRESS = re.compile(r",(?=\s*[A-Za-z][A-Za-z0-9+.-]+://)")
_OPENING, _CLOSING = "([{", ")]}"
_LONGEST_NAME = 4096  # bytes of a path: limits.h of Linux


class Piece(NamedTuple):
    """Part of a value: a sign, [ ] or a comma, or what stands between them.

    ``name`` is the text without blanks around it and without quotes; ``depth`` is how many lists it is in.
    """

    text: str
    name: str = ""
    is_sign: bool = False
    is_quoted: bool = False
    is_file: bool = False
    depth: int = 0


def pieces_of(value: str) -> list[Piece] | None:
    """The value in its pieces; their texts in a row are the value. None if it is not built like that.

    What stands between commas and brackets is a file if there is one of this name, even with signs in it.
    """
    found: list[Piece] = []
    at, depth = 0, 0
    while True:
        piece = _piece_at(value, at, depth)
        found.append(piece)
        at += len(piece.text)
        if piece.is_sign:  # a list begins, and its first piece is still to come
            depth += 1
            continue
        while depth and value.startswith("]", at):
            found.append(Piece("]", is_sign=True, depth=depth))
            at, depth = at + 1, depth - 1
        if at == len(value):
            return found if depth == 0 else None
        if value[at] != ",":
            return None
        found.append(Piece(",", is_sign=True, depth=depth))
        at += 1


def _piece_at(value: str, at: int, depth: int) -> Piece:
    if (quoted := _QUOTED.match(value, at)) and quoted.end() in _ends(value, at, depth):
        text = quoted.group()
        return Piece(text, text.strip()[1:-1], is_quoted=True, depth=depth)
    if is_address(value[at:].lstrip()):
        return _plain(value[at : _end_of_address(value, at, depth)], depth)
    for end in _ends(value, at, depth):
        name = value[at:end].strip()
        if name and is_there(picture_path(name)):
            return Piece(value[at:end], name, is_file=True, depth=depth)
    if value.startswith("[", at):
        return Piece("[", is_sign=True, depth=depth)
    return _plain(value[at : _end_outside_of_brackets(value, at, depth)], depth)


def _plain(text: str, depth: int) -> Piece:
    return Piece(text, text.strip(), depth=depth)


def _ends(value: str, at: int, depth: int) -> Iterator[int]:
    """Every place where the piece may end, the nearest first."""
    for place in range(at, min(len(value), at + _LONGEST_NAME)):
        closes = depth and value[place] == "]" and value[place + 1 : place + 2] in ("", ",", "]")
        if value[place] == "," or closes:
            yield place
    if depth == 0:
        yield len(value)


def _end_outside_of_brackets(value: str, at: int, depth: int) -> int:
    inside = 0
    for place in range(at, len(value)):
        if inside == 0 and (value[place] == "," or (depth and value[place] == "]")):
            return place
        inside += (value[place] in _OPENING) - (value[place] in _CLOSING and inside > 0)
    return len(value)


def _end_of_address(value: str, at: int, depth: int) -> int:
    """An address may hold any sign: alone it goes on to the end of the word, or to another address."""
    if depth:
        return _end_outside_of_brackets(value, at, depth)
    another = _ANOTHER_ADDRESS.search(value, at)
    return another.start() if another else len(value)


# ----------------------------------------------------------------------------
# Names of files on the command line, as the shell gives them.

_FILE_KEYS = (
    *("content", "style", "model.weights", "init.path", "record.profile", "resume"),
    *("guidance.content", "guidance.styles"),
)
_FOLDER_KEYS = ("hydra.run.dir", "hydra.sweep.dir")  # of what need not be there yet
_STYLE = "style"
NO_FILES = ("", "null", "auto", "random", "srgb", "content")
"""Words of ``model.weights``, ``record.profile`` and others, whatever files may be called."""
_WORDS_OF_HYDRA = ("null", "true", "false", "nan", "inf")
_PLAIN = re.compile(r"[A-Za-z_./~][A-Za-z0-9_./~-]*")  # what Hydra's grammar reads as it stands


def with_quoted_files(words: Sequence[str]) -> list[str]:
    """The words, with the names of existing files in Hydra's quotes, in lists and sweeps as well.

    Hydra's grammar knows letters of ASCII only, and reads parentheses and quotes as its own; a file may be
    called anything. A folder for results is quoted whether it is there or not. A glob in ``style=`` becomes
    the list of what it matches.

    Raises InputError for the address of a file that would have to be fetched, and for a glob without a match.
    """
    check_no_addresses(words)
    return [_with_quoted_files(word) for word in words]


def check_no_addresses(words: Sequence[str]) -> None:
    """Raise InputError if an address stands where the name of a file is wanted."""
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        if key in _FILE_KEYS:
            for piece in pieces_of(value) or ():
                check_no_address(piece.name, key)


def quoted(name: str) -> str:
    """The name in Hydra's quotes, whatever letters it has."""
    return QuotedString(name, Quote.double).with_quotes()


def choices_of(value: str) -> list[str]:
    """The names between the commas of a value, where no list is among them, without quotes."""
    pieces = pieces_of(value)
    if pieces is None or any(piece.is_sign and piece.text != "," for piece in pieces):
        return value.split(",")
    return [piece.name for piece in pieces if not piece.is_sign]


def for_the_shell(word: str) -> str | None:
    """The word as it has to be typed so that Hydra can read it; None if no quotes would make it readable."""
    key, equals, value = word.partition("=")
    pieces = pieces_of(value) if equals else None
    tried = [] if pieces is None else [_joined(key, pieces, _quoted_if_unreadable)]
    for one in (*tried, f"{key}={quoted(value)}"):
        if _is_readable(one):
            return shlex.quote(one)
    return None


def _with_quoted_files(word: str) -> str:
    key, equals, value = word.partition("=")
    plain_key = key.lstrip("+")
    if equals and plain_key in _FOLDER_KEYS:
        return word if _is_readable(word) else f"{key}={quoted(value)}"
    if not equals or plain_key not in _FILE_KEYS or value in NO_FILES:
        return word
    if is_there(user_path(value)):
        return f"{key}={quoted(value)}"
    pieces = pieces_of(value)
    if pieces is None:
        return word
    return _joined(key, pieces, _matches if plain_key == _STYLE else _quoted_file)


def _joined(key: str, pieces: Sequence[Piece], replaced: Callable[[Piece], str]) -> str:
    return f"{key}={''.join(piece.text if piece.is_sign else replaced(piece) for piece in pieces)}"


def _quoted_file(piece: Piece) -> str:
    if not piece.is_file or piece.name in NO_FILES:
        return piece.text
    is_plain = _PLAIN.fullmatch(piece.name) and piece.name.lower() not in _WORDS_OF_HYDRA
    return piece.text if is_plain else quoted(piece.name)


def _matches(piece: Piece) -> str:
    """Of a style: a glob stands for all that it matches, as a folder does for all that is in it."""
    if piece.is_file or not stands_for_several(piece.name):
        return _quoted_file(piece)
    if is_there(user_path(piece.name)):
        return piece.text
    names = ",".join(quoted(name) for name in several_pictures(piece.name))
    return names if piece.depth else f"[{names}]"


def _quoted_if_unreadable(piece: Piece) -> str:
    readable = piece.is_quoted or _is_readable(f"key={piece.text}")
    return piece.text if readable else quoted(piece.name)


def _is_readable(word: str) -> bool:
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


# ----------------------------------------------------------------------------
# Words on which Hydra's composition fails with a bare error of Python, and the sentence for them.

_COMPOSING = "hydra._internal.config_loader_impl"  # where every composition begins: of a run, a sweep, a call
_OURS = "nst_tf"

# one option of a group, or a list of them: what Hydra takes for values of other types, it adds to texts
_OPTION = r"\s*(?!(?:null|true|false)\b)[A-Za-z_][^\[\]{}$,]*"
_OPTION_NAMES = re.compile(rf"\[?{_OPTION}(,{_OPTION})*\]?", re.IGNORECASE)


def sentence_for_composition(
    error: BaseException, arguments: Sequence[str], groups: Collection[str]
) -> str | None:
    """One sentence for an error that Hydra, while it composed ``arguments``, did not foresee.

    Hydra looks for ``${`` in an option that is a number, or asserts that what an interpolation gives is text
    (TypeError, AssertionError). None for an error of any other origin: one that was not raised below the
    composition, or that passed through code of this package there. ``groups`` are the config groups.
    """
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    if _COMPOSING not in modules:
        return None
    below = modules[modules.index(_COMPOSING) :]
    if any(module.partition(".")[0] == _OURS for module in below):
        return None
    for argument in arguments:
        key, _, value = argument.lstrip("+~").partition("=")
        if key in groups and not _OPTION_NAMES.fullmatch(value):
            return f"{key}={value} is not the name of an option of {key}: `nst --help` lists what exists"
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"the words {' '.join(arguments)} can't be made into a configuration ({reason})"


# ----------------------------------------------------------------------------
# One sentence for each way in which Hydra and OmegaConf refuse a command line.

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


# ----------------------------------------------------------------------------
# The words that exist on the command line: keys and config groups.

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
