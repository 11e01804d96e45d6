"""The programs as functions: what they answer, in this process."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from fuzzing.sentences import wrong_sentence

_OUTPUT = (0, 2)  # exit statuses of a result and of bad input


class Reached(BaseException):
    """Raised in the place of the work itself: all checks were passed."""


@dataclass(frozen=True)
class Said:
    """What a program said and how it ended; ``status`` None where it went on to its work."""

    status: int | None
    out: str
    err: str

    @property
    def outcome(self) -> str:
        """In a word."""
        return {None: "accepted", 0: "done", 2: "refused"}.get(self.status, f"status {self.status}")


def said_by(main: Callable[[], object], name: str, words: Sequence[str], folder: Path) -> Said:
    """What ``NAME WORD ...`` says in ``folder``; whatever it raises but ``SystemExit`` is passed on."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    here, arguments = Path.cwd(), sys.argv
    os.chdir(folder)
    sys.argv = [name, *words]
    try:
        with redirect_stdout(out), redirect_stderr(err), _logging_restored():
            main()
    except Reached:
        status = None
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    finally:
        os.chdir(here)
        sys.argv = arguments
    return Said(status, out.getvalue(), err.getvalue())


def wrong_refusal(said: Said, name: str) -> list[str]:
    """What is wrong with how the program refused: another status than 2, other words than one sentence."""
    wrong = [] if said.status in (None, *_OUTPUT) else [f"status {said.status}: {said.err[-500:]!r}"]
    if said.status == 2:
        lines = said.err.rstrip("\n").split("\n")
        # before the refusal there may be warnings, of which each has its own line
        if not lines[-1].startswith(f"{name}: "):
            wrong.append(f"no sentence of {name}: {said.err[-500:]!r}")
        if said.out:
            wrong.append(f"answers and refuses: {said.out[:200]!r}")
    for line in (said.err + said.out).split("\n"):
        wrong += wrong_sentence(line) if line.strip() and (said.status == 2 or not line.isprintable()) else []
    return wrong


@contextmanager
def _logging_restored() -> Iterator[None]:
    """Hydra gives the root logger handlers of its own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
