"""Ctrl-C and SIGTERM: a run finishes its step and keeps its state, and the process still ends in time."""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar

from nst_tf.files import abandon_what_is_being_written

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

EXIT_SECONDS = 5.0
"""From the signal to the end of the process."""

# what is left of them is for the picture so far, and for run.json: a picture of 4 megapixels takes a second
SECONDS_FOR_THE_STEP = 3.5
_MEGAPIXELS_A_SECOND = 4.0
SECONDS_AT_ONCE = 0.3  # after the second Ctrl-C, for what Python itself has to unwind
# a step of a large picture in tiles takes minutes: somebody who hears nothing presses again, and loses it
SECONDS_BEFORE_SAYING_SO = 1.0


class DeferredSignals:
    """A context that keeps SIGINT and SIGTERM waiting until ``deliver``, so that nothing of a step is lost.

    Only the first of each waits, and only after ``defer``: until then there is nothing to keep. Signals that
    the system itself would handle are left alone, as all are outside of the main thread. How long they may
    wait is the business of ``ExitInTime``.
    """

    def __init__(self) -> None:
        self._defers = False
        self._waiting: list[int] = []
        self._before: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self.came_twice = False
        """Whether the same signal came again: then nothing more is to be kept."""

    def __enter__(self) -> DeferredSignals:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                before = signal.getsignal(number)
                if callable(before):
                    self._before[number] = before
                    signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Give the signals back; one that still waits is delivered, unless another one was already."""
        for number, before in self._before.items():
            signal.signal(number, before)
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            self.deliver()

    @property
    def is_waiting(self) -> bool:
        """Whether a signal waits to be delivered."""
        return bool(self._waiting)

    def defer(self) -> None:
        """From now on there is something to keep before the end."""
        self._defers = True

    def deliver(self) -> None:
        """Do now what the signal that waits would have done at once: raise KeyboardInterrupt, mostly."""
        if self._waiting:
            number = self._waiting[0]
            self._waiting.clear()
            self._before[number](number, None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number in self._waiting or not self._defers:
            self.came_twice = number in self._waiting
            self._before[number](number, frame)
            return
        # of another kind than the first: a sweep passes on to its jobs what they may have heard themselves
        self._waiting.append(number)


class ExitInTime:
    """A context that ends the process within ``EXIT_SECONDS`` of a signal, even in the middle of a step.

    Python runs the handler of a signal only between two of its own instructions, and a compiled step, which
    takes minutes for a large picture, is one of them. So a thread waits beside it: some seconds after the
    first signal, or at once after a second of the same kind, it calls ``save`` with the signal's number and
    whether it is at once, and ends the process with 128 + that number. ``quiet`` says nothing of a wait.
    Signals that the program does not end by are left alone, and so are all outside of the main thread.
    """

    before_exit: ClassVar[list[Callable[[], None]]] = []
    """What is to be done before the process ends, by whoever began more than the run, such as a sweep."""

    def __init__(
        self, save: Callable[[int, bool], None], quiet: bool = True, megapixels: float = 0.0
    ) -> None:
        """``megapixels`` of the picture that ``save`` writes."""
        self._save = save
        self._quiet = quiet
        self._seconds = max(0.5, SECONDS_FOR_THE_STEP - megapixels / _MEGAPIXELS_A_SECOND)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ExitInTime:
        self._ending = {number for number in _SIGNALS if _ends_the_program(number)}
        if self._ending and threading.current_thread() is threading.main_thread():
            self._heard, self._told = socket.socketpair()
            self._told.setblocking(False)
            self._before = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
            self._thread = threading.Thread(target=self._listen, name="exit in time", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._thread is not None:
            signal.set_wakeup_fd(self._before)
            self._told.close()
            self._thread.join()
            self._heard.close()

    def _listen(self) -> None:
        first, counts = 0, Counter[int]()
        say_at = exit_at = math.inf
        while True:
            due = min(say_at, exit_at)
            wait = None if due == math.inf else max(0.0, due - time.monotonic())
            if select.select([self._heard], [], [], wait)[0]:
                heard = self._heard.recv(64)
                if not heard:
                    return
                now = time.monotonic()
                for number in heard:
                    if number not in self._ending:
                        continue
                    counts[number] += 1
                    if not first:
                        first, exit_at = number, now + self._seconds
                        say_at = math.inf if self._quiet else now + SECONDS_BEFORE_SAYING_SO
                    if counts[number] == 2:
                        exit_at = now + SECONDS_AT_ONCE
            elif time.monotonic() >= exit_at:
                self._end(first, max(counts.values()) > 1)
            elif time.monotonic() >= say_at:
                say_at = math.inf
                _say("nst: ends after this step; Ctrl-C again ends at once")

    def _end(self, number: int, at_once: bool) -> None:
        try:
            self._save(number, at_once)
            for call in ExitInTime.before_exit:
                call()
            abandon_what_is_being_written()
            if sys.stderr.isatty():
                _say("\x1b[?25h\r", end="")  # a bar may have hidden the cursor
        finally:
            os._exit(128 + number)


def _ends_the_program(number: int) -> bool:
    """Whether the handler is Python's own for Ctrl-C, or ``terminable``'s."""
    handler: Callable[[int, FrameType | None], Any] | int | None = signal.getsignal(number)
    return handler is signal.default_int_handler or getattr(handler, "ends_the_program", False)


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201
