"""What a user is told when something cannot be done: InputError, and text made fit for one line."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

# ----------------------------------------------------------------------------
# The one kind of error that a user's input can cause.


class InputError(ValueError):
    """Bad input: its message is one sentence that names the value received and what would be right.

    The command line prints the message alone and exits with status 2; a library caller catches it.
    """


# ----------------------------------------------------------------------------
# A number and its noun: ``1 step``, ``2 steps``.


def counted(number: int, noun: str) -> str:
    """The number and the noun, which takes an s for any number but one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


# ----------------------------------------------------------------------------
# Text that anybody may have written, as one line for a terminal.

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


# ----------------------------------------------------------------------------
# Carrying an error past Hydra.


class Stop(BaseException):
    """Raised ``from`` the error that ends the program.

    Hydra turns an ``Exception`` of a callback into a warning, and reports one of a job in several lines
    of its own; it lets any other ``BaseException`` pass.
    """


class Terminated(KeyboardInterrupt):
    """SIGTERM came: the run ends as by Ctrl-C."""


@contextmanager
def terminable() -> Iterator[None]:
    """Turn SIGTERM into Terminated meanwhile; only the main thread can, in others nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(*_: object) -> NoReturn:
        raise Terminated

    terminate.ends_the_program = True  # pyright: ignore[reportFunctionMemberAccess]
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
