"""Many cases in a few processes: one that hangs, crashes or takes too much memory ends its process alone."""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MOST_BYTES = 2_000_000_000
"""Of memory that a case may take beyond what its process began with."""

_SECONDS_BETWEEN_LOOKS = 0.5
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
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, -1)
    most_bytes: int = 0


def run_cases(
    check: Callable[[int], Answer],
    numbers: Sequence[int],
    seconds: float,
    workers: int = 2,
    on_wrong: Callable[[int, Sequence[str]], None] = lambda number, reasons: None,
) -> Tally:
    """Run ``check(number)`` for every number in forked processes.

    A case that takes longer than ``seconds`` of the processor, or ten times that by the clock, is killed and
    counts as wrong, as do one whose process dies, one that raises, and one after which the process had more
    than ``MOST_BYTES`` more than at its start. ``on_wrong`` is told of each at once.
    """
    tally, began = Tally(), time.monotonic()
    waiting = [list(numbers[place::workers]) for place in range(workers)]
    with selectors.DefaultSelector() as selector:
        for share in waiting:
            if share:
                _Worker(check, share, selector, on_wrong)
        while selector.get_map():
            for key, _ in selector.select(_SECONDS_BETWEEN_LOOKS):
                key.data.hear(tally)
            for key in list(selector.get_map().values()):
                key.data.look(tally, seconds)
    tally.seconds = time.monotonic() - began
    return tally


class _Worker:
    def __init__(
        self,
        check: Callable[[int], Answer],
        numbers: list[int],
        selector: selectors.BaseSelector,
        on_wrong: Callable[[int, Sequence[str]], None],
    ) -> None:
        self._check, self._waiting, self._selector, self._on_wrong = check, numbers, selector, on_wrong
        self._at: int | None = None
        self._since = self._since_of_processor = 0.0
        self._buffer = b""
        self._begin()

    def _begin(self) -> None:
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._process = os.fork()
        if self._process == 0:
            os.close(reading)
            _work(self._check, self._waiting, writing)
        os.close(writing)
        self._reading, self._buffer = reading, b""
        self._selector.register(reading, selectors.EVENT_READ, self)

    def hear(self, tally: Tally) -> None:
        content = os.read(self._reading, 1 << 16)
        if not content:
            self._ended(tally, "")
            return
        *lines, self._buffer = (self._buffer + content).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "begins" in told:
                self._at, self._since = told["begins"], time.monotonic()
                self._since_of_processor = _processor_seconds(self._process)
                self._waiting.remove(self._at)
                continue
            tally.outcomes[told["outcome"]] += 1
            if told["wrong"]:
                tally.wrong[told["number"]] = tuple(told["wrong"])
                self._on_wrong(told["number"], told["wrong"])
            tally.slowest = max(tally.slowest, (told["seconds"], told["number"]))
            tally.most_bytes = max(tally.most_bytes, told["bytes"])
            self._at = None

    def look(self, tally: Tally, seconds: float) -> None:
        if self._at is None:
            return
        taken = _processor_seconds(self._process) - self._since_of_processor
        if taken > seconds or time.monotonic() - self._since > _WAITING * seconds:
            os.kill(self._process, signal.SIGKILL)
            self._ended(tally, f"hangs: killed after {taken:.0f} s of the processor")

    def _ended(self, tally: Tally, why: str) -> None:
        self._selector.unregister(self._reading)
        os.close(self._reading)
        _, status = os.waitpid(self._process, 0)
        if self._at is not None:
            tally.outcomes["died"] += 1
            tally.wrong[self._at] = (why or f"its process died: {_cause(status)}",)
            self._on_wrong(self._at, tally.wrong[self._at])
            self._at = None
        elif status != 0:
            raise RuntimeError(f"a worker died between two cases: {_cause(status)}")
        if self._waiting:
            self._begin()


def _processor_seconds(process: int) -> float:
    """Fields 14 and 15 of /proc/PID/stat (proc(5))."""
    try:
        with open(f"/proc/{process}/stat") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _cause(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit status {os.WEXITSTATUS(status)}"


def _work(check: Callable[[int], Answer], numbers: Sequence[int], writing: int) -> None:
    """In the forked process: never returns."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most_space = _now("VmSize") + 2 * MOST_BYTES  # of addresses, of which less is in use
    resource.setrlimit(resource.RLIMIT_AS, (most_space, most_space))
    began_with = _now("VmRSS")
    chatter, parent = _Chatter(), os.getppid()
    for number in numbers:
        _tell(writing, {"begins": number})
        began = time.process_time()
        if os.getppid() != parent:  # nobody listens any more
            os._exit(0)
        try:
            answer = check(number)
        except BaseException as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            said = f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"
            answer = Answer("raised", (said,))
        seconds = time.process_time() - began
        taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - began_with
        wrong = (*answer.wrong, *chatter.heard())
        if taken > MOST_BYTES:
            wrong = (*wrong, f"takes {taken / 1e9:.1f} GB")
        _tell(
            writing,
            {"number": number, "outcome": answer.outcome, "wrong": wrong, "seconds": seconds, "bytes": taken},
        )
        if taken > MOST_BYTES:  # the mark of the process stays where it is
            os._exit(0)
    os._exit(0)


class _Chatter:
    """What libraries in C print beside what the program says."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the process)
        for standard in (1, 2):
            os.dup2(self._file.fileno(), standard)

    def heard(self) -> tuple[str, ...]:
        sys.stdout.flush()
        sys.stderr.flush()
        length = os.fstat(self._file.fileno()).st_size
        said = os.pread(self._file.fileno(), 500, 0)
        os.ftruncate(self._file.fileno(), 0)
        os.lseek(self._file.fileno(), 0, os.SEEK_SET)
        return (f"prints {length} bytes: {said!r}",) if length else ()


def _tell(writing: int, facts: dict[str, object]) -> None:
    content = json.dumps(facts).encode() + b"\n"
    while content:
        content = content[os.write(writing, content) :]


def _now(name: str) -> int:
    """Bytes of this process, of those that Linux counts in /proc/self/status."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        for line in status:
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0
