"""Text that anybody may have written, as one line for a terminal."""

from __future__ import annotations

_MOST_LETTERS = 900  # of a sentence: nine lines of a terminal, of which paths take most
_OF_ITS_END = 300  # where it says what would be right


def printable(text: str) -> str:
    r"""``text`` on one line of at most 900 letters, both ends kept.

    What is no printable letter stands as Python would escape it (``\x1b``, ``\u202e``). Names of files and
    words of a stranger's configuration stand in our sentences: no line end of theirs makes a second
    sentence, no code of theirs commands the terminal or turns the order of letters, and bytes that are no
    UTF-8 can be printed.
    """
    line = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in " ".join(text.splitlines())
    )
    if len(line) <= _MOST_LETTERS:
        return line
    return f"{line[: _MOST_LETTERS - _OF_ITS_END - 5]} ... {line[-_OF_ITS_END:]}"
