"""Many cases, each in a process of its own: what hangs, crashes or takes too much memory ends alone."""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, NoReturn

import psutil

MOST_BYTES = 2_000_000_000
"""Of memory that a case may take beyond what its process began with."""

_WAITING = 10  # times as long by the clock as by the processor: others may use the machine, too


@dataclass(frozen=True)
class Answer:
    """Of one case: what came of it in a word, and, if that may not be, what is wrong."""

    outcome: str
    wrong: tuple[str, ...] = ()


@dataclass
class Tally:
    """Of all cases: how many came to what, those that went wrong, and the most that one took."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: dict[int, tuple[str, ...]] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, -1)
    most_bytes: int = 0


def run_cases(
    check: Callable[[int], Answer],
    numbers: Iterable[int],
    seconds: float,
    workers: int = 2,
    on_wrong: Callable[[int, Sequence[str]], None] = lambda number, reasons: None,
) -> Tally:
    """Run ``check(number)`` for every number in a forked process, ``workers`` at once.

    The kernel kills a case that takes longer than ``seconds`` of the processor, or ten times that by the
    clock. It counts as wrong, as do one whose process dies, one that raises or prints, and one that takes
    more than ``MOST_BYTES``. ``on_wrong`` is told of each at once.
    """
    tally, waiting = Tally(), iter(numbers)
    running: dict[int, tuple[int, IO[bytes]]] = {}
    gc.freeze()  # else every process copies what the collector looks at
    while True:
        for number in islice(waiting, workers - len(running)):
            answer = tempfile.TemporaryFile()  # noqa: SIM115  (closed when it was read)
            sys.stdout.flush()
            sys.stderr.flush()
            process = os.fork()
            if process == 0:
                _work(check, number, seconds, answer)
            running[process] = number, answer
        if not running:
            return tally
        process, status, used = os.wait4(-1, 0)
        number, answer = running.pop(process)
        with answer:
            answer.seek(0)
            told = json.loads(answer.read() or "null") or _dead(status, used.ru_utime + used.ru_stime)
        tally.outcomes[told["outcome"]] += 1
        tally.slowest = max(tally.slowest, (told["seconds"], number))
        tally.most_bytes = max(tally.most_bytes, told["bytes"])
        if told["wrong"]:
            tally.wrong[number] = tuple(told["wrong"])
            on_wrong(number, told["wrong"])


def _dead(status: int, seconds: float) -> dict[str, object]:
    """What is told of a case whose process ended without a word."""
    code = os.waitstatus_to_exitcode(status)
    cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    why = f"its process died: {cause}"
    if cause in ("SIGXCPU", "SIGALRM"):
        why = f"hangs: killed after {seconds:.0f} s of the processor"
    return {"outcome": "died", "wrong": [why], "seconds": seconds, "bytes": 0}


def _work(check: Callable[[int], Answer], number: int, seconds: float, answer: IO[bytes]) -> NoReturn:
    """In the forked process: make the case and write what is to be told of it."""
    began_with = psutil.Process().memory_info()
    most_space = began_with.vms + 2 * MOST_BYTES  # of addresses, of which less is in use
    most_seconds = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (most_space, most_space))
    resource.setrlimit(resource.RLIMIT_CPU, (most_seconds, most_seconds + 1))
    signal.alarm(_WAITING * most_seconds)
    chatter = os.memfd_create("what the case prints, libraries in C included")
    for standard in (1, 2):
        os.dup2(chatter, standard)
    began = time.process_time()
    try:
        found = check(number)
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        found = Answer("raised", (f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})",))
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - began_with.rss
    sys.stdout.flush()
    sys.stderr.flush()
    wrong = list(found.wrong)
    if printed := os.fstat(chatter).st_size:
        wrong.append(f"prints {printed} bytes: {os.pread(chatter, 500, 0)!r}")
    if taken > MOST_BYTES:
        wrong.append(f"takes {taken / 1e9:.1f} GB")
    told = {"outcome": found.outcome, "wrong": wrong, "bytes": taken, "seconds": time.process_time() - began}
    answer.write(json.dumps(told).encode())
    answer.flush()
    os._exit(0)
