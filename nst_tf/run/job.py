"""One run: from a checked configuration to a finished folder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.checks import NO_FILES, Files, Inputs, check_settings, read_inputs
from nst_tf.configuration.styles import style_names
from nst_tf.loggers import Loggers, loggers_of
from nst_tf.processes import Process
from nst_tf.quiet_tensorflow import load_tensorflow
from nst_tf.run.advice import what_to_change
from nst_tf.run.announced import announce, announcement
from nst_tf.run.delivery import cut_out, file_form, score_of_file
from nst_tf.run.folder_lock import alone_in
from nst_tf.run.log_of_run import also_logged_to
from nst_tf.run.memory import check_memory
from nst_tf.run.more_steps import ask_for_more
from nst_tf.run.out_of_memory import memory_told
from nst_tf.run.profile import print_profile, tensorflow_profile
from nst_tf.run.resumable import resumable
from nst_tf.run.said_of_inputs import notes_on
from nst_tf.run.saved_run import has_checkpoint, read_summary
from nst_tf.run.timings import Timings
from nst_tf.run.typed import Typed
from nst_tf.run.untouched import NEVER_LOWER

if TYPE_CHECKING:  # these import TensorFlow
    from nst_tf.record.checkpoint import Checkpoint
    from nst_tf.run.experiment import Experiment
    from nst_tf.run.together import Made

_log = logging.getLogger(__name__)

LOG = "nst.log"
"""What was said of a run, in its folder; Hydra writes it."""

Together = Callable[[str, DictConfig, Inputs, "Experiment"], "Made | None"]
"""Identity of a run as asked for, settings, pictures, experiment -> what came of it with others, or None."""

NOT_OF_A_RUN = ("sweep", "logger", "resume", "profile")
"""What is done with a whole sweep, or only told: no part of the identity of a run."""


@alone_in("folder_path")
def run(
    settings: DictConfig,
    choices: Mapping[str, str] | None,
    folder_path: Path,
    overrides: Sequence[str] = (),
    quiet: bool = False,
    files: Files = NO_FILES,
    sweep: Path | None = None,
    facts: Mapping[str, Any] = MappingProxyType({}),
    together: Together | None = None,
    typed: Typed = None,
) -> Path:
    """Run one configuration in an existing folder; returns the path of the picture.

    ``choices`` and ``overrides`` are how the configuration was asked for; they are recorded, with any
    other ``facts``. ``quiet`` shows no progress. ``files`` are read in the place of configured names. The
    runs of a sweep, whose folder is ``sweep``, share the copies of their pictures. ``together`` may have the
    run optimized with others, or have done it. What was not ``typed``, but stands in a saved configuration,
    gives way where it is impossible here: precision and memory.

    Raises InputError before anything but the folder was written, or FloatingPointError if the run
    diverged (its best picture is saved then).
    """
    timings = Timings()
    check_settings(settings, choices, files)
    inputs = read_inputs(settings, files)
    loggers = loggers_of(settings)
    check_memory(settings, inputs, typed)
    timings.lap("pictures")
    asked = {
        "overrides": list(overrides),
        "choices": {
            group: choice for group, choice in (choices or {}).items() if not group.startswith("hydra/")
        },
        "requested_sha256": requested_sha256(settings),
        **facts,
    }
    for line in notes_on(inputs, settings.style, settings.content):
        _log.info("%s", line)
    settings.style = _listed(settings.style)
    load_tensorflow()
    timings.lap("tensorflow")
    return _run_with_tensorflow(
        settings,
        inputs,
        folder_path,
        timings,
        loggers,
        asked=asked,
        quiet=quiet,
        files=files,
        sweep=sweep,
        together=together,
        typed=typed,
    )


def _listed(style: Any) -> Any:
    """The pictures of folders by name: what the folder holds later is another matter."""
    names = style_names(style)
    return style if names in ([style], style) else names


def requested_sha256(settings: DictConfig) -> str:
    """The identity of a configuration as it was asked for, before anything in it was resolved by measurement.

    Equal for equal settings, whatever the order of the words that asked for them. What is done with a whole
    sweep, or only told, is no part of a run.
    """
    asked: Any = OmegaConf.to_container(settings, resolve=True, enum_to_str=True)
    for key in NOT_OF_A_RUN:
        asked.pop(key, None)
    if not asked["record"]["keep_checkpoint"]:  # of runs from before there was this key
        del asked["record"]["keep_checkpoint"]
    canonical = json.dumps(asked, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


@alone_in("folder")
def resume(folder: Path, quiet: bool = False, steps: int | None = None) -> Path:
    """Go on with the unfinished run in ``folder`` from its last checkpoint; as ``run`` otherwise.

    A completed run whose last state was kept goes on until its last size has had ``steps``.

    It ends as it would have ended, bit for bit on the same machine and versions. A run that has no checkpoint
    yet begins again in its folder; one whose last checkpoint is damaged goes on from the previous one, and
    says so. Raises InputError for a run that is completed or whose pictures are not what they were.
    """
    timings = Timings()
    settings, inputs, files = resumable(folder, steps)
    if not quiet:
        announce(f"going on in {folder}: {announcement(settings, inputs)}")
    loggers = loggers_of(settings)
    timings.lap("pictures")
    load_tensorflow()
    timings.lap("tensorflow")
    from nst_tf.record.checkpoint import last_checkpoint

    with also_logged_to(folder / LOG):
        checkpoint, damage = last_checkpoint(folder) if has_checkpoint(folder) else (None, None)
        asked: dict[str, Any] = {"damage": damage} if damage else {}
        if damage:
            _log.warning("%s", damage)
        if steps is not None:
            ask_for_more(settings, folder, checkpoint, steps)
            words = [*(read_summary(folder).get("overrides") or ()), f"steps={steps}"]
            asked |= {"overrides": words, "requested_sha256": requested_sha256(settings)}
        return _run_with_tensorflow(
            settings,
            inputs,
            folder,
            timings,
            loggers,
            checkpoint,
            quiet=quiet,
            files=files,
            asked=asked,
            is_resumed=True,
            typed=(),
        )


@memory_told
def _run_with_tensorflow(
    settings: DictConfig,
    inputs: Inputs,
    folder_path: Path,
    timings: Timings,
    loggers: Loggers,
    checkpoint: Checkpoint | None = None,
    asked: Mapping[str, Any] = MappingProxyType({}),
    quiet: bool = False,
    files: Files = NO_FILES,
    sweep: Path | None = None,
    is_resumed: bool = False,
    together: Together | None = None,
    typed: Typed = None,
) -> Path:
    # these import TensorFlow
    from nst_tf.record import RunFolder
    from nst_tf.record.provenance import peak_memory_bytes
    from nst_tf.run.animation import animation_of
    from nst_tf.run.balancing import with_settled_balance
    from nst_tf.run.begun import begun, gone_on
    from nst_tf.run.breaking_off import BreakingOff
    from nst_tf.run.determinism import set_determinism
    from nst_tf.run.display import Display
    from nst_tf.run.first_step import FirstStep
    from nst_tf.run.interruption import Interruption
    from nst_tf.run.leaving import LeavingInTime
    from nst_tf.run.loop import optimize
    from nst_tf.run.recorded_inputs import record_inputs
    from nst_tf.run.recording import Recording
    from nst_tf.run.set_up import set_up
    from nst_tf.run.warm import WARM

    set_determinism(settings.deterministic)
    made_up = set_up(settings, inputs, files, timings.lap, typed)
    if made_up.said:
        _log.warning("%s", made_up.said)
    parts, weights = made_up.parts, made_up.weights
    WARM.expect(made_up.experiment.shapes)
    if made_up.experiment.skipped:
        _log.info("%s", made_up.experiment.skipped)
    experiment = with_settled_balance(settings, made_up.experiment)
    timings.lap("network")
    scales = experiment.scales
    if is_resumed:
        more = OmegaConf.to_yaml(settings, resolve=True) if "requested_sha256" in asked else None
        folder = RunFolder.resumed(folder_path, checkpoint.step if checkpoint else 0, more)
        folder.update(process=asdict(Process.this()), **asked)
        gone_on(settings, folder, is_told=made_up.said is not None)
    else:
        RunFolder(folder_path)  # refuses a folder that holds a run, before anything is written
        pictures = record_inputs(settings, inputs, parts.start, folder_path, sweep)
        folder = begun(settings, folder_path, weights, {"inputs": pictures, **asked})
    made = None
    if together is not None and inputs.frames is None:
        with LeavingInTime(lambda number, at_once: folder.break_off(error=f"signal {number}"), quiet):
            made = together(asked["requested_sha256"], settings, inputs, experiment)
        if made is not None:
            timings.split("other_runs", made.outcome.seconds)
    interruption = Interruption()
    record = settings.record
    checkpoint_every = 0 if made else record.checkpoint_every
    keep = record.keep_checkpoint and not made
    recording = Recording(folder, record.image_every, checkpoint_every, checkpoint, interruption, keep)
    if animation := animation_of(parts.video, inputs.frames, folder, record):
        scales = animation.scales(experiment)
        # its pictures are the frames, and its checkpoints between two
        recording = Recording(folder, 0, interruption=interruption)
    make = animation.optimize if animation else optimize

    def save(pixels: np.ndarray) -> Path:
        saved = cut_out(settings, inputs, pixels)
        return folder.picture(settings.record.picture, *saved, file_form(settings, inputs))

    breaking_off = BreakingOff(folder, recording, interruption, timings, save, quiet)
    with LeavingInTime(breaking_off.leave, quiet, experiment.size**2 / 1e6):
        try:
            loggers.begin(folder_path, settings, inputs, checkpoint.step if checkpoint else 0)
            first_step = FirstStep()
            with Display(scales, quiet) as display, tensorflow_profile(settings, folder_path), interruption:
                # loggers first: what is in a checkpoint, they were told
                watchers = (loggers, recording, display, first_step)
                outcome = made.played(watchers) if made else make(experiment, watchers, checkpoint)
            timings.split("recording", {} if made else outcome.seconds)
            picture = save(outcome.pixels)
            saved_loss, saved_parts = score_of_file(picture, outcome)
            if animation:
                animation.write()
            timings.lap("saving")
        except BaseException as error:
            breaking_off.tell(error)
            loggers.finish()
            raise
    folder.finish(
        "diverged" if outcome.diverged else "completed",
        keep_checkpoint=recording.kept_the_end,
        steps=outcome.steps,
        traces=outcome.traces,
        size={"height": outcome.pixels.shape[0], "width": outcome.pixels.shape[1]},
        picture=picture.name,
        loss_of_saved_picture=saved_loss,
        parts_of_saved_picture=saved_parts,
        seconds=timings.seconds,
        peak_memory_bytes=peak_memory_bytes(),
        first_step_after=None if made else first_step.seconds,
        **({"batch": made.of} if made else {}),
        **({"error": outcome.diverged} if outcome.diverged else {}),
        **({"roll_backs": [one.told() for one in outcome.roll_backs]} if outcome.roll_backs else {}),
    )
    loggers.finish()
    if settings.profile:
        print_profile(timings.seconds, first_step.seconds)
    if outcome.diverged:
        tried = [one.smaller for one in outcome.roll_backs]
        raise FloatingPointError(
            f"{outcome.diverged}; the best picture so far is {picture};"
            f" {what_to_change(settings, outcome.failed_at_start, tried)}"
        )
    # of a resumed run, only the folder knows how it began
    never_lower = NEVER_LOWER if outcome.is_best_seen and folder.never_improved else None
    if untouched := outcome.untouched or never_lower:
        _log.warning("%s", untouched)
    _log.info("loss of the saved picture: %.6g", saved_loss)
    return (animation and animation.file) or picture
