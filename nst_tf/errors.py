"""What a user is told when something can't be done: InputError, checks that raise it, how a command ends."""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, TypeGuard


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


# ---- The end of a command: one sentence on standard error, and its exit status ----

FAILED, BAD_INPUT = 1, 2
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM  # as shells count


class Parser(argparse.ArgumentParser):
    """Refuses what it can't read in one sentence, where argparse prints its usage as well: InputError."""

    def error(self, message: str) -> NoReturn:
        """Say where the usage is to be found."""
        raise InputError(f"{message} (see `{self.prog} --help`)")


def tell(command: str, sentence: str) -> None:
    """Say a sentence on standard error, by the name of the command."""
    print(f"{command}: {printable(sentence)}", file=sys.stderr)  # noqa: T201


def stop(command: str, sentence: str, status: int) -> NoReturn:
    """Say why the command ends, and end it."""
    tell(command, sentence)
    sys.exit(status)


def status_of(interruption: KeyboardInterrupt) -> int:
    """The exit status after Ctrl-C, or after SIGTERM."""
    return TERMINATED if isinstance(interruption, Terminated) else INTERRUPTED


@contextmanager
def command(name: str) -> Iterator[None]:
    """Whatever a user can cause meanwhile ends the process with a sentence and its exit status."""
    try:
        yield
    except InputError as error:
        stop(name, str(error), BAD_INPUT)
    except KeyboardInterrupt as interruption:
        stop(name, "interrupted", status_of(interruption))
    except BrokenPipeError:
        end_without_reader()


def end_without_reader() -> NoReturn:
    """End the process: whoever read the output has enough of it, as ``head`` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(FAILED)


# ---- Checks of values that a user gives: InputError with the value received and what would be right ----


def require(right: bool, name: str, value: object, wanted: str, advice: str = "") -> None:
    """Raise InputError unless ``right``: that ``name`` must be what is ``wanted``, but is ``value``."""
    if not right:
        raise InputError(f"{name} must be {wanted}, but is {value!r}{advice}")


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is a finite number; True and False are none, nor is a whole number beyond every float."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


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
    """Raise InputError unless there is a layer, and each layer's weight is a finite number >= 0.

    ``name`` is the key of the layers.
    """
    if not layers:
        raise InputError(f"{name} names no layer: give at least one, such as [block4_conv2]")
    for layer, weight in layers.items():
        check_weight(f"{name}.{layer}", weight)
