"""A sweep from its first check to its exit status, in the process that launches it."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from nst_tf.check_before_run import check_writable
from nst_tf.errors import FAILED, InputError, Stop, counted, status_of, terminable
from nst_tf.files import relative_to_here
from nst_tf.machine import Process
from nst_tf.runs.folder import ENDED, LOG, RUN_JSON, SWEEP, WENT_WRONG, read_object
from nst_tf.runs.signals import ExitInTime
from nst_tf.sweep.display import SweepDisplay
from nst_tf.sweep.job import one_sentence
from nst_tf.sweep.plan import Plan, set_up_launcher
from nst_tf.sweep.resume import Action, next_action
from nst_tf.sweep.search import (
    StoredStudy,
    best_of_search,
    check_directions,
    continue_study,
    number_from,
    quieten,
    stored_study,
)
from nst_tf.sweep.state import Sweep, earlier_jobs, how_to_go_on, is_being_run, read_records

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
        if not read_records(sweep.folder):
            if FollowSweep.display is not None:
                FollowSweep.display.stop()
            sweep.remove()
            raise
        cut = error
    return 0 if Sweep.current is None else _end(Sweep.current, cut)


# ---- Before the first job ----


class FollowSweep(Callback):
    """Refuses a sweep that can't succeed before anything is written, and follows one that can.

    It travels to the processes of the jobs with the rest of Hydra's context, so it holds nothing itself.
    """

    display: ClassVar[SweepDisplay | None] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Raise Stop, from the error that says why, for a sweep that can't be begun."""
        try:
            folder = Path.cwd() / config.hydra.sweep.dir
            if (folder / RUN_JSON).exists():
                raise InputError(f"the folder {folder} holds a run: choose another with hydra.sweep.dir")
            check_writable(folder)
            study = _study_to_continue(config, folder)
            plan = Plan(config, GlobalHydra.instance().config_loader())
            completed = completed_before(folder, plan, config, study is not None)
            plan.check()
            set_up_launcher(config)
            quieten(config.hydra.sweeper)
            sweep = Sweep(folder, plan, completed, bool(config.sweep.compare), study)
            sweep.begin()
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            raise Stop from error
        except OSError as error:
            where = error.filename or "the folder of the sweep"
            raise Stop from InputError(
                f"can't write to {where} ({error.strerror}): choose another folder with hydra.sweep.dir"
            )
        Sweep.current = sweep
        ExitInTime.before_exit[:] = [sweep.interrupt]
        FollowSweep.display = SweepDisplay(sweep)
        FollowSweep.display.start()


def _study_to_continue(config: DictConfig, folder: Path) -> StoredStudy | None:
    """The stored study that a search goes on with; its number of trials is then that of the rest."""
    if "hydra_optuna_sweeper" not in config.hydra.sweeper._target_:
        return None
    number_from(0)
    study = stored_study(config.hydra.sweeper)
    if study is not None:
        numbers = [job["number"] for job in earlier_jobs(folder)]
        continue_study(config, study, taken=1 + max(numbers, default=-1))
    return study


def completed_before(folder: Path, plan: Plan, config: DictConfig, is_stored: bool) -> list[int]:
    """The jobs that an earlier call in the same folder has completed.

    Raises InputError if the earlier call is not over, or if a job would come to lie on another one.
    """
    before = read_object(folder / SWEEP)
    running = [record for record in read_records(folder).values() if is_being_run(folder, record)]
    if running:
        process = running[0].process
        where = "" if process.is_of_this_host else f" on {process.host}"
        raise InputError(
            f"job {running[0].number} of the sweep in {folder} is still being run by process"
            f" {process.number}{where}: wait for it, or end it"
        )
    if before is not None and before.get("status") == "running":
        launcher = Process.of(before.get("process"))
        if launcher is not None and launcher.is_alive and launcher != Process.this():
            raise InputError(
                f"the sweep in {folder} is still going on: wait for it, or choose another folder"
            )
    if plan.jobs is None:
        check_directions(config.hydra.sweeper)
        if before is not None or any(folder.glob(f"*/{RUN_JSON}")):
            _check_search(folder, plan, config, before, is_stored)
        return []
    completed = []
    for job in plan.jobs:
        if not (folder / job.folder / RUN_JSON).exists():
            continue
        settings, choices = plan.settings(job.overrides, job.number)
        # a value that can't be resolved: the job fails of it again
        with suppress(OmegaConfBaseException):
            if next_action(folder / job.folder, settings, choices, job.overrides) is Action.SKIP:
                completed.append(job.number)
    return completed


def _check_search(folder: Path, plan: Plan, config: DictConfig, before: Any, is_stored: bool) -> None:
    """A search comes to the same trials again only from the same words and a seed; one that is stored, never.

    Its new trials have numbers of their own.
    """
    if before is None or before.get("overrides") != plan.overrides:
        raise InputError(
            f"the folder {folder} holds other runs: choose another with hydra.sweep.dir, or repeat the words"
            " of the search that they are from"
        )
    if not is_stored and (config.hydra.sweeper.get("sampler") or {}).get("seed") is None:
        raise InputError(
            f"the search in {folder} can't be gone on with: without hydra.sweeper.sampler.seed=NUMBER or"
            " hydra.sweeper.storage=sqlite:///FILE.db and hydra.sweeper.study_name=NAME its trials are others"
            " each time; choose another folder with hydra.sweep.dir"
        )


# ---- After the last job, or in the middle of them ----


def _end(sweep: Sweep, cut: BaseException | None) -> int:
    """Wait for the jobs, tell what became of them, compare; returns the exit status.

    ``cut`` is what ended Hydra's program before it was through.
    """
    interrupted = isinstance(cut, KeyboardInterrupt)
    if interrupted:
        _stop_jobs(sweep)
    elif cut is not None:
        _wait_for_jobs(sweep)
    elapsed = ""
    if FollowSweep.display is not None:
        elapsed = f" in {FollowSweep.display.elapsed}"
        FollowSweep.display.stop()
    status = sweep.end(interrupted)
    if sweep.plan.count != 0:
        counts = {one: len(sweep.with_status(one)) for one in (*ENDED, "running", "pending")}
        listed = ", ".join(f"{count} {one}" for one, count in counts.items() if count)
        _say(f"{counted(len(sweep.jobs()), 'job')}: {listed}{elapsed}")
    for job in sweep.with_status(*WENT_WRONG):
        _say(f"  {sweep.name(job)} {job['status']}: {job.get('error')}")
    if isinstance(cut, KeyboardInterrupt):
        _say(f"nst: interrupted; {how_to_go_on(relative_to_here(sweep.folder))}")
        return status_of(cut)
    # Optuna raises at the end of a search in which nothing, or the last point of a grid, succeeded
    over = sweep.plan.jobs is None and len(sweep.with_status(*ENDED)) == sweep.plan.count
    if cut is not None and not over:
        with (sweep.folder / LOG).open("a", encoding="utf-8") as log:
            log.write("".join(traceback.format_exception(cut)))
        go_on = how_to_go_on(relative_to_here(sweep.folder))
        _say(f"nst: the sweep was cut short ({one_sentence(cut)[:300]}); {go_on}")
    if best := best_of_search(sweep.values()):
        _say(f"the best: {best}")
    if sweep.compare and sweep.with_status("completed", "diverged"):
        _compare(sweep)
    print(relative_to_here(sweep.folder))  # noqa: T201  (what the program answers)
    return 0 if status == "completed" and (cut is None or over) else FAILED


def _compare(sweep: Sweep) -> None:
    """Write the comparison into the sweep's folder, and show the best runs.

    Whatever goes wrong is told and does no harm.
    """
    # which import much, and most commands need none of it
    from nst_tf.compare.comparing import PAGE, compare
    from nst_tf.compare.tables import best_table, show

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
        if (table := best_table(compared.shown)) and len(compared.runs) > 1:
            show(table, sys.stderr)
        _say(f"compared in {relative_to_here(compared.output / PAGE)}")


def _stop_jobs(sweep: Sweep) -> None:
    """Ask the jobs in other processes of this machine to stop as this one does, and wait for them."""
    for record in read_records(sweep.folder).values():
        if record.process.is_of_this_host and is_being_run(sweep.folder, record):
            with suppress(ProcessLookupError):
                os.kill(record.process.number, signal.SIGTERM)
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
        records = read_records(sweep.folder).values()
        if not any(one.process.is_of_this_host and is_being_run(sweep.folder, one) for one in records):
            return any_ran
        any_ran = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return any_ran


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
