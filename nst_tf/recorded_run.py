"""One run with its record: the experiment is set up, optimized and followed, and its folder finished.

It needs TensorFlow. ``nst_tf.run`` calls it with what was checked without; ``nst_tf.runs`` is the folder that
it writes; ``nst_tf.rerun`` makes a saved run again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from nst_tf.batch_transfer import BatchedRun
from nst_tf.callbacks import Display, EarlyEnd, Recording
from nst_tf.check_before_run import CheckedRun
from nst_tf.config.inputs import PROFILES, Inputs
from nst_tf.config.schema import CONF_FOLDER, Settings
from nst_tf.errors import printable
from nst_tf.experiment import Experiment
from nst_tf.files import sha256_of_file, written_atomically
from nst_tf.guidance.masks import mask_names
from nst_tf.images.exif import carried_exif
from nst_tf.images.frames import Frames, write_archive
from nst_tf.images.pixels import rounded, without_white
from nst_tf.images.read import Picture, read_picture
from nst_tf.images.resize import resize_mask
from nst_tf.images.write import FileForm, holds_alpha
from nst_tf.init import FileStart, Start
from nst_tf.machine import Process
from nst_tf.report import NEVER_LOWER
from nst_tf.runs.checkpoint import Checkpoint
from nst_tf.runs.folder import INPUTS, RunFolder, copy_input
from nst_tf.runs.memory import memory_explained
from nst_tf.runs.provenance import peak_memory_bytes, provenance
from nst_tf.runs.signals import DeferredSignals, ExitInTime
from nst_tf.runs.sizes import option_name
from nst_tf.set_up import SetUp, set_up
from nst_tf.style_transfer import Outcome, optimize
from nst_tf.vgg.convolution import way_to_convolve
from nst_tf.video_transfer import animation_of

_log = logging.getLogger(__name__)

BatchHook = Callable[[str, Settings, Inputs, Experiment], "BatchedRun | None"]
"""Hook that may run an experiment in a batch: given the identity of the run as asked for, its settings, its
pictures and itself, it returns the batched result, or None to run it alone."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that came to its end: its ``file``, the picture or the animation, and what came out.

    ``loss`` and ``parts`` are those of what is in the file.
    """

    file: Path
    outcome: Outcome
    loss: float
    parts: dict[str, float]


class RunDiverged(FloatingPointError):
    """A run whose loss became infinite or undefined; it is ``finished`` with the best picture seen."""

    def __init__(self, sentence: str, finished: FinishedRun) -> None:
        super().__init__(sentence)
        self.finished = finished


def recorded_run(
    run: CheckedRun,
    folder_path: Path,
    facts: Mapping[str, Any],
    checkpoint: Checkpoint | None = None,
    is_resumed: bool = False,
    quiet: bool = False,
    sweep: Path | None = None,
    batch: BatchHook | None = None,
) -> FinishedRun:
    """Make the run in the folder at ``folder_path``.

    ``facts`` are for ``run.json``: how the run was asked for. ``checkpoint`` is where a run that
    ``is_resumed`` goes on. The rest is as in ``nst_tf.run.run``. Raises RunDiverged, a FloatingPointError.
    """
    ready = set_up(run)
    with memory_explained(ready.settings, run.inputs, folder_path):
        run = replace(run, settings=ready.settings)
        if is_resumed:
            folder = _resumed_folder(ready, folder_path, checkpoint, facts)
        else:
            folder = _new_folder(ready, run.inputs, folder_path, facts, sweep)
        made = None
        if batch is not None and run.inputs.frames is None:
            with ExitInTime(lambda number, at_once: folder.interrupt(error=f"signal {number}"), quiet):
                made = batch(facts["requested_sha256"], run.settings, run.inputs, ready.experiment)
            if made is not None:
                run.timings.split("other_runs", made.outcome.seconds)
        return _optimized(run, ready, folder, checkpoint, quiet, made)


def _optimized(
    run: CheckedRun,
    ready: SetUp,
    folder: RunFolder,
    checkpoint: Checkpoint | None,
    quiet: bool,
    made: BatchedRun | None,
) -> FinishedRun:
    """Optimize, or replay what was ``made`` together with other runs, and finish the folder."""
    settings, inputs, timings, loggers = run.settings, run.inputs, run.timings, run.loggers
    experiment, record = ready.experiment, settings.record
    deferred = DeferredSignals()
    if animation := animation_of(ready.parts.video, inputs.frames, folder, record):
        scales, make = animation.scales(experiment), animation.optimize
        recording = Recording(folder, deferred)  # its pictures are the frames, its checkpoints between two
    else:
        scales, make = experiment.scales, optimize
        recording = Recording(
            folder,
            deferred,
            record.image_every,
            checkpoint_every=0 if made else record.checkpoint_every,
            resumed=checkpoint,
            keep_the_end=record.keep_checkpoint and not made,
        )

    def save(pixels: np.ndarray) -> Path:
        saved = cut_out(settings, inputs, pixels)
        return folder.picture(record.picture, *saved, file_form(settings, inputs))

    early_end = EarlyEnd(folder, recording, deferred, timings, save, quiet)
    with ExitInTime(early_end.save_and_record, quiet, experiment.size**2 / 1e6):
        try:
            loggers.begin(folder.path, settings, inputs, checkpoint.step if checkpoint else 0)
            with Display(scales, quiet) as display, tensorflow_profile(settings, folder.path), deferred:
                # loggers first: what is in a checkpoint, they were told
                callbacks = (loggers, recording, display, *run.callbacks)
                outcome = made.replayed(callbacks) if made else make(experiment, callbacks, checkpoint)
            timings.split("recording", {} if made else outcome.seconds)
            picture = save(outcome.pixels)
            saved_loss, saved_parts = score_of_file(picture, outcome)
            if animation:
                animation.write()
            timings.lap("saving")
        except BaseException as error:
            early_end.record(error)
            loggers.finish()
            raise
    first_step_after = None if made else recording.first_step_after
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
        first_step_after=first_step_after,
        **({"batch": made.of} if made else {}),
        **({"error": outcome.diverged} if outcome.diverged else {}),
        **({"stopped_by_callback": True} if outcome.stopped else {}),
        **({"roll_backs": [one.told() for one in outcome.roll_backs]} if outcome.roll_backs else {}),
    )
    loggers.finish()
    if settings.profile:
        print_profile(timings.seconds, first_step_after)
    finished = FinishedRun((animation and animation.file) or picture, outcome, saved_loss, saved_parts)
    if outcome.diverged:
        tried = [one.smaller for one in outcome.roll_backs]
        raise RunDiverged(
            f"{outcome.diverged}; the best picture so far is {picture};"
            f" {what_to_change(settings, outcome.failed_at_start, tried)}",
            finished,
        )
    # of a resumed run, only the folder knows how it began
    never_lower = NEVER_LOWER if outcome.is_best_seen and folder.never_improved else None
    if untouched := outcome.untouched_note or never_lower:
        _log.warning("%s", untouched)
    _log.info("loss of the saved picture: %.6g", saved_loss)
    return finished


# ---- The folder when the run begins, and when it goes on ----

_MOST = 80  # letters of a processor's name, which stands in a file that may come from anybody


def _new_folder(
    ready: SetUp, inputs: Inputs, path: Path, facts: Mapping[str, Any], sweep: Path | None
) -> RunFolder:
    """The folder with the pictures, the configuration, and what the result depends on besides."""
    folder = RunFolder(path)  # refuses a folder that holds a run, before anything is written
    settings = ready.settings
    pictures = record_inputs(settings, inputs, ready.parts.start, path, sweep)
    folder.begin(
        OmegaConf.to_yaml(settings, resolve=True),
        seed=settings.seed,
        device=_device(),
        precision=settings.precision.name,
        convolutions=way_to_convolve(settings.precision.name),
        deterministic=settings.deterministic,
        weights={"source": ready.weights.source, "sha256": ready.weights.sha256},
        process=asdict(Process.this()),
        **provenance(),
        **({"working_folder": str(Path.cwd()), "inputs": pictures} | dict(facts)),
    )
    return folder


def _resumed_folder(
    ready: SetUp, path: Path, checkpoint: Checkpoint | None, facts: Mapping[str, Any]
) -> RunFolder:
    """The folder of a run that goes on, with a note of what it began with, if that was another.

    Another processor, device or precision rounds in another way: a line says so, unless one did already.
    """
    settings = ready.settings
    more = OmegaConf.to_yaml(settings, resolve=True) if "requested_sha256" in facts else None
    folder = RunFolder.resumed(path, checkpoint.step if checkpoint else 0, more)
    folder.update(process=asdict(Process.this()), **facts)
    now = {"device": _device(), "precision": settings.precision.name, "machine": provenance()["machine"]}
    before = {name: folder.summary.get(name) for name in now}
    was, here = _computer(before), _computer(now)
    if was and was != here and ready.said is None:
        _log.warning("begun on %s, goes on on %s: bits will differ", was, here)
    if (was, before["precision"]) != (here, now["precision"]):
        folder.update(**now, begun_with=folder.summary.get("begun_with", before))
    return folder


def _computer(facts: Mapping[str, Any]) -> str:
    """The device that computes: a GPU by its name, else the processor; empty where that is not told."""
    machine = facts["machine"]
    processor = machine.get("processor") if isinstance(machine, Mapping) else None
    name = processor if facts["device"] == "CPU" else facts["device"]
    return printable(str(name or ""))[:_MOST]


def _device() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


# ---- What run.json says of the pictures of a run, and their copies beside it ----

_ARCHIVE = "frames.tar"


def record_inputs(
    settings: Settings, inputs: Inputs, start: Start, folder: Path, sweep: Path | None
) -> dict[str, Any]:
    """The entry ``inputs``: of each picture the ``file`` as configured, ``sha256`` and, if copied, ``copy``.

    Frames in files of their own have an entry ``frames`` besides, for all of them in one archive.
    Copies are written to ``folder``, sharing files through ``sweep``, unless ``record.copy_inputs`` is off.
    """

    def entry(stem: str, name: str, picture: Picture) -> dict[str, str]:
        return entry_of(stem, name, picture.sha256, picture.file)

    def entry_of(stem: str, name: str, sha256: str, content: bytes) -> dict[str, str]:
        facts = {"file": name, "sha256": sha256}
        if settings.record.copy_inputs:
            facts["copy"] = copy_input(folder, stem, name, content, sweep)
        return facts

    names: Sequence[str] = [settings.style] if isinstance(settings.style, str) else settings.style
    entries: dict[str, Any] = {
        "content": None if inputs.is_texture else entry("content", settings.content, inputs.content),
        "styles": [
            entry(f"style-{index}", name, picture)
            for index, (name, picture) in enumerate(zip(names, inputs.styles, strict=True))
        ],
    }
    if inputs.frames and (inputs.frames.files or inputs.frames.archive):
        entries["frames"] = _entry_of_frames(settings, inputs.frames, folder)
        # what is a picture by itself: the first frame, for those who look at one picture
        first = f"content{Path(inputs.content.name).suffix}"
        entries["content"] = entry("content", first, inputs.content) | {"file": settings.content}
    if inputs.masks:
        entries["masks"] = [
            None
            if picture is None or name is None
            else entry("mask" if index == 0 else f"mask-{index - 1}", name, picture)
            for index, (name, picture) in enumerate(zip(mask_names(settings), inputs.masks, strict=True))
        ]
    if isinstance(start, FileStart):
        entries["init"] = entry("init", settings.init.path, start.picture)
    if settings.record.profile not in PROFILES:
        icc = inputs.profile.icc
        entries["profile"] = entry_of(
            "profile", settings.record.profile, hashlib.sha256(icc).hexdigest(), icc
        )
    return entries


def _entry_of_frames(settings: Settings, frames: Frames, folder: Path) -> dict[str, str]:
    """Of frames in files of their own, or in an archive: one archive, and its hash."""
    facts = {"file": settings.content}
    if not settings.record.copy_inputs:
        sha256 = sha256_of_file(frames.archive) if frames.archive else write_archive(frames.files)
        return facts | {"sha256": sha256}
    target = folder / INPUTS / _ARCHIVE
    target.parent.mkdir(exist_ok=True)
    with written_atomically(target) as temporary:
        if frames.archive:
            temporary.write_bytes(frames.archive.read_bytes())
            sha256 = sha256_of_file(temporary)
        else:
            sha256 = write_archive(frames.files, temporary)
    return facts | {"sha256": sha256, "copy": f"{INPUTS}/{_ARCHIVE}"}


# ---- The picture that is saved: its transparency, its file, and the loss of what is in the file ----


def file_form(settings: Settings, inputs: Inputs) -> FileForm:
    """Depth, color profile and EXIF data of the result's file."""
    content, record = inputs.content, settings.record
    form = FileForm(record.bits, inputs.profile)
    if not (record.exif and content.file):
        return form
    return replace(form, exif=carried_exif(content.file, content.name, record.exif_place))


def cut_out(settings: Settings, inputs: Inputs, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The optimized image, [H, W, 3], as it is saved, and its opacity [H, W], None if it is opaque.

    The opacity is that of the content picture; colors are freed of the white that it was laid over. Both
    are rounded to the depth of the file.
    """
    alpha = inputs.content.alpha
    if alpha is None or settings.record.alpha.name == "flatten":
        return pixels, None
    alpha = resize_mask(alpha, *pixels.shape[:2])
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


# ---- What to change when a run diverged, in one sentence ----

_SAFE = "nst_tf.optim.LBFGS"
_RATE, _FIRST_RATE = "learning_rate", "initial_learning_rate"
_LARGEST_HALF = 65504  # IEEE 754, binary16


def what_to_change(settings: Settings, at_start: bool, tried: Sequence[float] = ()) -> str:
    """A sentence that names a key, its value and what to try.

    ``at_start``: no step was made at the size, so that no other step would help. ``tried`` are the smaller
    learning rates that were tried already.
    """
    if at_start and option_name(settings.precision) == "float16":
        return (
            f"precision=float16 holds no number above {_LARGEST_HALF}: choose precision=float32 or bfloat16"
        )
    if at_start:
        weights = ", ".join(
            f"objective.{term}.weight={getattr(settings.objective, term).weight:g}"
            for term in ("content", "style", "smoothness", "structure")
            if getattr(settings.objective, term).get("weight", 0.0) > 0
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
    for file in sorted((CONF_FOLDER / "optimizer").glob("*.yaml")):
        option: Any = OmegaConf.load(file)
        if option.get("_target_") == target and _rate_of(option)[0] == key:
            return _rate_of(option)[1]
    return None


# ---- Where the time went: the table of profile=true, and TensorFlow's own profile ----

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


def tensorflow_profile(settings: Settings, folder: Path) -> AbstractContextManager[Any]:
    """TensorFlow's own profile of what is done meanwhile, if it is asked for."""
    if not settings.record.tensorflow_profile:
        return nullcontext()

    return tf.profiler.experimental.Profile(str(folder / "profile"))
