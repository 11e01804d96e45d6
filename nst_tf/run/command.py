"""The command line: ``nst`` and ``python -m nst_tf``."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.configuration.places import CONFIGURATION
from nst_tf.configuration.schema import Settings, register_schema
from nst_tf.configuration.sentences import sentence
from nst_tf.errors import InputError
from nst_tf.run.check_before_run import Refused
from nst_tf.run.job import remove_empty_run, run

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130  # 130 = 128 + SIGINT, as shells count

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
        hydra.main(config_path=str(CONFIGURATION), config_name="config", version_base="1.3")(_job)()
    except Refused as refused:
        _stop(str(refused.__cause__), BAD_INPUT)
    except InputError as error:
        _stop(str(error), BAD_INPUT)
    except (HydraException, OmegaConfBaseException) as error:
        _stop(sentence(error, _words(), _groups()), BAD_INPUT)
    except FloatingPointError as error:
        _stop(str(error), FAILED)
    except KeyboardInterrupt:
        _stop("interrupted", INTERRUPTED)
    except PermissionError as error:
        _stop(f"can't write to {error.filename}: choose a folder that is writable with hydra.run.dir", BAD_INPUT)


def _job(settings: DictConfig) -> str:
    state = HydraConfig.get()
    folder = Path(state.runtime.output_dir)
    try:
        picture = run(settings, dict(state.runtime.choices), folder)
    except InputError:
        if state.mode == RunMode.RUN:
            remove_empty_run(folder)
        raise
    print(_relative(picture))  # noqa: T201  (what the program answers)
    return str(picture)


def _relative(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _stop(message: str, status: int) -> None:
    print(f"nst: {message}", file=sys.stderr)  # noqa: T201
    sys.exit(status)


def _words() -> Iterable[str]:
    def walk(node: DictConfig, prefix: str) -> Iterable[str]:
        for key in node:
            yield f"{prefix}{key}"
            child = node._get_node(key)
            if isinstance(child, DictConfig) and not child._is_missing():
                yield from walk(child, f"{prefix}{key}.")

    return walk(OmegaConf.structured(Settings), "")


def _groups() -> Iterable[str]:
    for folder in CONFIGURATION.rglob("*"):
        if folder.is_dir():
            yield folder.relative_to(CONFIGURATION).as_posix()


if __name__ == "__main__":
    main()
