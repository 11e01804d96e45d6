"""One job of a sweep, in whatever process its launcher chose: what goes wrong in it stays in it."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.config.messages import sentence_for
from nst_tf.config.overrides import explicit_keys
from nst_tf.errors import InputError, terminable
from nst_tf.files import write_text_atomically
from nst_tf.machine import Process
from nst_tf.run import resume, run
from nst_tf.runs.folder import FolderInUse
from nst_tf.runs.memory import is_out_of_memory
from nst_tf.runs.provenance import requested_sha256
from nst_tf.sweep.batch import companions_of
from nst_tf.sweep.earlier import Earlier, earlier_run, take_away
from nst_tf.sweep.plan import GRID, take_one_gpu, words_of
from nst_tf.sweep.search import value_of
from nst_tf.sweep.state import (
    SUMMARY,
    JobNote,
    end_running,
    is_being_run,
    read_notes,
    read_object,
    write_note,
)

_log = logging.getLogger(__name__)


class _Refused(Exception):
    """The folder of the job belongs to another run, and must stay as it is."""


def job_of_sweep(settings: DictConfig, state: Any) -> str | float | list[float] | None:
    """Run one job; ``state`` is Hydra's part of its configuration.

    Returns the path of its picture, or in a search the value to be minimized; None if it failed, of which
    its folder and its note tell. Only an interruption passes through.
    """
    os.chdir(state.runtime.cwd)  # launchers that start processes of their own start them anywhere
    _log_to_file_only()
    folder, sweep = Path(state.runtime.output_dir), Path(state.sweep.dir).absolute()
    note = JobNote(
        number=state.job.num,
        folder=os.path.relpath(folder, sweep),
        overrides=tuple(words_of(state)),
        status="running",
        process=Process.this(),
    )
    began = time.perf_counter()
    try:
        with terminable():
            _check_alone(sweep, note)
            write_note(sweep, note)
            note = replace(note, was_there=_done(settings, state, folder))
            value = None if state.sweeper._target_ == GRID else value_of(folder, state.sweeper)
    except (_Refused, FolderInUse) as refused:  # nothing in the folder is this job's: not even its log
        write_note(sweep, replace(note, status="failed", error=str(refused)))
        return None
    except (Exception, SystemExit) as error:
        sentence = one_sentence(error)
        _log.error("%s\n%s", sentence, "".join(traceback.format_exception(error)))
        _end(sweep, replace(note, status="failed", error=sentence), settings, state, began)
        _forget_what_was_kept()
        return None
    except BaseException:
        _end(sweep, replace(note, status="interrupted"), settings, state, began)
        raise
    seconds = time.perf_counter() - began
    write_note(sweep, replace(note, status="completed", seconds=seconds, value=value))
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


def _done(settings: DictConfig, state: Any, folder: Path) -> bool:
    """Run what is not yet done; returns whether everything was."""
    choices = dict(state.runtime.choices)
    if settings.resume is not None:
        raise InputError(f"resume={settings.resume} goes on with one run, and is not possible in a sweep")
    try:
        earlier = earlier_run(folder, settings, choices, words_of(state))
    except InputError as error:
        raise _Refused(str(error)) from None
    if earlier is Earlier.COMPLETED:
        return True
    take_one_gpu(state.job.num, state.launcher._target_, os.environ)
    if earlier is Earlier.GO_ON:
        resume(folder, quiet=True)
        return False
    if earlier is Earlier.ANEW:
        take_away(folder, settings.record.picture)
    sweep = Path(state.sweep.dir).absolute()
    companions = companions_of(state)
    together = None if companions is None else partial(companions.made, state.job.num)
    words = words_of(state)
    explicit = explicit_keys(words, state.sweeper.get("params") or ())
    run(settings, choices, folder, words, quiet=True, sweep=sweep, together=together, explicit=explicit)
    return False


def _check_alone(sweep: Path, note: JobNote) -> None:
    """Raise _Refused if another process is at this job, as one whose launcher was killed may be."""
    other = read_notes(sweep).get(note.number)
    if other is not None and is_being_run(sweep, other):
        raise _Refused(f"job {note.number} is still being run by process {other.process.number}")


def _end(sweep: Path, note: JobNote, settings: DictConfig, state: Any, began: float) -> None:
    """Write how the job ended, first into its folder, then into its note."""
    folder = sweep / note.folder
    summary = read_object(folder / SUMMARY)
    if summary is None:
        _write_failure(folder, note, settings, state)
    else:
        end_running(folder, note.status, note.error)
    diverged = summary is not None and summary.get("status") == "diverged"
    status = "diverged" if diverged else note.status
    write_note(sweep, replace(note, status=status, seconds=time.perf_counter() - began))


def _write_failure(folder: Path, note: JobNote, settings: DictConfig, state: Any) -> None:
    """The summary of a run that did not come as far as to write one."""
    facts: dict[str, Any] = {"status": note.status} | ({"error": note.error} if note.error else {})
    facts |= {
        "overrides": list(note.overrides),
        "choices": {k: v for k, v in _plain(state.runtime.choices).items() if not k.startswith("hydra/")},
        "process": note.process.number,
        "working_folder": str(Path.cwd()),
    }
    try:
        facts["requested_sha256"] = requested_sha256(settings)
        write_text_atomically(folder / "config.yaml", OmegaConf.to_yaml(settings, resolve=True))
    except OmegaConfBaseException:  # a value that can't be resolved may be what was wrong
        pass
    write_text_atomically(folder / SUMMARY, json.dumps(facts, indent=2) + "\n")


def _forget_what_was_kept() -> None:
    """A run that broke off may have left compiled steps in any state, and memory short."""
    if "nst_tf.reuse" in sys.modules:
        sys.modules["nst_tf.reuse"].WARM.forget_sizes()


def _plain(node: Any) -> Mapping[str, Any]:
    container: Any = OmegaConf.to_container(node)
    return container


def _log_to_file_only() -> None:
    """The terminal belongs to the process that launched the sweep, and has one line for all jobs."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)
