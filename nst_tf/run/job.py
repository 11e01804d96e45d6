"""One run: from a checked configuration to a finished folder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.checks import NO_FILES, Files, Inputs, check_settings, read_inputs
from nst_tf.configuration.styles import style_names
from nst_tf.images.read import read_picture
from nst_tf.loggers import Loggers, loggers_of
from nst_tf.processes import Process
from nst_tf.quiet_tensorflow import load_tensorflow
from nst_tf.run.delivery import cut_out, file_form
from nst_tf.run.memory import check_memory, resolve_memory
from nst_tf.run.profile import print_profile
from nst_tf.run.resumable import resumable
from nst_tf.run.timings import Timings
from nst_tf.weights import ConvolutionWeights

if TYPE_CHECKING:  # these import TensorFlow
    from nst_tf.record import RunFolder
    from nst_tf.record.checkpoint import Checkpoint
    from nst_tf.run.loop import Outcome

_log = logging.getLogger(__name__)

NOT_OF_A_RUN = ("sweep", "logger", "resume", "profile")
"""What is done with a whole sweep, or only told: no part of the identity of a run."""


def run(
    settings: DictConfig,
    choices: Mapping[str, str] | None,
    folder_path: Path,
    overrides: Sequence[str] = (),
    quiet: bool = False,
    files: Files = NO_FILES,
    sweep: Path | None = None,
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Run one configuration in an existing folder; returns the path of the picture.

    ``choices`` and ``overrides`` are how the configuration was asked for; they are recorded, with any
    other ``facts``. ``quiet`` shows no progress. ``files`` are read in the place of configured names. The
    runs of a sweep, whose folder is ``sweep``, share the copies of their pictures.

    Raises InputError before anything but the folder was written, or FloatingPointError if the run
    diverged (its best picture is saved then).
    """
    timings = Timings()
    check_settings(settings, choices, files)
    inputs = read_inputs(settings, files)
    loggers = loggers_of(settings)
    check_memory(settings, inputs)
    timings.lap("pictures")
    asked = {
        "overrides": list(overrides),
        "choices": {
            group: choice for group, choice in (choices or {}).items() if not group.startswith("hydra/")
        },
        "requested_sha256": requested_sha256(settings),
        **facts,
    }
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
    canonical = json.dumps(asked, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def resume(folder: Path, quiet: bool = False) -> Path:
    """Go on with the unfinished run in ``folder`` from its last checkpoint; as ``run`` otherwise.

    It ends as it would have ended, bit for bit on the same machine and versions. Raises InputError for
    a run that is completed, has no checkpoint, or whose pictures are not what they were.
    """
    timings = Timings()
    settings, inputs, files = resumable(folder)
    loggers = loggers_of(settings)
    timings.lap("pictures")
    load_tensorflow()
    timings.lap("tensorflow")
    from nst_tf.record.checkpoint import read_checkpoint
    from nst_tf.record.folder import CHECKPOINT

    checkpoint = read_checkpoint(folder / CHECKPOINT)  # nothing is unpickled
    return _run_with_tensorflow(
        settings, inputs, folder, timings, loggers, checkpoint, quiet=quiet, files=files
    )


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
) -> Path:
    # these import TensorFlow
    from nst_tf.record import RunFolder
    from nst_tf.record.provenance import peak_memory_bytes
    from nst_tf.run.animation import animation_of
    from nst_tf.run.balancing import with_settled_balance
    from nst_tf.run.determinism import set_determinism
    from nst_tf.run.device import device_bytes
    from nst_tf.run.display import Display
    from nst_tf.run.first_step import FirstStep
    from nst_tf.run.interruption import Interruption
    from nst_tf.run.loop import optimize
    from nst_tf.run.prepare import build_parts, prepare
    from nst_tf.run.recorded_inputs import record_inputs
    from nst_tf.run.recording import Recording
    from nst_tf.run.warm import WARM

    parts = build_parts(settings, files)
    precision = WARM.precision(settings.precision.name)  # may be refused: before any weights are fetched
    wanted = str(files.get(settings.model.weights, settings.model.weights))
    weights = WARM.weights(settings.model.name.name, wanted, settings.seed)
    timings.lap("weights")
    settings.precision = precision
    resolve_memory(settings, inputs, device_bytes())
    set_determinism(settings.deterministic)
    experiment = with_settled_balance(settings, prepare(settings, inputs, parts, weights, WARM))
    timings.lap("network")
    if checkpoint is not None:
        folder = RunFolder.resumed(folder_path, checkpoint.step)
        folder.update(process=asdict(Process.this()))
    else:
        RunFolder(folder_path)  # refuses a folder that holds a run, before anything is written
        pictures = record_inputs(settings, inputs, parts.start, folder_path, sweep)
        folder = _begun(settings, folder_path, weights, precision, {"inputs": pictures, **asked})
    interruption = Interruption(quiet)
    record = settings.record
    scales = experiment.pyramid.scales(experiment.size, experiment.style_size, experiment.steps)
    recording = Recording(folder, record.image_every, record.checkpoint_every, checkpoint, interruption)
    animation = animation_of(parts.video, inputs.frames, folder, record)
    if animation:
        scales = animation.scales(experiment)
        recording = Recording(folder, 0)  # its pictures are the frames, and its checkpoints between two
    try:
        loggers.begin(folder_path, settings, inputs, checkpoint.step if checkpoint else 0)
        first_step = FirstStep()
        with Display(scales, quiet) as display, _tensorflow_profile(settings, folder_path), interruption:
            # loggers first: what is in a checkpoint, they were told
            make = animation.optimize if animation else optimize
            outcome = make(experiment, (loggers, recording, display, first_step), checkpoint)
        timings.split("recording", outcome.seconds)
        saved = cut_out(settings, inputs, outcome.pixels)
        picture = folder.picture(settings.record.picture, *saved, file_form(settings, inputs))
        saved_loss, saved_parts = _score_of_file(picture, outcome)
        if animation:
            animation.write()
        timings.lap("saving")
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        folder.finish(status, error=f"{type(error).__name__}: {error}", seconds=timings.seconds)
        loggers.finish()
        raise
    folder.finish(
        "diverged" if outcome.diverged else "completed",
        steps=outcome.steps,
        traces=outcome.traces,
        size={"height": outcome.pixels.shape[0], "width": outcome.pixels.shape[1]},
        picture=picture.name,
        loss_of_saved_picture=saved_loss,
        parts_of_saved_picture=saved_parts,
        seconds=timings.seconds,
        peak_memory_bytes=peak_memory_bytes(),
        first_step_after=first_step.seconds,
        **({"error": outcome.diverged} if outcome.diverged else {}),
    )
    loggers.finish()
    if settings.profile:
        print_profile(timings.seconds, first_step.seconds)
    if outcome.diverged:
        raise FloatingPointError(
            f"{outcome.diverged}; the best picture so far is {picture}. A smaller optimizer.learning_rate"
            " helps, or optimizer=lbfgs, which takes bad steps back"
        )
    if outcome.is_best_seen and folder.never_improved:
        _log.warning(
            "no step lowered the loss, so the saved picture is the start image: a smaller"
            " optimizer.learning_rate helps"
        )
    _log.info("loss of the saved picture: %.6g", saved_loss)
    return (animation and animation.file) or picture


def _score_of_file(picture: Path, outcome: Outcome) -> tuple[float, dict[str, float]]:
    """Loss and parts of what is in the file; a lossless one holds what was scored already."""
    pixels = read_picture(picture).pixels
    if np.array_equal(pixels, outcome.pixels):
        return outcome.loss, outcome.parts
    return outcome.score(pixels)


def _tensorflow_profile(settings: DictConfig, folder: Path) -> AbstractContextManager[Any]:
    if not settings.record.tensorflow_profile:
        return nullcontext()
    import tensorflow as tf

    return tf.profiler.experimental.Profile(str(folder / "profile"))


def _begun(
    settings: DictConfig,
    path: Path,
    weights: ConvolutionWeights,
    precision: str,
    asked: Mapping[str, Any],
) -> RunFolder:
    """The folder with the configuration and what the result depends on besides."""
    import tensorflow as tf

    from nst_tf.record import RunFolder, provenance

    folder = RunFolder(path)
    folder.begin(
        OmegaConf.to_yaml(settings, resolve=True),
        seed=settings.seed,
        device=_device(tf),
        precision=precision,
        deterministic=settings.deterministic,
        weights={"source": weights.source, "sha256": weights.sha256},
        process=asdict(Process.this()),
        **provenance(),
        **({"working_folder": str(Path.cwd())} | dict(asked)),
    )
    return folder


def _device(tf: Any) -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def remove_empty_run(folder: Path, made_for_it: Iterable[Path]) -> None:
    """Take away what Hydra wrote for a run that was refused: its own files and its folder.

    Of the folders ``made_for_it``, innermost first, those that are left empty go as well.
    """
    if (folder / "run.json").exists():
        return
    for file in (*(folder / ".hydra").glob("*.yaml"), folder / "nst.log"):
        file.unlink(missing_ok=True)
    for empty in (folder / ".hydra", *made_for_it):
        try:
            empty.rmdir()
        except OSError:
            return
