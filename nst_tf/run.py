"""One run: from a checked configuration to a finished folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from nst_tf.announcement import announce, announcement, notes_on
from nst_tf.config.inputs import NO_FILES, Files, Inputs, read_inputs
from nst_tf.config.overrides import ExplicitKeys
from nst_tf.config.pictures import style_names
from nst_tf.config.schema import CONFIGURATION
from nst_tf.config.validate import validate
from nst_tf.images.decode import alpha_at, without_white
from nst_tf.images.exif import carried_exif
from nst_tf.images.pixels import rounded
from nst_tf.images.read import read_picture
from nst_tf.images.write import FileForm, holds_alpha
from nst_tf.loggers import Loggers, loggers_of
from nst_tf.machine import Process
from nst_tf.report import NEVER_LOWER
from nst_tf.runs.folder import alone_in, also_logged_to
from nst_tf.runs.memory import check_memory, memory_told
from nst_tf.runs.provenance import Timings, requested_sha256
from nst_tf.runs.saved_run import ask_for_more, has_checkpoint, read_summary, resumable
from nst_tf.tensorflow_setup import load_tensorflow

if TYPE_CHECKING:
    from nst_tf.batch_transfer import Made
    from nst_tf.experiment import Experiment
    from nst_tf.runs.checkpoint import Checkpoint
    from nst_tf.style_transfer import Outcome


# ----------------------------------------------------------------------------
# What to change when a run diverged, in one sentence.

_SAFE = "nst_tf.optim.LBFGS"
_RATE, _FIRST_RATE = "learning_rate", "initial_learning_rate"
_LARGEST_HALF = 65504  # IEEE 754, binary16


def what_to_change(settings: DictConfig, at_start: bool, tried: Sequence[float] = ()) -> str:
    """A sentence that names a key, its value and what to try.

    ``at_start``: no step was made at the size, so that no other step would help. ``tried`` are the smaller
    learning rates that were tried already.
    """
    precision = settings.precision if isinstance(settings.precision, str) else settings.precision.name
    if at_start and precision == "float16":
        return (
            f"precision=float16 holds no number above {_LARGEST_HALF}: choose precision=float32 or bfloat16"
        )
    if at_start:
        weights = ", ".join(
            f"objective.{term}.weight={settings.objective[term].weight:g}"
            for term in ("content", "style", "smoothness")
            if settings.objective[term].weight > 0
        )
        return f"no learning rate helps, for no step was made: smaller weights may ({weights})"
    target = settings.optimizer.get("_target_")
    otherwise = "" if target == _SAFE else "optimizer=lbfgs, which takes bad steps back"
    key, rate = _rate_of(settings.optimizer)
    if rate is None:
        return f"Choose {otherwise}" if otherwise else "Choose smaller weights of the objective"
    smallest = min(rate, *tried) if tried else rate
    usual = _usual_rate(target, key)
    better = usual if usual is not None and usual < smallest else smallest / 10
    return (
        f"optimizer.{key}={rate:g} is too much: try optimizer.{key}={better:.3g}"
        f"{f', or {otherwise}' if otherwise else ''}"
    )


def _rate_of(optimizer: Any) -> tuple[str, float | None]:
    """Its learning rate, or the first of a schedule, by the key below ``optimizer``."""
    rate, key = optimizer.get(_RATE), _RATE
    if isinstance(rate, DictConfig):
        rate, key = rate.get(_FIRST_RATE), f"{_RATE}.{_FIRST_RATE}"
    return key, float(rate) if isinstance(rate, (int, float)) else None


@cache
def _usual_rate(target: str, key: str) -> float | None:
    """What the option of the config group that builds this optimizer says."""
    for file in sorted((CONFIGURATION / "optimizer").glob("*.yaml")):
        option: Any = OmegaConf.load(file)
        if option.get("_target_") == target and _rate_of(option)[0] == key:
            return _rate_of(option)[1]
    return None


# ----------------------------------------------------------------------------
# From the image that was optimized to the picture that is handed over: its transparency and its file.

_log = logging.getLogger(__name__)


def file_form(settings: DictConfig, inputs: Inputs) -> FileForm:
    """Depth, color profile and EXIF data of the result's file."""
    form = FileForm(settings.record.bits, inputs.profile)
    content = inputs.content
    if settings.record.exif and content.file:
        return FileForm(
            form.bits, form.profile, carried_exif(content.file, content.name, settings.record.exif_place)
        )
    return form


def cut_out(settings: DictConfig, inputs: Inputs, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The optimized image, [H, W, 3], as it is saved, and its opacity [H, W], None if it is opaque.

    The opacity is that of the content picture; colors are freed of the white that it was laid over. Both
    are rounded to the depth of the file.
    """
    alpha = inputs.content.alpha
    if alpha is None or settings.record.alpha.name == "flatten":
        return pixels, None
    alpha = alpha_at(alpha, *pixels.shape[:2])
    if not holds_alpha(settings.record.picture):
        _log.warning(
            "%s holds no transparency: the result is laid over white (.png, .webp and .tif keep it)",
            settings.record.picture,
        )
    bits = settings.record.bits
    return rounded(without_white(pixels, alpha), bits), rounded(alpha, bits)


def score_of_file(picture: Path, outcome: Outcome) -> tuple[float, dict[str, float]]:
    """Loss and parts of what is in the file; a lossless one holds what was scored already."""
    pixels = read_picture(picture).pixels
    if np.array_equal(pixels, outcome.pixels):
        return outcome.loss, outcome.parts
    return outcome.score(pixels)


# ----------------------------------------------------------------------------
# What ``profile=true`` prints, and TensorFlow's own profile.

_MEANINGS = {
    "pictures": "checks, reading the pictures",
    "tensorflow": "importing TensorFlow",
    "weights": "choice of precision, reading the weights",
    "network": "objects of the run",
    "targets": "features of content and style, all sizes",
    "tracing": "tracing the step, all sizes",
    "first_steps": "the first step of each size, with TensorFlow's optimization of the graph",
    "steps": "all other steps",
    "scoring": "the loss of the result: passes through the network, and tracing the first",
    "recording": "metrics, progress pictures, resizing",
    "saving": "the result: file, and reading it back",
}


def print_profile(seconds: Mapping[str, float], first_step_after: float | None) -> None:
    """Print a table of where the time of a run went, to standard error.

    ``first_step_after``: seconds from the start of the process to the end of the first step. In a sweep the
    process is as old as all jobs before.
    """
    total = sum(seconds.values())
    table = Table("part", "seconds", "share", "what it is", box=None, pad_edge=False)
    for name, taken in seconds.items():
        table.add_row(name, f"{taken:.2f}", f"{taken / max(total, 1e-9):.0%}", _MEANINGS.get(name, ""))
    table.add_row("all", f"{total:.2f}", "", "without Python, Hydra and the reading of the configuration")
    console = Console(stderr=True, highlight=False)
    console.print(table)
    if first_step_after is not None:
        console.print(f"the first step was done {first_step_after:.2f} s after the process began")


def tensorflow_profile(settings: DictConfig, folder: Path) -> AbstractContextManager[Any]:
    """TensorFlow's own profile of what is done meanwhile, if it is asked for."""
    if not settings.record.tensorflow_profile:
        return nullcontext()
    import tensorflow as tf

    return tf.profiler.experimental.Profile(str(folder / "profile"))


# ----------------------------------------------------------------------------
# One run: from a checked configuration to a finished folder.

LOG = "nst.log"
"""What was said of a run, in its folder; Hydra writes it."""

Together = Callable[[str, DictConfig, Inputs, "Experiment"], "Made | None"]
"""Identity of a run as asked for, settings, pictures, experiment -> what came of it with others, or None."""


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
    explicit: ExplicitKeys = None,
) -> Path:
    """Run one configuration in an existing folder; returns the path of the picture.

    ``choices`` and ``overrides`` are how the configuration was asked for; they are recorded, with any
    other ``facts``. ``quiet`` shows no progress. ``files`` are read in the place of configured names. The
    runs of a sweep, whose folder is ``sweep``, share the copies of their pictures. ``together`` may have the
    run optimized with others, or have done it. What is not ``explicit``, but of a saved configuration, gives
    way where it is impossible here: precision and memory.

    Raises InputError before anything but the folder was written, or FloatingPointError if the run
    diverged (its best picture is saved then).
    """
    timings = Timings()
    validate(settings, choices, files)
    inputs = read_inputs(settings, files)
    loggers = loggers_of(settings)
    check_memory(settings, inputs, explicit)
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
        explicit=explicit,
    )


def _listed(style: Any) -> Any:
    """The pictures of folders by name: what the folder holds later is another matter."""
    names = style_names(style)
    return style if names in ([style], style) else names


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
    from nst_tf.runs.checkpoint import last_checkpoint

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
            explicit=(),
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
    explicit: ExplicitKeys = None,
) -> Path:
    # these import TensorFlow
    from nst_tf.callbacks import (
        BreakingOff,
        Display,
        FirstStep,
        Recording,
        begun,
        gone_on,
        record_inputs,
    )
    from nst_tf.device import set_determinism
    from nst_tf.experiment import set_up
    from nst_tf.reuse import WARM
    from nst_tf.runs import RunFolder
    from nst_tf.runs.provenance import peak_memory_bytes
    from nst_tf.runs.signals import Interruption, LeavingInTime
    from nst_tf.style_transfer import optimize, with_settled_balance
    from nst_tf.video_transfer import animation_of

    set_determinism(settings.deterministic)
    made_up = set_up(settings, inputs, files, timings.lap, explicit)
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
