"""Names of files on the command line, as the shell gives them."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.override_parser.types import Quote, QuotedString

from nst_tf.configuration.places import is_there, user_path

_FILE_KEYS = (
    *("content", "style", "model.weights", "init.path", "record.profile", "resume"),
    *("guidance.content", "guidance.styles"),
)
NO_FILES = ("", "auto", "random", "srgb", "content")
"""Words of ``model.weights`` and ``record.profile``, whatever files may be called."""


def with_quoted_files(words: Sequence[str]) -> list[str]:
    """The words, with the name of an existing file in Hydra's quotes.

    Hydra's grammar knows letters of ASCII only, and reads parentheses and quotes as its own; a file may be
    called anything.
    """
    return [_with_quoted_file(word) for word in words]


def quoted(name: str) -> str:
    """The name in Hydra's quotes, whatever letters it has."""
    return QuotedString(name, Quote.double).with_quotes()


def _with_quoted_file(word: str) -> str:
    key, equals, value = word.partition("=")
    if not equals or key not in _FILE_KEYS or value in NO_FILES or not is_there(user_path(value)):
        return word
    return f"{key}={quoted(value)}"
