"""How a sweep ends: what became of every job, the comparison, and the exit status."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from nst_tf.errors import Stop, Terminated, counted, terminable
from nst_tf.runs.signals import ExitInTime
from nst_tf.sweep.callback import FollowSweep
from nst_tf.sweep.job import one_sentence
from nst_tf.sweep.search import best_of_search
from nst_tf.sweep.state import ENDED, FAILED, Sweep, is_being_run, read_notes

FAILED_STATUS = 1
INTERRUPTED_STATUS, TERMINATED_STATUS = 128 + signal.SIGINT, 128 + signal.SIGTERM  # as shells count

_LOG = "nst.log"
_SECONDS_TO_STOP = 20.0  # a step takes a second or a few, and the signal is seen between two of them
_SECONDS_TO_BEGIN = 60.0  # a process that was started imports for some seconds before it says a word
_SECONDS_BETWEEN_LOOKS = 0.2


def run_to_the_end(program: Callable[[], object]) -> int:
    """Run Hydra's program; returns the exit status of a sweep, and 0 for whatever else it did.

    What ends the program before any job of a sweep began is raised, and leaves nothing behind.
    """
    Sweep.current = FollowSweep.display = None
    ExitInTime.before_exit.clear()
    cut: BaseException | None = None
    try:
        with terminable():
            program()
    except BaseException as error:
        sweep = Sweep.current
        if sweep is None or isinstance(error, Stop):
            raise
        if not read_notes(sweep.folder):
            _stop_display()
            sweep.abandon()
            raise
        cut = error
    return 0 if Sweep.current is None else _end(Sweep.current, cut)


def _end(sweep: Sweep, cut: BaseException | None) -> int:
    interrupted = isinstance(cut, KeyboardInterrupt)
    if interrupted:
        _stop_jobs(sweep)
    elif cut is not None:
        _wait_for_jobs(sweep)
    elapsed = FollowSweep.display.elapsed if FollowSweep.display else ""
    _stop_display()
    status = sweep.end(interrupted)
    if sweep.count != 0:
        _say(_counts(sweep) + (f" in {elapsed}" if elapsed else ""))
    for job in sweep.with_status(*FAILED):
        _say(f"  {sweep.name(job)} {job['status']}: {job.get('error')}")
    if interrupted:
        _say(f"nst: interrupted; {_how_to_go_on(sweep)}")
        return TERMINATED_STATUS if isinstance(cut, Terminated) else INTERRUPTED_STATUS
    # Optuna raises at the end of a search in which nothing, or the last point of a grid, succeeded
    over = sweep.plan.jobs is None and len(sweep.with_status(*ENDED)) == sweep.count
    if cut is not None and not over:
        _log_of(sweep, cut)
        _say(f"nst: the sweep was cut short ({one_sentence(cut)[:300]}); {_how_to_go_on(sweep)}")
    if best := best_of_search(sweep.values()):
        _say(f"the best: {best}")
    if sweep.compare and sweep.with_status("completed", "diverged"):
        _compare(sweep)
    print(_relative(sweep.folder))  # noqa: T201  (what the program answers)
    return 0 if status == "completed" and (cut is None or over) else FAILED_STATUS


def _counts(sweep: Sweep) -> str:
    jobs = sweep.jobs()
    counts = {status: len(sweep.with_status(status)) for status in (*ENDED, "running", "pending")}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{counted(len(jobs), 'job')}: {said}"


def _how_to_go_on(sweep: Sweep) -> str:
    return f"the same words with hydra.sweep.dir={shlex.quote(str(_relative(sweep.folder)))} go on with it"


def _compare(sweep: Sweep) -> None:
    """Write the comparison into the sweep's folder; whatever goes wrong is told and does no harm."""
    from nst_tf.compare.comparing import compare  # which imports much, and most commands need none of it

    try:
        with Console(stderr=True).status("comparing") as line:
            compared = compare(
                [sweep.folder],
                sweep.folder,
                on_run=lambda done, of: line.update(f"comparing: {done} of {counted(of, 'run')} measured"),
            )
    except (Exception, SystemExit) as error:
        _say(f"the runs could not be compared: {one_sentence(error)}")
    else:
        _say(f"compared in {_relative(compared.files[-1])}")


def _stop_jobs(sweep: Sweep) -> None:
    """Ask the jobs in other processes of this machine to stop as this one does, and wait for them."""
    for note in read_notes(sweep.folder).values():
        if note.process.is_of_this_host and is_being_run(sweep.folder, note):
            with suppress(ProcessLookupError):
                os.kill(note.process.number, signal.SIGTERM)
    _wait(sweep, _SECONDS_TO_STOP)


def _wait_for_jobs(sweep: Sweep) -> None:
    """The launcher gave up, as submitit does when one of its jobs was killed: let the others finish."""
    # those of this batch that have not said a word may be about to
    deadline = time.monotonic() + _SECONDS_TO_BEGIN
    while _wait(sweep) and time.monotonic() < deadline:
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _wait(sweep: Sweep, limit: float | None = None) -> bool:
    """Wait until no job of this machine runs any more; returns whether any did."""
    began, any_ran = time.monotonic(), False
    while limit is None or time.monotonic() - began < limit:
        notes = read_notes(sweep.folder).values()
        if not any(note.process.is_of_this_host and is_being_run(sweep.folder, note) for note in notes):
            return any_ran
        any_ran = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return any_ran


def _stop_display() -> None:
    if FollowSweep.display is not None:
        FollowSweep.display.stop()


def _log_of(sweep: Sweep, cut: BaseException) -> None:
    with (sweep.folder / _LOG).open("a", encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(cut)))


def _relative(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
