"""Reading an unfinished run back: its configuration, its pictures and its last checkpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from nst_tf.configuration.checks import Inputs, check_settings, read_inputs
from nst_tf.configuration.schema import Settings
from nst_tf.errors import InputError

if TYPE_CHECKING:  # importing it brings TensorFlow
    from nst_tf.record.checkpoint import Checkpoint


def resumable(folder: Path) -> tuple[DictConfig, Inputs, Checkpoint]:
    """Settings, pictures and checkpoint of the run; raises InputError for one that can't go on.

    Paths of pictures are taken from where the run was started. Nothing is unpickled, and targets are
    those that any configuration may name.
    """
    from nst_tf.record.checkpoint import read_checkpoint
    from nst_tf.record.folder import CHECKPOINT, CONFIGURATION, summary_of

    summary = summary_of(folder)
    if summary.get("status") == "completed":
        raise InputError(f"the run in {folder} is completed: there is nothing to resume")
    checkpoint = read_checkpoint(folder / CHECKPOINT)
    try:
        saved = OmegaConf.load(folder / CONFIGURATION)
        settings: Any = OmegaConf.merge(OmegaConf.structured(Settings), saved)
    except (OSError, YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the configuration of the run in {folder} can't be read: {reason}") from None
    check_settings(settings, None)
    here = Path.cwd()
    try:
        os.chdir(summary.get("working_folder", here))
        inputs = read_inputs(settings)
    except OSError:
        raise InputError(
            f"the folder that the run was started from is gone: {summary.get('working_folder')}"
        ) from None
    finally:
        os.chdir(here)
    recorded = summary.get("inputs", {})
    hashes = [
        recorded.get("content", {}).get("sha256"),
        *(one.get("sha256") for one in recorded.get("styles", [])),
    ]
    for picture, sha256 in zip((inputs.content, *inputs.styles), hashes, strict=False):
        if picture.sha256 != sha256:
            raise InputError(
                f"the picture {picture.name} is not what it was when the run began: begin it anew"
            )
    return settings, inputs, checkpoint
