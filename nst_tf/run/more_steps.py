"""More steps for a run that is completed: from the state that was kept, or by the way that there is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from nst_tf.configuration.made import made
from nst_tf.configuration.video import video_of
from nst_tf.counted import counted
from nst_tf.errors import InputError
from nst_tf.run.saved_run import SavedRun, has_checkpoint

if TYPE_CHECKING:  # its package imports TensorFlow
    from nst_tf.record.checkpoint import Checkpoint


def refusal_of_completed(saved: SavedRun, steps: int | None) -> str | None:
    """Why a completed run does not go on, with a command that does; None if it can, for ``steps``."""
    folder, settings = shlex.quote(str(saved.folder)), saved.settings
    completed = f"the run in {saved.folder} is completed"
    if video_of(settings).takes_frames:
        more = 2 * settings.steps if steps is None else steps
        return f"{completed}, and an animation keeps no state: make it again, nst-rerun {folder} steps={more}"
    if has_checkpoint(saved.folder):
        ask = f"{completed}: for more steps say nst resume={folder} steps={2 * settings.steps}"
        return ask if steps is None else None
    picture = shlex.quote(str(saved.picture))
    asked = "" if steps is None else f" steps={steps}"
    again = f"nst-rerun {folder} init=file init.path={picture} pyramid=single{asked} --tolerance 0"
    return (
        f"{completed}, and its last state was not kept, as record.keep_checkpoint=true does:"
        f" to begin again from its picture say {again}"
    )


def ask_for_more(settings: DictConfig, folder: Path, last: Checkpoint | None, steps: int) -> None:
    """Give the last size of the completed run ``steps`` in all; coarser sizes keep those that they had.

    So the configuration is that of a run which makes them all at once. Raises InputError unless that is
    more than ``last``, the state at its end, has.
    """
    size = settings.image.size
    plan: Any = made("pyramid", settings.pyramid)
    scales = plan.scales(size, settings.image.style_size or size, settings.steps)
    if last is None or last.scale != len(scales) - 1:
        raise InputError(f"the checkpoint in {folder} is not of the end of its run: begin the run anew")
    if steps <= last.steps_at_scale:
        raise InputError(
            f"steps={steps} is possible only above the {counted(last.steps_at_scale, 'step')} that the run in"
            f" {folder} has made at its last size"
        )
    settings.steps = steps
    if "steps" in settings.pyramid:
        settings.pyramid.steps = [*(scale.steps for scale in scales[:-1]), steps]
