"""Names of files on the command line, as the shell gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_FILE_KEYS = (
    *("content", "style", "model.weights", "init.path", "record.profile", "resume"),
    *("guidance.content", "guidance.styles"),
)
_WORDS = ("", "auto", "random", "srgb", "content")  # of weights and profile, whatever files may be called


def with_quoted_files(words: Sequence[str]) -> list[str]:
    """The words, with the name of an existing file in Hydra's quotes.

    Hydra's grammar knows letters of ASCII only, and reads parentheses and quotes as its own; a file may be
    called anything.
    """
    return [_quoted(word) for word in words]


def _quoted(word: str) -> str:
    key, equals, value = word.partition("=")
    if not equals or key not in _FILE_KEYS or value in _WORDS:
        return word
    try:
        exists = Path(value).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # no name of a file at all
        return word
    if not exists or not value:
        return word
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}="{escaped}"'
