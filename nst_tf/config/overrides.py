"""Overrides, KEY=VALUE on the command line, made ready for Hydra: their spelling and the names of files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import OmegaConf

from nst_tf.config.pictures import (
    NATIVE_SIZE,
    check_no_address,
    is_address,
    several_pictures,
    stands_for_several,
)
from nst_tf.config.schema import FILE_KEYS, is_there, picture_path, user_path
from nst_tf.errors import InputError

# style is a key with a value of its own, which can have no others below it
_SPELLINGS = {"style.scale": "style_scale", "style.weights": "style_weights"}
_SIZE, _NATIVE = "image.size", re.compile(r"(?<![^,])native(?![^,])")


def spelled_as_keys(overrides: Sequence[str]) -> list[str]:
    """The overrides with ``style_scale`` for ``style.scale``, and ``${native:}`` for a native size."""

    def spelled(override: str) -> str:
        key, equals, value = override.partition("=")
        signs = key[: len(key) - len(key.lstrip("+"))]
        plain = key[len(signs) :]
        if plain == _SIZE:
            value = _NATIVE.sub(lambda _: NATIVE_SIZE, value)
        return f"{signs}{_SPELLINGS.get(plain, plain)}{equals}{value}"

    return [spelled(override) for override in overrides]


def override_key(override: str) -> str:
    """The key of an override: "+optimizer.beta_1=0.8" -> "optimizer.beta_1"."""
    return override.partition("=")[0].lstrip("+~").partition("@")[0]


# ---- Overrides that a program gives: the words of the command line, or a mapping of keys to values ----

Overrides = Sequence[str] | Mapping[str, Any]
"""As they would be typed, ``["image.size=256"]``, or by key, ``{"image.size": 256}``."""


def words_of(overrides: Overrides) -> list[str]:
    """The overrides as they would be typed.

    Raises InputError for a text alone, which is a sequence of letters, and for what is no text where one is
    wanted.
    """
    if isinstance(overrides, str):
        raise InputError(
            f"overrides are a list such as ['image.size=256'] or a mapping such as {{'image.size': 256}}, but"
            f" are the text {overrides!r}: put it into a list"
        )
    words = (
        [f"{key}={typed(value)}" for key, value in overrides.items()]
        if isinstance(overrides, Mapping)
        else list(overrides)
    )
    for word in words:
        if not isinstance(word, str):
            raise InputError(f"an override is a text such as 'image.size=256', but is {word!r}")
    return words


def typed(value: Any) -> str:
    """A value of Python as it would be typed behind the equals sign: None is null, and texts are quoted.

    Raises InputError for a value that no configuration holds.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a number of NumPy
        value = value.item()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (str, PurePath)):
        is_plain = _PLAIN.fullmatch(text := str(value)) and text.lower() not in _WORDS_OF_HYDRA
        return text if is_plain else quoted(text)
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{typed(one)}' for key, one in value.items())}}}"
    if isinstance(value, Sequence):
        return f"[{','.join(map(typed, value))}]"
    raise InputError(
        f"a value is a number, a text, true or false, None, or a list or mapping of these, but is {value!r}"
    )


# ---- What a person asked for explicitly, as against what a file says that may come from another machine ----

ExplicitKeys = Collection[str] | None
"""The keys that stood on the command line; None where all count as explicit."""


def overrides_of(hydra: Any) -> list[str]:
    """The overrides of a command without Hydra's own, as they were typed: interpolations are not resolved."""
    overrides: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    return overrides


def explicit_keys(overrides: Iterable[str], swept_by_file: Iterable[str] = ()) -> frozenset[str]:
    """The keys of the overrides; without those whose values an experiment file sweeps over."""
    return frozenset(map(override_key, overrides)) - {str(key) for key in swept_by_file}


def is_explicit(key: str, explicit: ExplicitKeys) -> bool:
    """Whether what is impossible here is to be refused, and not replaced by what is possible."""
    return explicit is None or key in explicit


# ---- Names of files, which Hydra's grammar would misread, in quotes ----

_KEYS_OF_FILES = (*FILE_KEYS, "resume")
_KEYS_OF_TEXTS = ("name", "notes")  # a sentence has commas and brackets that mean nothing to Hydra
_KEYS_OF_FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")  # of what need not be there yet
NO_FILES = ("", "null", "auto", "random", "srgb", "content")
"""Words of ``model.weights``, ``record.profile`` and others, whatever files may be called."""
_WORDS_OF_HYDRA = ("null", "true", "false", "nan", "inf")
_PLAIN = re.compile(r"[A-Za-z_./~][A-Za-z0-9_./~-]*")  # what Hydra's grammar reads as it stands


def with_quoted_files(overrides: Sequence[str]) -> list[str]:
    """The overrides, with the names of existing files in Hydra's quotes, in lists and sweeps as well.

    Hydra's grammar knows letters of ASCII only, and reads parentheses and quotes as its own; a file may be
    called anything. A folder for results is quoted whether it is there or not. A glob in ``style=`` becomes
    the list of what it matches.

    Raises InputError for the address of a file that would have to be fetched, and for a glob without a match.
    """
    check_no_addresses(overrides)
    return [_with_quoted_files(override) for override in overrides]


def check_no_addresses(overrides: Sequence[str]) -> None:
    """Raise InputError if an address stands where the name of a file is wanted."""
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        if key in _KEYS_OF_FILES:
            for piece in _pieces(value) or ():
                check_no_address(piece.name, key)


def _with_quoted_files(override: str) -> str:
    key, equals, value = override.partition("=")
    plain_key = key.lstrip("+")
    if equals and plain_key in _KEYS_OF_FOLDERS:
        return override if _is_readable(override) else f"{key}={quoted(value)}"
    if equals and plain_key in _KEYS_OF_TEXTS:
        return override if value in NO_FILES or value[0] in "'\"" else f"{key}={quoted(value)}"
    if not equals or plain_key not in _KEYS_OF_FILES or value in NO_FILES:
        return override
    if is_there(user_path(value)):
        return f"{key}={quoted(value)}"
    pieces = _pieces(value)
    if pieces is None:
        return override
    return _joined(key, pieces, _matches if plain_key == "style" else _quoted_file)


def _quoted_file(piece: _Piece) -> str:
    if not piece.is_file or piece.name in NO_FILES:
        return piece.text
    is_plain = _PLAIN.fullmatch(piece.name) and piece.name.lower() not in _WORDS_OF_HYDRA
    return piece.text if is_plain else quoted(piece.name)


def _matches(piece: _Piece) -> str:
    """Of a style: a glob stands for all that it matches, as a folder does for all that is in it."""
    if piece.is_file or not stands_for_several(piece.name):
        return _quoted_file(piece)
    if is_there(user_path(piece.name)):
        return piece.text
    names = ",".join(quoted(name) for name in several_pictures(piece.name))
    return names if piece.depth else f"[{names}]"


def quoted(name: str) -> str:
    """The name in Hydra's quotes, whatever letters it has."""
    return QuotedString(name, Quote.double).with_quotes()


def for_the_shell(override: str) -> str | None:
    """The override as it has to be typed so that Hydra can read it; None if no quotes make it readable."""

    def if_unreadable(piece: _Piece) -> str:
        readable = piece.is_quoted or _is_readable(f"key={piece.text}")
        return piece.text if readable else quoted(piece.name)

    key, equals, value = override.partition("=")
    pieces = _pieces(value) if equals else None
    tried = [] if pieces is None else [_joined(key, pieces, if_unreadable)]
    return next((shlex.quote(one) for one in (*tried, f"{key}={quoted(value)}") if _is_readable(one)), None)


def names_between_commas(value: str) -> list[str]:
    """Without quotes; cut at every comma if there is a list in the value."""
    pieces = _pieces(value)
    if pieces is None or any(piece.is_sign and piece.text != "," for piece in pieces):
        return value.split(",")
    return [piece.name for piece in pieces if not piece.is_sign]


def _joined(key: str, pieces: Sequence[_Piece], replaced: Callable[[_Piece], str]) -> str:
    return f"{key}={''.join(piece.text if piece.is_sign else replaced(piece) for piece in pieces)}"


def _is_readable(override: str) -> bool:
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True


# ---- A value cut into pieces: one name, a list, a sweep ----

_QUOTED = re.compile(r"""\s*(?P<sign>['"])(?:\\.|(?!(?P=sign)).)*(?P=sign)\s*""", re.DOTALL)
_ANOTHER_ADDRESS = re.compile(r",(?=\s*[A-Za-z][A-Za-z0-9+.-]+://)")
_OPENING, _CLOSING = "([{", ")]}"
_LONGEST_NAME = 4096  # bytes of a path: limits.h of Linux


class _Piece(NamedTuple):
    """Part of a value: a sign, [ ] or a comma, or what stands between them.

    ``name`` is the text without blanks around it and without quotes; ``depth`` is how many lists it is in.
    """

    text: str
    name: str = ""
    is_sign: bool = False
    is_quoted: bool = False
    is_file: bool = False
    depth: int = 0


def _pieces(value: str) -> list[_Piece] | None:
    """The value in its pieces; their texts in a row are the value. None if it is not built like that.

    What stands between commas and brackets is a file if there is one of this name, even with signs in it.
    """
    found: list[_Piece] = []
    at, depth = 0, 0
    while True:
        piece = _piece_at(value, at, depth)
        found.append(piece)
        at += len(piece.text)
        if piece.is_sign:  # a list begins, and its first piece is still to come
            depth += 1
            continue
        while depth and value.startswith("]", at):
            found.append(_Piece("]", is_sign=True, depth=depth))
            at, depth = at + 1, depth - 1
        if at == len(value):
            return found if depth == 0 else None
        if value[at] != ",":
            return None
        found.append(_Piece(",", is_sign=True, depth=depth))
        at += 1


def _piece_at(value: str, at: int, depth: int) -> _Piece:
    if (quoted := _QUOTED.match(value, at)) and quoted.end() in _ends(value, at, depth):
        text = quoted.group()
        return _Piece(text, text.strip()[1:-1], is_quoted=True, depth=depth)
    if is_address(value[at:].lstrip()):
        text = value[at : _end_of_address(value, at, depth)]
        return _Piece(text, text.strip(), depth=depth)
    for end in _ends(value, at, depth):
        name = value[at:end].strip()
        if name and is_there(picture_path(name)):
            return _Piece(value[at:end], name, is_file=True, depth=depth)
    if value.startswith("[", at):
        return _Piece("[", is_sign=True, depth=depth)
    text = value[at : _end_outside_of_brackets(value, at, depth)]
    return _Piece(text, text.strip(), depth=depth)


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
