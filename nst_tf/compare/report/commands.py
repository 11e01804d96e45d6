"""The commands that repeat a run, safe to paste into a shell."""

from __future__ import annotations

import os
import shlex
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from nst_tf.images.kinds import PICTURE_SUFFIXES


def command_of(program: str, words: Sequence[object]) -> str | None:
    """``program`` and ``words``, quoted for a POSIX shell; None if they are not fit to be pasted.

    Quoting keeps a shell from acting on a word, but not a terminal on a control character, nor the program
    on a word that begins with "-" (an option, which overrides never are).
    """
    if any(not isinstance(word, str) or word.startswith("-") or _is_unfit(word) for word in words):
        return None
    return shlex.join([program, *(str(word) for word in words)])


def rerun_command(folder: Path) -> str | None:
    """``nst-rerun FOLDER`` with the absolute path: the page says nowhere from which folder it was made."""
    return command_of("nst-rerun", [str(Path(folder).resolve())])


def link_from(page: Path, picture: Path | None) -> str | None:
    """The address of a picture relative to the page's folder, percent-encoded; None if there is none.

    Only files named as pictures are linked: an address that opens a stranger's HTML would run it.
    """
    if picture is None or picture.suffix.lower() not in PICTURE_SUFFIXES:
        return None
    try:
        relative = os.path.relpath(picture.absolute(), page.absolute().parent)
    except ValueError:  # on another drive of Windows
        return None
    return "./" + quote(os.fsencode(Path(relative).as_posix()))


def _is_unfit(word: str) -> bool:
    # Cc: controls; Cf: invisible, and those that turn the direction of writing; Cs: undecodable bytes
    return any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in word)
