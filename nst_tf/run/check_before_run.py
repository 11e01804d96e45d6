"""The check that runs before Hydra makes the run's folder, so that bad input leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from nst_tf.configuration.checks import check_settings, read_inputs
from nst_tf.errors import InputError
from nst_tf.loggers import loggers_of
from nst_tf.run.announced import announce, announcement
from nst_tf.run.disk_faults import sentence_for_disk
from nst_tf.run.folder_lock import claim
from nst_tf.run.memory import check_memory
from nst_tf.run.stop import Stop
from nst_tf.run.sweep.state import SWEEP
from nst_tf.run.typed import typed_keys


class CheckBeforeRun(Callback):
    """Checks settings, pictures and the folder of a single run before anything is written."""

    missing_folders: ClassVar[tuple[Path, ...]] = ()
    """The run's folder and those above it that did not exist before the run, innermost first."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Raise Stop, from the InputError or OmegaConf's own, for a run that could not succeed."""
        try:
            folder = Path.cwd() / config.hydra.run.dir
            check_run_folder(folder)
            CheckBeforeRun.missing_folders = tuple(
                path for path in (folder, *folder.parents) if not path.exists()
            )
            choices = OmegaConf.to_container(config.hydra.runtime.choices)
            settings = config.copy()
            with open_dict(settings):
                del settings["hydra"]
            check_settings(settings, choices)  # pyright: ignore[reportArgumentType]
            said = None
            if settings.resume is None:  # else the pictures and the sizes are another configuration's
                inputs = read_inputs(settings)
                check_memory(settings, inputs, typed_keys(config.hydra.overrides.task))
                loggers_of(settings)  # as long as nothing is written
                said = announcement(settings, inputs)
            _claim(folder)
            if said is not None:
                announce(said)
        except (InputError, OmegaConfBaseException) as error:
            raise Stop from error


def _claim(folder: Path) -> None:
    """Make the folder and lock it, before Hydra writes into it: see ``folder_lock``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(sentence_for_disk(error)) from error
    claim(folder)
    check_run_folder(folder)  # a run of another process may have come to its end meanwhile


def check_run_folder(folder: Path) -> None:
    """Raise InputError if the folder holds a run or a sweep already, or could not be made or written."""
    if (folder / "run.json").exists():
        raise InputError(f"the folder {folder} holds a run already: choose another with hydra.run.dir")
    if (folder / SWEEP).exists():
        raise InputError(
            f"the folder {folder} holds a sweep, whose jobs a single run would hide: choose another with"
            " hydra.run.dir"
        )
    check_writable(folder)


def check_writable(folder: Path) -> None:
    """Raise InputError if the folder could not be made or written."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise InputError(f"can't write to the folder {folder}: {nearest} is not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"can't write to the folder {folder}: {nearest} is not writable; choose another")
