"""What follows a run while it goes on: its folder, the display, the end that came too early."""

from __future__ import annotations

import hashlib
import logging
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from nst_tf.config.inputs import PROFILES, Inputs
from nst_tf.errors import InputError, counted, printable
from nst_tf.files import sha256_of_file, written_atomically
from nst_tf.guidance.masks import mask_names
from nst_tf.images.frames import Frames, write_archive
from nst_tf.images.read import Picture
from nst_tf.init import FileStart, Start
from nst_tf.machine import Process
from nst_tf.optim.loop import Solver
from nst_tf.pyramid import Scale
from nst_tf.report import Report, TimeLeft, clock
from nst_tf.runs import RunFolder, provenance
from nst_tf.runs.checkpoint import Checkpoint
from nst_tf.runs.folder import INPUTS, copy_input
from nst_tf.runs.provenance import Timings, seconds_of_process
from nst_tf.runs.saved_run import has_checkpoint
from nst_tf.runs.signals import Interruption
from nst_tf.vgg.convolution import way_to_convolve
from nst_tf.vgg.weights import ConvolutionWeights

# ----------------------------------------------------------------------------
# What ``run.json`` says of the pictures of a run, and their copies beside it.

_ARCHIVE = "frames.tar"


def record_inputs(
    settings: DictConfig, inputs: Inputs, start: Start, folder: Path, sweep: Path | None = None
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


def _entry_of_frames(settings: DictConfig, frames: Frames, folder: Path) -> dict[str, str]:
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


# ----------------------------------------------------------------------------
# The folder of a run as it stands when the run begins, and when it goes on.

_MOST = 80  # letters of a processor's name, which stands in a file that may come from anybody

_log = logging.getLogger(__name__)


def begun(
    settings: DictConfig,
    path: Path,
    weights: ConvolutionWeights,
    asked: Mapping[str, Any],
) -> RunFolder:
    """The folder with the configuration and what the result depends on besides."""
    folder = RunFolder(path)
    folder.begin(
        OmegaConf.to_yaml(settings, resolve=True),
        seed=settings.seed,
        device=_device(),
        precision=settings.precision.name,
        convolutions=way_to_convolve(settings.precision.name),
        deterministic=settings.deterministic,
        weights={"source": weights.source, "sha256": weights.sha256},
        process=asdict(Process.this()),
        **provenance(),
        **({"working_folder": str(Path.cwd())} | dict(asked)),
    )
    return folder


def gone_on(settings: DictConfig, folder: RunFolder, is_told: bool) -> None:
    """Note in ``run.json`` what a resumed run goes on with, and what it began with if that was another.

    Another processor, device or precision rounds in another way: a line says so, unless it ``is_told``.
    """
    summary = folder.summary
    now = {"device": _device(), "precision": settings.precision.name, "machine": provenance()["machine"]}
    before = {name: summary.get(name) for name in now}
    was, here = _computer(before), _computer(now)
    if was and was != here and not is_told:
        _log.warning("begun on %s, goes on on %s: bits will differ", was, here)
    if (was, before["precision"]) != (here, now["precision"]):
        folder.update(**now, begun_with=summary.get("begun_with", before))


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


# ----------------------------------------------------------------------------
# The watcher that writes into the run's folder.

# The next call may not end in the time that a signal leaves for it (see LeavingInTime) if this one took half
# of that time, or if it is of twice the size, and so four times as slow: then the picture is kept here.
_SECONDS_OF_A_SLOW_CALL = 0.5
# Then there may be no time for a checkpoint either. So after such calls there are more of them, as many as
# take this part of the time: a few megabytes are written after each call, a history of gigabytes is not.
_SECONDS_OF_AN_ENDLESS_CALL = 2.0
_PART_FOR_CHECKPOINTS = 0.02


class Recording:
    """Logs every report, a picture every ``image_every`` steps, a checkpoint every so many seconds.

    0 is none, of either; where a step takes seconds there are more checkpoints. ``resumed`` is the one that
    the run goes on from. An ``interruption`` is passed on when a call of the compiled step is over, after a
    checkpoint, unless there is to be none. ``keep_the_end``: there is one of the end, too.
    """

    def __init__(
        self,
        folder: RunFolder,
        image_every: int,
        checkpoint_every: float = 0,
        resumed: Checkpoint | None = None,
        interruption: Interruption | None = None,
        keep_the_end: bool = False,
    ) -> None:
        """Record into ``folder``."""
        self._keep_the_end = keep_the_end
        self._seconds = 0.0
        self.kept_the_end = False
        """Whether the last checkpoint is of the end."""
        self._folder = folder
        self._image_every = image_every
        self._checkpoint_every = checkpoint_every
        self._last_checkpoint = time.monotonic()
        self._checkpoint_took = self._in_calls = 0.0
        self._scale = resumed.scale - 1 if resumed else -1
        self._steps_at_scale = 0
        self._resumed = resumed
        self._interruption = interruption or Interruption()
        self._roll_backs = 0
        self.picture_so_far: tuple[int, np.ndarray] | None = None
        """Steps, and the image [H, W, 3] after them; of the last slow call or checkpoint."""

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Count sizes; each row of the metrics names its own."""
        self._scale += 1
        self._steps_at_scale = self._resumed.steps_at_scale if self._resumed else 0
        self._resumed = None

    def on_report(self, report: Report, solver: Solver) -> None:
        """Write the row, and picture and checkpoint if it is time; calls end at ``image_every``."""
        if self._checkpoint_every:
            self._interruption.hold()
        self._folder.log(report)
        if len(solver.roll_backs) != self._roll_backs:
            self._roll_backs = len(solver.roll_backs)
            self._folder.update(roll_backs=[one.told() for one in solver.roll_backs])
        self._steps_at_scale += 1
        self._seconds = report.seconds
        updates = report.step + 1
        if self._image_every and updates % self._image_every == 0:
            self._folder.progress_picture(updates, solver.picture)
        # only then is the solver's state that of this report
        if report.is_last_of_call:
            self._end_call(report, updates, solver)

    def on_end(self, solver: Solver) -> None:
        """Keep the state after the last step, if that is asked for."""
        if self._keep_the_end and solver.step:
            state = solver.state()
            self._folder.checkpoint(
                Checkpoint(self._scale, self._steps_at_scale, solver.step, self._seconds, state)
            )
            self.kept_the_end = True

    def _end_call(self, report: Report, updates: int, solver: Solver) -> None:
        before, self._in_calls = self._in_calls, solver.seconds["first_steps"] + solver.seconds["steps"]
        took, now = self._in_calls - before, time.monotonic()
        is_slow = took > _SECONDS_OF_A_SLOW_CALL
        is_due = bool(self._checkpoint_every) and (
            self._interruption.asked
            or now - self._last_checkpoint >= self._wait(took > _SECONDS_OF_AN_ENDLESS_CALL)
        )
        if is_slow or is_due:
            self.picture_so_far = updates, solver.picture
        if is_due:
            self._folder.checkpoint(
                Checkpoint(self._scale, self._steps_at_scale, updates, report.seconds, solver.state())
            )
            self._last_checkpoint = time.monotonic()
            self._checkpoint_took = self._last_checkpoint - now
            if self._interruption.asked:
                self._interruption.pass_on()

    def _wait(self, is_endless: bool) -> float:
        """Seconds between checkpoints."""
        if not is_endless:
            return self._checkpoint_every
        return min(self._checkpoint_every, self._checkpoint_took / _PART_FOR_CHECKPOINTS)


# ----------------------------------------------------------------------------
# What a run leaves that does not come to its end: the picture so far, and how to go on.


class BreakingOff:
    """Ends one run early, in its own thread or from the one that can't wait for it."""

    def __init__(
        self,
        folder: RunFolder,
        recording: Recording,
        interruption: Interruption,
        timings: Timings,
        save: Callable[[np.ndarray], Path],
        quiet: bool,
    ) -> None:
        """``save`` writes an image [H, W, 3] as the run's picture; ``quiet`` says nothing in ``leave``."""
        self._folder = folder
        self._recording = recording
        self._interruption = interruption
        self._timings = timings
        self._save = save
        self._quiet = quiet

    def tell(self, error: BaseException) -> None:
        """Write how the run ended; interrupted, and not urgently, also the picture so far."""
        interrupted = isinstance(error, KeyboardInterrupt)
        facts: dict[str, Any] = {}
        if interrupted and not self._interruption.is_urgent:
            facts = self._picture_so_far()
        self._folder.finish(
            "interrupted" if interrupted else "failed",
            error=f"{type(error).__name__}: {error}",
            seconds=self._timings.seconds,
            **facts,
        )

    def leave(self, number: int, at_once: bool) -> None:
        """As ``tell``, while the run's own thread is in the middle of a step; the last checkpoint stays."""
        facts = {} if at_once else self._picture_so_far()
        self._folder.break_off(error=f"signal {number} came during a step", **facts)
        if not self._quiet:
            sentence = "; ".join(["nst: interrupted", *how_to_go_on(self._folder.path)])
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201

    def _picture_so_far(self) -> dict[str, Any]:
        if self._recording.picture_so_far is None:
            return {}
        steps, image = self._recording.picture_so_far
        try:
            picture = self._save(image)
        except (InputError, OSError):  # a full disk, or no numbers: how the run ended is still to be told
            return {}
        return {"steps": steps, "picture": picture.name}


def how_to_go_on(folder: Path) -> tuple[str, ...]:
    """The command, if the folder has a checkpoint."""
    if not has_checkpoint(folder):
        return ()
    with suppress(ValueError):
        folder = folder.absolute().relative_to(Path.cwd())
    return (f"go on with: nst resume={shlex.quote(str(folder))}",)


# ----------------------------------------------------------------------------
# When the first step was done: what a person waits before anything moves.


class FirstStep:
    """A watcher; ``seconds`` is the age of the process after the first step, None before it."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.seconds: float | None = None

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Nothing."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """Look at the clock, once."""
        if self.seconds is None:
            self.seconds = round(seconds_of_process(), 3)


# ----------------------------------------------------------------------------
# What a person sees while a run goes on: a bar in a terminal, a line now and then elsewhere.

_SECONDS_BETWEEN_LINES = 10.0  # often enough to see that it lives, seldom enough for a log


class Display:
    """Tells of the run on standard error; use it as a context."""

    def __init__(self, scales: list[Scale], quiet: bool = False) -> None:
        """``scales`` are those that the run will go through; ``quiet`` says nothing."""
        self._console = Console(stderr=True, highlight=False, quiet=quiet)
        self._total = sum(scale.steps for scale in scales)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f}/{task.total:.0f}  {task.fields[numbers]}"),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("preparing", total=self._total, numbers="")
        self._size = self._frame = ""
        self._entered = (0.0, 0)
        self._left = TimeLeft(scales)
        self._known_left: float | None = None
        self._last_line = time.perf_counter()
        self._is_early = True  # no line has told yet how long it takes

    def __enter__(self) -> Display:
        """Start the bar."""
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the bar away."""
        self._bar.stop()

    def on_frame(self, number: int, count: int) -> None:
        """Say which frame of an animation comes."""
        self._frame = f"frame {number} of {count}, "

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Say which size begins."""
        self._size = f"{self._frame}{width} x {height}"
        self._entered = (0.0, 0)
        self._left.scale_begins(scale, time.perf_counter())
        self._bar.update(self._task, description=self._size)
        if not self._console.is_terminal:
            self._console.print(f"{self._size} pixels, {counted(scale.steps, 'step')}", soft_wrap=True)

    def on_report(self, report: Report, solver: Solver) -> None:
        """Move the bar, or print a line if the last one is long ago."""
        if self._entered[0] == 0.0:
            self._entered = (report.seconds, report.step)
        seconds, steps = report.seconds - self._entered[0], report.step - self._entered[1]
        rate = f"{steps / seconds:.2f} steps/s" if seconds > 0 and steps > 0 else ""
        terms: dict[str, float] = {}
        for name, value in report.parts.items():
            term = name.partition("/")[0]
            terms[term] = terms.get(term, 0.0) + value
        numbers = f"loss {report.loss:.4g} = " + " + ".join(
            f"{term} {value:.3g}" for term, value in terms.items()
        )
        done, now = report.step + 1, time.perf_counter()
        left = self._left.step_ends(done, now) if report.is_last_of_call else self._known_left
        self._known_left = left
        ending = f", about {clock(left)} left" if left is not None and done < self._total else ""
        self._bar.update(self._task, completed=done, numbers=f"{numbers}  {rate}{ending}")
        is_due = now - self._last_line > _SECONDS_BETWEEN_LINES or (self._is_early and ending)
        if not self._console.is_terminal and (is_due or done == self._total):
            self._last_line, self._is_early = now, False
            self._console.print(f"step {done} of {self._total}: {numbers}  {rate}{ending}", soft_wrap=True)
