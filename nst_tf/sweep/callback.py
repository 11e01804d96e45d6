"""What happens before the first job of a sweep: checks, and the start of its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from nst_tf.check_before_run import check_writable
from nst_tf.errors import InputError, Stop
from nst_tf.machine import Process
from nst_tf.runs.folder import SWEEP
from nst_tf.runs.signals import ExitInTime
from nst_tf.sweep.display import SweepDisplay
from nst_tf.sweep.earlier import Earlier, earlier_run
from nst_tf.sweep.plan import Plan, arrange, run_folder
from nst_tf.sweep.search import StoredStudy, check_directions, go_on, number_from, quieten, stored_study
from nst_tf.sweep.state import SUMMARY, Sweep, earlier_jobs, is_being_run, read_notes, read_object


class FollowSweep(Callback):
    """Refuses a sweep that can't succeed before anything is written, and follows one that can.

    It travels to the processes of the jobs with the rest of Hydra's context, so it holds nothing itself.
    """

    display: ClassVar[SweepDisplay | None] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Raise Stop, from the error that says why, for a sweep that can't be begun."""
        try:
            folder = Path.cwd() / config.hydra.sweep.dir
            if (folder / SUMMARY).exists():
                raise InputError(f"the folder {folder} holds a run: choose another with hydra.sweep.dir")
            check_writable(folder)
            study = _going_on_with(config, folder)
            plan = Plan(config, GlobalHydra.instance().config_loader())
            completed = _completed_before(folder, plan, config, study is not None)
            plan.check()
            arrange(config)
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
        ExitInTime.before_exit[:] = [sweep.leave]
        FollowSweep.display = SweepDisplay(sweep)
        FollowSweep.display.start()


def _going_on_with(config: DictConfig, folder: Path) -> StoredStudy | None:
    """The stored study that a search goes on with; its number of trials is then that of the rest."""
    if "hydra_optuna_sweeper" not in config.hydra.sweeper._target_:
        return None
    number_from(0)
    study = stored_study(config.hydra.sweeper)
    if study is not None:
        go_on(config, study, 1 + max((job["number"] for job in earlier_jobs(folder)), default=-1))
    return study


def _completed_before(folder: Path, plan: Plan, config: DictConfig, is_stored: bool) -> list[int]:
    """The jobs that an earlier call in the same folder has completed.

    Raises InputError if the earlier call is not over, or if a job would come to lie on another one.
    """
    before = read_object(folder / SWEEP)
    running = [note for note in read_notes(folder).values() if is_being_run(folder, note)]
    if running:
        process = running[0].process
        where = "" if process.is_of_this_host else f" on {process.host}"
        raise InputError(
            f"job {running[0].number} of the sweep in {folder} is still being run by process"
            f" {process.number}{where}: wait for it, or end it"
        )
    if before is not None and before.get("status") == "running" and _is_alive(before.get("process")):
        raise InputError(f"the sweep in {folder} is still going on: wait for it, or choose another folder")
    if plan.jobs is None:
        check_directions(config.hydra.sweeper)
        if before is not None or any(folder.glob(f"*/{SUMMARY}")):
            _check_search(folder, plan, config, before, is_stored)
        return []
    completed = []
    for job in plan.jobs:
        if not (run_folder(folder, job) / SUMMARY).exists():
            continue
        settings, choices = plan.settings(job.overrides, job.number)
        try:
            earlier = earlier_run(run_folder(folder, job), settings, choices, job.overrides)
            if earlier is Earlier.COMPLETED:
                completed.append(job.number)
        except OmegaConfBaseException:  # a value that can't be resolved: the job fails of it again
            continue
    return completed


def _check_search(folder: Path, plan: Plan, config: DictConfig, before: Any, is_stored: bool) -> None:
    """A search comes to the same trials again only from the same words and a seed; one that is stored, never.

    Its new trials have numbers of their own.
    """
    if before is None or before.get("overrides") != plan.words:
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


def _is_alive(process: Any) -> bool:
    """Whether another process is still there."""
    try:
        return Process(**process).is_alive and Process(**process) != Process.this()
    except TypeError:
        return False
