"""Names of files on the command line, as the shell gives them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from nst_tf.configuration.addresses import check_no_address
from nst_tf.configuration.places import is_there, user_path
from nst_tf.configuration.several_pictures import several_pictures, stands_for_several
from nst_tf.configuration.word_values import Piece, pieces_of

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
