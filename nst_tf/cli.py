"""The command line: ``nst`` and ``python -m nst_tf``."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.check_before_run import CheckBeforeRun, cause_on_disk, sentence_for_disk
from nst_tf.config.experiment_files import with_experiment_files
from nst_tf.config.help import help_on_groups, help_on_options
from nst_tf.config.messages import sentence_for, sentence_for_bare_error
from nst_tf.config.overrides import explicit_keys, overrides_of, spelled_as_keys, with_quoted_files
from nst_tf.config.schema import CONF_FOLDER, Settings, register_schema
from nst_tf.config.trust import trusting, with_trust
from nst_tf.errors import BAD_INPUT, FAILED, InputError, Stop, end_without_reader, status_of, stop
from nst_tf.files import relative_to_here
from nst_tf.machine import ShowVersions
from nst_tf.run import resume, run
from nst_tf.runs.folder import FolderInUse, remove_empty_run, resume_hint
from nst_tf.sweep.callback import run_to_the_end
from nst_tf.sweep.contents import with_many_pictures
from nst_tf.sweep.job import job_of_sweep

_SUFFIX_BYTES = 2  # four hexadecimal digits tell apart runs that start in the same second


def main() -> None:
    """Run what the command line says; exits with 0, 1 (the run failed), 2 (bad input) or 130 (Ctrl-C)."""
    register_schema()
    OmegaConf.register_new_resolver(
        "run_suffix", lambda: secrets.token_hex(_SUFFIX_BYTES), use_cache=True, replace=True
    )
    # Hydra then raises what it would print with a traceback or in several lines
    os.environ["HYDRA_FULL_ERROR"] = "1"
    logging.raiseExceptions = False  # a log that finds the disk full would print tracebacks
    try:
        words, trust = with_trust(sys.argv[1:])
        with trusting(trust):
            if groups := _groups_to_explain(words):
                print(help_on_options(groups))  # noqa: T201
                return
            words = with_experiment_files(spelled_as_keys(words))
            sys.argv[1:] = with_quoted_files(with_many_pictures(words))
            program = hydra.main(config_path=str(CONF_FOLDER), config_name="config", version_base="1.3")(_job)
            if _asks_for_help():
                _print_help(program)
            elif status := run_to_the_end(program):
                sys.exit(status)
    except BrokenPipeError:
        end_without_reader()
    except (Stop, Exception, KeyboardInterrupt) as error:
        # of Hydra's own files, before the run began; its error for a missing option is an OSError, too
        if isinstance(error, OSError) and not isinstance(error, HydraException):
            if created := CheckBeforeRun.created_folders:
                remove_empty_run(created[0], created)
            stop("nst", sentence_for_disk(error), BAD_INPUT)
        reason = error.__cause__ if isinstance(error, Stop) and error.__cause__ else error
        message = _message(reason)
        if message is None:  # a mistake of our own
            raise
        stop("nst", message, _status(reason))


def _job(settings: Settings) -> Any:
    state = HydraConfig.get()
    if state.mode == RunMode.MULTIRUN:
        return job_of_sweep(settings, state)
    folder = Path(state.runtime.output_dir)
    os.chdir(state.runtime.cwd)  # hydra.job.chdir=true changed it: names count from where they were typed
    try:
        words = overrides_of(state)
        if settings.resume is None:
            checked, CheckBeforeRun.checked = CheckBeforeRun.checked, None
            finished = run(settings, dict(state.runtime.choices), folder, words, checked=checked)
        else:
            _check_resume_alone(words)
            steps = settings.steps if "steps" in explicit_keys(words) else None
            finished = resume(Path(settings.resume), steps=steps)
            # the run went on in its own folder: the one that Hydra made for this call holds nothing
            remove_empty_run(folder, CheckBeforeRun.created_folders)
    except KeyboardInterrupt as interruption:
        interruption.args = resume_hint(folder if settings.resume is None else Path(settings.resume))
        raise
    except BrokenPipeError:
        raise
    except (InputError, FloatingPointError, OSError) as error:
        if not isinstance(error, (FloatingPointError, FolderInUse)):
            remove_empty_run(folder, CheckBeforeRun.created_folders)
        if full := cause_on_disk(error) or (error if isinstance(error, OSError) else None):
            where = folder if settings.resume is None else Path(settings.resume)
            raise Stop from InputError(sentence_for_disk(full, relative_to_here(where)))
        raise Stop from error
    print(relative_to_here(finished.file))  # noqa: T201  (what the program answers)
    return str(finished.file)


def _check_resume_alone(words: list[str]) -> None:
    others = " ".join(word for word in words if not word.startswith(("resume=", "steps=")))
    if others:
        raise InputError(f"a resumed run keeps its own configuration: leave out {others}")


def _asks_for_help() -> bool:
    """Refuses what is no flag in one sentence, where Hydra's own parser prints its usage: InputError.

    ``--version`` is answered here, with more than Hydra's own; it exits.
    """
    flags = get_args_parser()
    parser = argparse.ArgumentParser(parents=[flags], add_help=False, conflict_handler="resolve")
    parser.add_argument("--version", action=ShowVersions)

    def refuse(message: str) -> NoReturn:
        raise InputError(f"{message} (flags such as -m come before KEY=VALUE; see `nst --hydra-help`)")

    parser.error = refuse
    return parser.parse_args().help


def _groups_to_explain(words: Sequence[str]) -> list[str]:
    """Of ``nst --help GROUP ...`` the groups; none for other words."""
    flags = [word for word in words if word.startswith("-")]
    names = [word for word in words if not word.startswith("-")]
    return names if flags in (["--help"], ["-h"]) and not any("=" in name for name in names) else []


def _print_help(program: Callable[[], object]) -> None:
    """Run what prints the help; Hydra puts all options of a group on one line."""
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            program()
    finally:  # it exits
        print(help_on_groups(text.getvalue()))  # noqa: T201


def _message(error: BaseException) -> str | None:
    """One sentence for what a user can cause; None for a mistake of our own."""
    if isinstance(error, KeyboardInterrupt):
        return "; ".join(["interrupted", *map(str, error.args)])
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        return sentence_for(error)
    if isinstance(error, (InputError, FloatingPointError)):
        return str(error)
    return sentence_for_bare_error(error, sys.argv[1:]) if isinstance(error, Exception) else None


def _status(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return status_of(error)
    return FAILED if isinstance(error, FloatingPointError) else BAD_INPUT


if __name__ == "__main__":
    main()
