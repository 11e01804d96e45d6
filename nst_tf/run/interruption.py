"""Ctrl-C and SIGTERM wait until the step that is being made is finished, so that nothing of it is lost."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

# a step of a large picture in tiles takes minutes: somebody who hears nothing presses again, and loses it
_SECONDS_BEFORE_A_WORD = 1.0


class Interruption:
    """A context in which SIGINT and SIGTERM go where they went before, but not before ``pass_on``.

    Only the first of them waits, and only after ``hold``: until then there is nothing to keep. Signals that
    the system itself would handle are left alone, as all are outside of the main thread. ``quiet`` says
    nothing of a wait.
    """

    def __init__(self, quiet: bool = True) -> None:
        """Nobody asked yet."""
        self._quiet = quiet
        self._holds = False
        self._asked: int | None = None
        self._before: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._word: threading.Timer | None = None

    def __enter__(self) -> Interruption:
        """Take the signals over."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.getsignal(number)
                if callable(before):
                    self._before[number] = before
                    signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Give the signals back; one that still waits is passed on, unless another one was already."""
        for number, before in self._before.items():
            signal.signal(number, before)
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            self.pass_on()
        self._say_nothing()

    @property
    def asked(self) -> bool:
        """Whether a signal waits to be passed on."""
        return self._asked is not None

    def hold(self) -> None:
        """From now on there is something to keep before the end."""
        self._holds = True

    def pass_on(self) -> None:
        """Do now what the signal that waits would have done at once: raise KeyboardInterrupt, mostly."""
        self._say_nothing()
        if self._asked is not None:
            number, self._asked = self._asked, None
            self._before[number](number, None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._asked is not None or not self._holds:
            self._before[number](number, frame)
            return
        self._asked = number
        if not self._quiet:
            self._word = threading.Timer(_SECONDS_BEFORE_A_WORD, _say_that_it_waits)
            self._word.daemon = True
            self._word.start()

    def _say_nothing(self) -> None:
        if self._word is not None:
            self._word.cancel()
            self._word = None


def _say_that_it_waits() -> None:
    print("nst: ends after this step; Ctrl-C again ends at once", file=sys.stderr)  # noqa: T201
