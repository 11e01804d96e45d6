"""The values of a word of the command line, where names of files stand among them: one, a list, a sweep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from nst_tf.configuration.addresses import is_address
from nst_tf.configuration.places import is_there, picture_path

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
