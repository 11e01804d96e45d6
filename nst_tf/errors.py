"""What a user is told when something can't be done: InputError, checks that raise it, text for one line."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn


class InputError(ValueError):
    """Bad input: its message is one sentence that names the value received and what would be right.

    The command line prints the message alone and exits with status 2; a library caller catches it.
    """


# ---- A number and its noun: ``1 step``, ``2 steps`` ----


def counted(number: int, noun: str) -> str:
    """The number and the noun, which takes an s for any number but one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


# ---- Text that anybody may have written, as one line for a terminal ----

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


# ---- Carrying an error past Hydra ----


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


# ---- Checks of values that a user gives: InputError with the value received and what would be right ----


def require(right: bool, name: str, value: object, wanted: str, advice: str = "") -> None:
    """Raise InputError unless ``right``: that ``name`` must be what is ``wanted``, but is ``value``."""
    if not right:
        raise InputError(f"{name} must be {wanted}, but is {value!r}{advice}")


def is_number(value: Any) -> bool:
    """Whether it is a finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: Any, least: int) -> bool:
    """Whether it is a whole number of at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise InputError unless ``value`` is a whole number of at least ``least``."""
    require(is_whole(value, least), name, value, f"a whole number of at least {least}")


def check_at_least_zero(name: str, value: Any) -> None:
    """Raise InputError unless ``value`` is a finite number >= 0."""
    require(is_number(value) and value >= 0, name, value, "a finite number of at least 0")


def check_positive(name: str, value: Any) -> None:
    """Raise InputError unless ``value`` is a finite number > 0."""
    require(is_number(value) and value > 0, name, value, "a finite number above 0")


def one_of(key: str, word: str, choices: Mapping[str, Any]) -> Any:
    """What the word stands for; raises InputError for one that is none of the ``choices``."""
    if word not in choices:
        raise InputError(f"unknown {key}={word!r}: choose one of {', '.join(choices)}")
    return choices[word]


def check_weight(name: str, weight: Any) -> None:
    """Raise InputError unless ``weight`` is a finite number >= 0."""
    name = f"the weight of {name}"
    require(isinstance(weight, (int, float)) and not isinstance(weight, bool), name, weight, "a number")
    require(math.isfinite(weight) and weight >= 0, name, weight, "finite and at least 0")


def check_layers(name: str, layers: Mapping[str, float]) -> None:
    """Raise InputError unless there is a layer, and each layer's weight is a finite number >= 0."""
    if not layers:
        raise InputError(f"layers.{name} names no layer: give at least one, such as [block4_conv2]")
    for layer, weight in layers.items():
        check_weight(f"layers.{name}.{layer}", weight)
