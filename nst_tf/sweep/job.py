"""One job of a sweep, in whatever process its launcher chose: what goes wrong in it stays in it."""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.config.messages import sentence_for
from nst_tf.config.overrides import explicit_keys, overrides_of
from nst_tf.config.schema import Settings
from nst_tf.errors import InputError, terminable
from nst_tf.files import write_text_atomically
from nst_tf.machine import Process
from nst_tf.run import resume, run
from nst_tf.runs.folder import CONFIG_YAML, RUN_JSON, FolderInUse, read_object, write_summary
from nst_tf.runs.memory import is_out_of_memory
from nst_tf.runs.provenance import requested_sha256
from nst_tf.sweep.batch import batches_of
from nst_tf.sweep.plan import GRID, take_one_gpu
from nst_tf.sweep.resume import Action, clear, next_action
from nst_tf.sweep.search import value_of
from nst_tf.sweep.state import JobRecord, end_running, is_being_run, read_records, write_record

_log = logging.getLogger(__name__)


class _Refused(Exception):
    """The folder of the job belongs to another run, and must stay as it is."""


def job_of_sweep(settings: Settings, state: Any) -> str | float | list[float] | None:
    """Run one job; ``state`` is Hydra's part of its configuration.

    Returns the path of its picture, or in a search the value to be minimized; None if it failed, of which
    its folder and its record tell. Only an interruption passes through.
    """
    os.chdir(state.runtime.cwd)  # launchers that start processes of their own start them anywhere
    _log_to_file_only()
    _stay_a_worker_of_joblib()
    folder, sweep = Path(state.runtime.output_dir), Path(state.sweep.dir).absolute()
    record = JobRecord(
        number=state.job.num,
        folder=os.path.relpath(folder, sweep),
        overrides=tuple(overrides_of(state)),
        status="running",
        process=Process.this(),
    )
    began = time.perf_counter()
    try:
        with terminable():
            other = read_records(sweep).get(record.number)
            if other is not None and is_being_run(sweep, other):  # as one whose launcher was killed may be
                raise _Refused(f"job {record.number} is still being run by process {other.process.number}")
            write_record(sweep, record)
            record = replace(record, was_there=_run_unless_done(settings, state, folder))
            value = None if state.sweeper._target_ == GRID else value_of(folder, state.sweeper)
    except (_Refused, FolderInUse) as refused:  # nothing in the folder is this job's: not even its log
        write_record(sweep, replace(record, status="failed", error=str(refused)))
        return None
    except (Exception, SystemExit) as error:
        sentence = one_sentence(error)
        _log.error("%s\n%s", sentence, "".join(traceback.format_exception(error)))
        _end(sweep, replace(record, status="failed", error=sentence), settings, state, began)
        if "nst_tf.process_cache" in sys.modules:  # its compiled steps may be in any state, and memory short
            sys.modules["nst_tf.process_cache"].CACHE.forget_sizes()
        return None
    except BaseException:
        _end(sweep, replace(record, status="interrupted"), settings, state, began)
        raise
    seconds = time.perf_counter() - began
    write_record(sweep, replace(record, status="completed", seconds=seconds, value=value))
    return str(folder) if value is None else value


def one_sentence(error: BaseException) -> str:
    """What went wrong, on one line: our own sentences as they are, others with the kind of error."""
    kind, text = type(error).__name__, " ".join(str(error).split())
    if isinstance(error, (InputError, FloatingPointError)):
        return text
    if isinstance(error, OmegaConfBaseException):
        return sentence_for(error)
    if is_out_of_memory(error):
        return (
            f"there is not enough memory for this run: a smaller image.size needs less ({kind}: {text[:200]})"
        )
    return f"{kind}: {text}" if text else kind


def _run_unless_done(settings: Settings, state: Any, folder: Path) -> bool:
    """Run what is not yet done; returns whether everything was."""
    choices, overrides = dict(state.runtime.choices), overrides_of(state)
    if settings.resume is not None:
        raise InputError(f"resume={settings.resume} goes on with one run, and is not possible in a sweep")
    try:
        action = next_action(folder, settings, choices, overrides)
    except InputError as error:
        raise _Refused(str(error)) from None
    if action is Action.SKIP:
        return True
    take_one_gpu(state.job.num, state.launcher._target_, os.environ)
    if action is Action.RESUME:
        resume(folder, quiet=True)
        return False
    if action is Action.RESTART:
        clear(folder, settings.record.picture)
    sweep = Path(state.sweep.dir).absolute()
    batches = batches_of(state)
    batch = None if batches is None else partial(batches.result_of, state.job.num)
    explicit = explicit_keys(overrides, state.sweeper.get("params") or ())
    run(settings, choices, folder, overrides, quiet=True, sweep=sweep, batch=batch, explicit=explicit)
    return False


def _end(sweep: Path, record: JobRecord, settings: Settings, state: Any, began: float) -> None:
    """Write how the job ended, first into its folder, then into its record."""
    folder, status = sweep / record.folder, record.status
    summary = read_object(folder / RUN_JSON)
    if summary is None:
        _write_failure(folder, record, settings, state)
    else:
        end_running(folder, status, record.error)
        status = "diverged" if summary.get("status") == "diverged" else status
    write_record(sweep, replace(record, status=status, seconds=time.perf_counter() - began))


def _write_failure(folder: Path, record: JobRecord, settings: Settings, state: Any) -> None:
    """The summary of a run that did not come as far as to write one."""
    facts: dict[str, Any] = {"status": record.status} | ({"error": record.error} if record.error else {})
    facts |= {
        "overrides": list(record.overrides),
        "choices": {k: v for k, v in state.runtime.choices.items() if not k.startswith("hydra/")},
        "process": record.process.number,
        "working_folder": str(Path.cwd()),
    }
    try:
        facts["requested_sha256"] = requested_sha256(settings)
        write_text_atomically(folder / CONFIG_YAML, OmegaConf.to_yaml(settings, resolve=True))
    except OmegaConfBaseException:  # a value that can't be resolved may be what was wrong
        pass
    write_summary(folder, facts)


def _log_to_file_only() -> None:
    """The terminal belongs to the process that launched the sweep, and has one line for all jobs."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)


def _stay_a_worker_of_joblib() -> None:
    """Keep joblib from replacing a worker that has grown by 300 MB since its first job.

    It takes that for a leak. Here it is TensorFlow and the compiled steps, which the next job needs: a new
    worker would spend ten seconds to get them again. joblib has no public setting for it.
    """
    executor = sys.modules.get("joblib.externals.loky.process_executor")
    if executor is not None:
        executor._USE_PSUTIL = False  # pyright: ignore[reportAttributeAccessIssue]
