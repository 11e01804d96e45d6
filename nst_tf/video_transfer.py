"""The frames of an animation, one run of the loop after another, each with what the one before left."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.balance import Balance, GivenBalance
from nst_tf.errors import InputError
from nst_tf.experiment import Experiment
from nst_tf.images.frames import Frames, write_animation
from nst_tf.images.read import read_picture
from nst_tf.losses import TemporalTarget
from nst_tf.objective import BoundObjective
from nst_tf.optim.loop import Solver
from nst_tf.pyramid import Scale, SingleScale
from nst_tf.report import Report
from nst_tf.runs.checkpoint import Checkpoint, write_checkpoint
from nst_tf.runs.folder import FRAMES, RUN_JSON, RunFolder
from nst_tf.style_transfer import Callback, Outcome, optimize, score_of
from nst_tf.video import Beginning, Video, warping_error

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _OfFrame:
    """Passes on what one frame's loop tells, with steps and seconds since the first frame."""

    callback: Callback
    frame: int
    step: int
    seconds: float

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        self.callback.on_scale(scale, height, width)

    def on_report(self, report: Report, solver: Solver) -> None:
        moved = replace(
            report, step=self.step + report.step, seconds=self.seconds + report.seconds, frame=self.frame
        )
        self.callback.on_report(moved, solver)


class Animation:
    """Makes ``frames/000001.png`` ... in the folder of a run, and at the end the animation of them.

    A frame begins from the picture that was saved of the one before, 8 bits, so that a run that was killed
    goes on at its frame as if nothing had happened. A frame that can't be read is named in the log and in
    ``run.json``; the result before it stands in its place, and its neighbours are each other's.
    """

    def __init__(
        self, video: Video, frames: Frames, folder: RunFolder, name: str | None, checkpoints: bool = True
    ) -> None:
        """``name`` is that of the animation's file; None for none. A folder that is resumed is read.

        ``checkpoints``: one is written after every frame.
        """
        self._checkpoints = checkpoints
        self._video, self._frames, self._folder = video, frames, folder
        self.file = folder.path / name if name else None
        """The animation, where there is to be one."""
        known = _known(folder)
        self._made: list[dict[str, Any]] = known["made"]
        self._broken: list[dict[str, Any]] = known["broken"]

    def scales(self, experiment: Experiment) -> list[Scale]:
        """The sizes and steps of all frames together."""
        steps = self._video.later_steps(experiment.steps)
        later = [Scale(experiment.size, experiment.style_size, steps)]
        return experiment.scales + later * (len(self._frames) - 1)

    def optimize(
        self,
        experiment: Experiment,
        callbacks: tuple[Callback, ...] = (),
        resumed: Checkpoint | None = None,
    ) -> Outcome:
        """Make every frame; the outcome is that of the first one, with all steps and seconds together.

        Callbacks that have ``on_frame`` are told the number of each, from 1, and how many there are.
        """
        # frames are files of 8 bits, from which the next one begins
        experiment = replace(experiment, image_every=0, bits=8)
        height, width = experiment.shapes[-1]
        began = time.perf_counter() - (resumed.seconds if resumed else 0.0)
        step, traces, seconds, diverged = resumed.step if resumed else 0, 0, {}, []
        done = resumed.scale if resumed else 0
        self._made = [one for one in self._made if one["frame"] <= done]
        self._broken = [one for one in self._broken if one["frame"] <= done]
        last, content = self._last_of(experiment, height, width)
        for index in range(done, len(self._frames)):
            number = index + 1
            try:
                pixels = self._read(index, experiment)
            except InputError as error:
                self._note_broken(number, str(error), last)
                continue
            for callback in callbacks:
                if on_frame := getattr(callback, "on_frame", None):
                    on_frame(number, len(self._frames))
            now = experiment.resize(pixels, height, width)
            beginning = None if last is None or content is None else self._video.begin(content, now, last)
            one = _begun(replace(experiment, content=pixels), beginning, self._video)
            passed = time.perf_counter() - began
            outcome = optimize(one, tuple(_OfFrame(each, number, step, passed) for each in callbacks))
            self._keep(number, outcome, beginning, last)
            last, content = outcome.pixels, now
            step, traces = step + outcome.steps, traces + outcome.traces
            seconds = {name: seconds.get(name, 0) + value for name, value in outcome.seconds.items()}
            if outcome.diverged:
                diverged.append(f"frame {number}: {outcome.diverged}")
            if self._checkpoints:
                # the place of the size is that of the next frame; there is no state but the pictures
                write_checkpoint(
                    self._folder.path, Checkpoint(number, 0, step, time.perf_counter() - began, {})
                )
        return self._outcome(experiment, step, traces, seconds, "; ".join(diverged) or None)

    def write(self) -> None:
        """Write the animation, with the timing of its source, and say so in ``run.json``."""
        if self.file is not None:
            paths = [self._path(number) for number in range(1, len(self._frames) + 1)]
            rate = self._video.frames_per_second
            seconds = self._frames.seconds or (1 / rate,) * len(paths)
            write_animation(self.file, paths, seconds, self._frames.loop)
            self._tell(file=self.file.name)

    def _read(self, index: int, experiment: Experiment) -> np.ndarray:
        pixels = self._frames.read(index).pixels
        if pixels.shape != experiment.content.shape:  # its header said nothing, or something else
            wanted = experiment.content.shape
            raise InputError(
                f"{self._frames.names[index]} has {pixels.shape[1]} x {pixels.shape[0]} pixels, and the first"
                f" frame {wanted[1]} x {wanted[0]}"
            )
        return pixels

    def _last_of(
        self, experiment: Experiment, height: int, width: int
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Result and content of the last frame that an earlier call has made."""
        if not self._made:
            return None, None
        number = self._made[-1]["frame"]
        content = experiment.resize(self._read(number - 1, experiment), height, width)
        return read_picture(self._path(number)).pixels, content

    def _path(self, number: int) -> Path:
        return self._folder.path / FRAMES / f"{number:06d}.png"

    def _keep(
        self, number: int, outcome: Outcome, beginning: Beginning | None, before: np.ndarray | None
    ) -> None:
        path = self._folder.frame_picture(number, outcome.pixels)
        if not self._made:
            if outcome.untouched_note:
                _log.warning("frame %d: %s", number, outcome.untouched_note)
            for earlier in self._broken:  # nothing else could stand in their places
                self._folder.frame_picture(earlier["frame"], outcome.pixels)
        facts = {"frame": number, "picture": f"{FRAMES}/{path.name}", "steps": outcome.steps}
        facts |= {"loss": outcome.loss, "parts": outcome.parts}
        if beginning is not None and beginning.backward is not None and before is not None:
            assert beginning.believed is not None, "a flow comes with where it is believed"  # noqa: S101
            facts["warping_error"] = warping_error(
                before, outcome.pixels, beginning.backward, beginning.believed
            )
            facts["believed"] = float(beginning.believed.mean())
        self._made.append(facts)
        self._tell()

    def _note_broken(self, number: int, error: str, last: np.ndarray | None) -> None:
        _log.warning("frame %d is left out, and the one before it shown again: %s", number, error)
        if last is not None:
            self._folder.frame_picture(number, last)
        self._broken.append({"frame": number, "error": error})
        self._tell()

    def _tell(self, **facts: Any) -> None:
        known = {"frames": len(self._frames), "made": self._made, "broken": self._broken}
        self._folder.update(animation=known | facts)

    def _outcome(
        self, experiment: Experiment, step: int, traces: int, seconds: dict[str, float], diverged: str | None
    ) -> Outcome:
        first = self._made[0]

        def score(pixels: np.ndarray) -> tuple[float, dict[str, float]]:
            return score_of(replace(experiment, content=self._read(first["frame"] - 1, experiment)), pixels)

        pixels = read_picture(self._path(first["frame"])).pixels
        return Outcome(
            pixels, first["loss"], first["parts"], step, traces, score, seconds, diverged, is_best_seen=False
        )


@dataclass(frozen=True)
class _OfSize(GivenBalance):
    """The balance of one of the first frame's sizes, for a run of that size alone."""

    balance: Balance
    size: int

    def applied(self, bound: BoundObjective, index: int) -> BoundObjective:
        return self.balance.applied(bound, self.size)


def animation_of(video: Video, frames: Frames | None, folder: RunFolder, record: Any) -> Animation | None:
    """The animation of a run, as its settings ``record`` say; None for one picture."""
    if frames is None:
        return None
    return Animation(video, frames, folder, record.animation, record.checkpoint_every > 0)


def _begun(experiment: Experiment, beginning: Beginning | None, video: Video) -> Experiment:
    """The experiment of one frame: over all sizes, or from what was given at the last one."""
    if beginning is None:
        return experiment
    before = None
    if beginning.target is not None and beginning.believed is not None:
        before = TemporalTarget(beginning.target, beginning.believed)
    return replace(
        experiment,
        start=lambda content, styles, random: beginning.start,
        pyramid=SingleScale(),
        balance=_OfSize(experiment.balance, len(experiment.scales) - 1),
        steps=video.later_steps(experiment.steps),
        before=before,
    )


def _known(folder: RunFolder) -> dict[str, list[dict[str, Any]]]:
    """What an earlier call told of the frames; raises InputError if it can't have been so."""
    known = folder.summary.get("animation", {"made": [], "broken": []})
    try:
        made, broken = list(known["made"]), list(known["broken"])
        numbers = [one["frame"] for one in (*made, *broken)]
        are_numbers = all(isinstance(number, int) and number > 0 for number in numbers)
        if not are_numbers or not all(isinstance(one["loss"], (int, float)) for one in made):
            raise ValueError("a value is not a number")
    except (TypeError, KeyError, ValueError) as error:
        path = folder.path / RUN_JSON
        raise InputError(f"what {path} says of the frames is damaged ({error}): begin the run anew") from None
    return {"made": made, "broken": broken}
