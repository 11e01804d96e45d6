"""Reading an unfinished run back: its configuration and its pictures."""

from __future__ import annotations

import logging
from pathlib import Path

from omegaconf import DictConfig

from nst_tf.configuration.checks import Files, Inputs
from nst_tf.errors import InputError
from nst_tf.run.more_steps import refusal_of_completed
from nst_tf.run.saved_run import read_saved_run

_log = logging.getLogger(__name__)


def resumable(folder: Path, steps: int | None = None) -> tuple[DictConfig, Inputs, Files]:
    """Settings, pictures and files of the run; raises InputError for one that can't go on.

    A completed one goes on for ``steps`` at its last size, if its last state was kept; another one has the
    steps that it was configured with.
    The pictures are the copies in the folder, or those at the configured paths, as seen from where the run
    was started, if they still are what they were. Targets are those that any configuration may name.
    """
    saved = read_saved_run(folder)
    if saved.status == "completed":
        if refusal := refusal_of_completed(saved, steps):
            raise InputError(refusal)
    elif steps is not None:
        raise InputError(f"a run that is not completed keeps its own configuration: leave out steps={steps}")
    for path in folder.iterdir():
        if path.is_symlink():  # going on would write through it
            raise InputError(f"{path} is a symbolic link: a run's folder holds its own files")
    located = saved.located()
    if located.missing:
        raise InputError(located.put_back(saved.working_folder))
    if located.changed:
        raise InputError(
            f"{located.what(located.changed[0])} is not what it was when the run began: begin it anew"
        )
    for sentence in located.damaged:
        _log.warning("%s", sentence)
    return saved.settings, saved.checked(located.files), located.files
