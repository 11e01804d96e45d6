"""The command line: ``nst`` and ``python -m nst_tf``."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.configuration.experiment_files import with_experiment_files
from nst_tf.configuration.file_words import with_quoted_files
from nst_tf.configuration.places import CONFIGURATION
from nst_tf.configuration.schema import register_schema
from nst_tf.configuration.words import sentence_for, sentence_for_value_error
from nst_tf.errors import InputError
from nst_tf.run.check_before_run import CheckBeforeRun
from nst_tf.run.job import remove_empty_run, resume, run
from nst_tf.run.stop import Stop

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130  # 130 = 128 + SIGINT, as shells count

_COLUMNS = 110  # of the help: as wide as this project's own lines
_SUFFIX_BYTES = 2  # four hexadecimal digits tell apart runs that start in the same second


def main() -> None:
    """Run what the command line says; exits with 0, 1 (the run failed), 2 (bad input) or 130 (Ctrl-C)."""
    register_schema()
    OmegaConf.register_new_resolver(
        "run_suffix", lambda: secrets.token_hex(_SUFFIX_BYTES), use_cache=True, replace=True
    )
    # Hydra then raises what it would print with a traceback or in several lines
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        sys.argv[1:] = with_quoted_files(with_experiment_files(sys.argv[1:]))
        program = hydra.main(config_path=str(CONFIGURATION), config_name="config", version_base="1.3")(_job)
        _print_wrapped(program) if _asks_for_help() else program()
    except (Stop, InputError, FloatingPointError, KeyboardInterrupt) as error:
        reason = error.__cause__ if isinstance(error, Stop) and error.__cause__ else error
        _stop(_message(reason), _status(reason))
    except (HydraException, OmegaConfBaseException) as error:
        _stop(sentence_for(error), BAD_INPUT)
    except ValueError as error:
        message = sentence_for_value_error(error, sys.argv[1:])
        if message is None:
            raise
        _stop(message, BAD_INPUT)
    except BrokenPipeError:  # whoever read the output has enough of it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except OSError as error:
        where = error.filename or "the run's folder"
        _stop(
            f"can't write to {where} ({error.strerror}): choose another folder with hydra.run.dir", BAD_INPUT
        )


def _job(settings: DictConfig) -> str:
    state = HydraConfig.get()
    folder = Path(state.runtime.output_dir)
    try:
        if settings.resume is None:
            words = list(state.overrides.task)
            picture = run(settings, dict(state.runtime.choices), folder, words, sweep=_sweep_folder(state))
        else:
            _check_resume_alone(list(state.overrides.task))
            picture = resume(Path(settings.resume))
            # the run went on in its own folder: the one that Hydra made for this call holds nothing
            remove_empty_run(folder, CheckBeforeRun.missing_folders)
    except (InputError, FloatingPointError) as error:
        if isinstance(error, InputError):
            alone = state.mode == RunMode.RUN
            remove_empty_run(folder, CheckBeforeRun.missing_folders if alone else (folder,))
        if state.mode == RunMode.RUN:
            raise Stop from error
        raise
    print(_relative(picture))  # noqa: T201  (what the program answers)
    return str(picture)


def _sweep_folder(state: Any) -> Path | None:
    """The folder in which the runs of a sweep share the copies of their pictures."""
    if state.mode != RunMode.MULTIRUN:
        return None
    return Path(state.runtime.cwd) / state.sweep.dir


def _check_resume_alone(words: list[str]) -> None:
    if len(words) > 1:
        others = " ".join(word for word in words if not word.startswith("resume="))
        raise InputError(f"a resumed run keeps its own configuration: leave out {others}")


def _asks_for_help() -> bool:
    """Refuses what is no flag in one sentence, where Hydra's own parser prints its usage: InputError."""
    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        raise InputError(f"{message} (flags such as -m come before KEY=VALUE; see `nst --hydra-help`)")

    parser.error = refuse
    return parser.parse_args().help


def _print_wrapped(program: Callable[[], object]) -> None:
    """Run what prints the help; Hydra puts all options of a group on one line."""
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            program()
    finally:  # it exits
        for line in text.getvalue().splitlines():
            print("\n".join(textwrap.wrap(line, _COLUMNS, subsequent_indent="    ")))  # noqa: T201


def _message(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return sentence_for(error) if isinstance(error, OmegaConfBaseException) else str(error)


def _status(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return FAILED if isinstance(error, FloatingPointError) else BAD_INPUT


def _relative(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _stop(message: str, status: int) -> None:
    print(f"nst: {message}", file=sys.stderr)  # noqa: T201
    sys.exit(status)


if __name__ == "__main__":
    main()
