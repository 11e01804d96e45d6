"""One run: from a checked configuration to a finished folder."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from nst_tf.color import Color
from nst_tf.config.build import made
from nst_tf.config.pictures import left_out_of, style_names, style_scales
from nst_tf.config.schema import CONFIGURATION
from nst_tf.config.validate import NO_FILES, Files, Inputs, check_settings, read_inputs, video_of
from nst_tf.config.words import Typed
from nst_tf.errors import counted, printable
from nst_tf.images.decode import alpha_at, without_white
from nst_tf.images.exif import carried_exif
from nst_tf.images.pixels import levels_of, rounded
from nst_tf.images.read import Picture, read_picture
from nst_tf.images.write import FileForm, holds_alpha
from nst_tf.loggers import Loggers, loggers_of
from nst_tf.machine import Process
from nst_tf.pyramid import NoSteps, Pyramid, Scale
from nst_tf.runs.folder import alone_in, also_logged_to
from nst_tf.runs.memory import check_memory, memory_told
from nst_tf.runs.provenance import Timings
from nst_tf.runs.saved_run import ask_for_more, has_checkpoint, read_summary, resumable
from nst_tf.runs.sizes import Shape, planned_sizes, shapes_at, sides_multiple_of
from nst_tf.tensorflow_setup import load_tensorflow

if TYPE_CHECKING:
    from nst_tf.batch_transfer import Made
    from nst_tf.experiment import Experiment
    from nst_tf.runs.checkpoint import Checkpoint
    from nst_tf.style_transfer import Outcome


# ----------------------------------------------------------------------------
# What a run will do, in one line before TensorFlow is loaded, which takes some seconds.

_MOST_STYLES = 3  # by name


def announce(said: str) -> None:
    """Say it on standard error."""
    print(printable(said), file=sys.stderr, flush=True)  # noqa: T201


def announcement(settings: DictConfig, inputs: Inputs) -> str:
    """Content, styles, and width, height and steps of every size.

    As in "photo.jpg in the style of oil.jpg: 128 x 88 pixels, 79 steps; 256 x 176, 53; 132 steps in all".
    The settings must be checked. Raises InputError for a pyramid that can't be.
    """
    what = f"{_content(inputs)} in the style of {_styles(inputs)}"
    sizes = [(shape, scale.steps) for scale, shape in _sizes(settings, inputs)]
    ((height, width), steps), *finer = sizes
    parts = [f"{width} x {height} pixels, {counted(steps, 'step')}"]
    parts += [f"{width} x {height}, {steps}" for (height, width), steps in finer]
    total = sum(steps for _, steps in sizes)
    if inputs.frames is not None and len(inputs.frames) > 1:
        later = video_of(settings).later_steps(settings.steps)
        parts.append(f"of each later frame {counted(later, 'step')} at the last size")
        total += later * (len(inputs.frames) - 1)
    if len(parts) > 1:
        parts.append(f"{counted(total, 'step')} in all")
    return f"{what}: {'; '.join(parts)}"


def _sizes(settings: DictConfig, inputs: Inputs) -> list[tuple[Scale, Shape]]:
    """As ``Experiment`` has them."""
    pyramid: Pyramid = made("pyramid", settings.pyramid)
    color: Color = made("color", settings.color)
    if not color.makes_steps:
        pyramid = NoSteps(pyramid)
    content, *styles = ((picture.height, picture.width) for picture in (inputs.content, *inputs.styles))
    at = partial(
        shapes_at,
        content=content,
        styles=styles,
        stretch=settings.image.stretch.name,
        style_scales=style_scales(settings, len(styles)),
        multiple=sides_multiple_of(settings, inputs.is_texture),
    )
    size = settings.image.size
    planned = pyramid.scales(size, settings.image.style_size or size, settings.steps)
    found = planned_sizes(planned, lambda scale: at(scale.size, scale.style_size))
    return [(scale, at(scale.size, scale.style_size)[0]) for scale in found.scales]


def _content(inputs: Inputs) -> str:
    if inputs.is_texture:
        return "a texture"
    frames = 0 if inputs.frames is None else len(inputs.frames)
    return f"{counted(frames, 'frame')} from {inputs.content.name}" if frames else inputs.content.name


def _styles(inputs: Inputs) -> str:
    names = [style.name for style in inputs.styles]
    if len(names) > _MOST_STYLES:
        return f"{names[0]} and {counted(len(names) - 1, 'other picture')}"
    return " and ".join(names)


# ----------------------------------------------------------------------------
# What a person should know of the pictures of a run, one line each, in its log.

_LEAST_TRANSPARENT = 0.005  # of a picture: soft edges alone are nothing to speak of


def notes_on(inputs: Inputs, style: Any, content: Any) -> list[str]:
    """The lines; ``style`` and ``content`` are as they were configured, with their folders."""
    names = [style] if isinstance(style, str) else list(style)
    folders = [*names, *([content] if inputs.frames is not None and inputs.frames.files else [])]
    return [*left_out_of(folders), *transparent(inputs.styles)]


def transparent(styles: Sequence[Picture]) -> Iterable[str]:
    """A line for every style that is transparent in parts, which are laid over white like a content's."""
    for style in styles:
        part = 0.0 if style.alpha is None else 1 - float(style.alpha.mean())
        if part >= _LEAST_TRANSPARENT:
            yield (
                f"the style {style.name} is {part:.0%} transparent, and that part counts as white: crop it"
                " away, or leave it out by a mask (docs/regions.md)"
            )


# ----------------------------------------------------------------------------
# Whether a run saves the image that it started from, and what to say then.

NEVER_LOWER = (
    "no step lowered the loss, so the saved picture is the start image: a smaller"
    " optimizer.learning_rate helps"
)
_TOO_LITTLE = (
    "the steps changed the start image by less than the {bits} bits a channel of the file show, so that it is"
    " what is saved: more steps, or a larger optimizer.learning_rate, help"
)
_NO_CHANGE = (
    "no step changed the loss, so the saved picture is the start image: another start, such as init=noise, or"
    " another optimizer.learning_rate may help"
)
_ROWS = 256  # hashed at a time: rounding of a large picture takes several times its memory


class Untouched:
    """Follows a run from size to size; pictures are [H, W, 3] as they are saved, before they are rounded."""

    def __init__(self, bits: int) -> None:
        """``bits`` a channel of the file: what it can't show is no change."""
        self._bits = bits
        self._began: bytes | None = None
        self._first_loss: float | None = None
        self._is = True
        self._lower = self._higher = False

    def begin(self, picture: np.ndarray) -> None:
        """A size begins with this picture."""
        self._began = self._digest(picture)
        self._first_loss = None

    def told(self, loss: float) -> None:
        """The loss before a step."""
        if self._first_loss is None:
            self._first_loss = loss
        self._lower |= loss < self._first_loss
        self._higher |= not loss <= self._first_loss

    def end(self, picture: np.ndarray) -> None:
        """The size ends with this one."""
        self._is = self._is and self._digest(picture) == self._began

    def sentence(self, picture: np.ndarray, is_best_seen: bool) -> str | None:
        """What to say if the saved ``picture`` is the start image; ``is_best_seen``: the last was worse."""
        self.end(picture)
        if not self._is:
            return None
        if self._lower:
            return _TOO_LITTLE.format(bits=self._bits)
        return NEVER_LOWER if self._higher or is_best_seen else _NO_CHANGE

    def _digest(self, picture: np.ndarray) -> bytes | None:
        digest = hashlib.sha256()
        for top in range(0, len(picture), _ROWS):
            rows = picture[top : top + _ROWS]
            if not np.isfinite(rows).all():
                return None
            digest.update(levels_of(rows, self._bits).tobytes())
        return digest.digest()


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
