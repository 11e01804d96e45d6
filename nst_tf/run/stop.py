"""Carrying an error past Hydra."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


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
