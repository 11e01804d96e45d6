"""Ctrl-C and SIGTERM wait until the step that is being made is finished, so that nothing of it is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interruption:
    """A context in which SIGINT and SIGTERM go where they went before, but not before ``pass_on``.

    Only the first of each waits, and only after ``hold``: until then there is nothing to keep. Signals that
    the system itself would handle are left alone, as all are outside of the main thread. How long they may
    wait is the business of ``LeavingInTime``.
    """

    def __init__(self) -> None:
        """Nobody asked yet."""
        self._holds = False
        self._asked: list[int] = []
        self._before: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self.is_urgent = False
        """Whether somebody asked twice: then nothing more is to be kept."""

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

    @property
    def asked(self) -> bool:
        """Whether a signal waits to be passed on."""
        return bool(self._asked)

    def hold(self) -> None:
        """From now on there is something to keep before the end."""
        self._holds = True

    def pass_on(self) -> None:
        """Do now what the signal that waits would have done at once: raise KeyboardInterrupt, mostly."""
        if self._asked:
            number = self._asked[0]
            self._asked.clear()
            self._before[number](number, None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number in self._asked or not self._holds:
            self.is_urgent = number in self._asked
            self._before[number](number, frame)
            return
        # of another kind than the first: a sweep passes on to its jobs what they may have heard themselves
        self._asked.append(number)
