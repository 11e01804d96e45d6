"""TensorBoard: event files in the run's folder, while it runs."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from nst_tf.images.pixels import levels_of
from nst_tf.images.read import read_picture
from nst_tf.loggers.loggers import LoggedRun, check_extra, overridden, saved_losses
from nst_tf.runs.folder import PROGRESS

if TYPE_CHECKING:
    from nst_tf.optim.loop import Solver
    from nst_tf.pyramid import Scale
    from nst_tf.report import Report


# an extra: it may not be installed where this is checked, and its messages are made when it is imported
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false


FOLDER = "tensorboard"
"""Where the event files lie in a run's folder."""


class TensorBoard:
    """Scalars, pictures and HParams, so that ``tensorboard --logdir SWEEP`` compares the jobs of a sweep.

    Scalars: ``loss``, each part by name, ``run/size`` (long side, pixels), ``run/learning_rate``,
    ``run/steps_per_second`` (once a compiled call, without the first of a size, which compiles) and, at
    the end, ``as_saved/loss`` and ``as_saved/PART``. HParams are the settings that the run's words ask for.

    Written with TensorBoard's own writer, as torch.utils.tensorboard does: tf.summary needs the same
    package, but can't say that a resumed run makes what came after its checkpoint void.
    """

    def __init__(self) -> None:
        """Raise InputError if the package is not installed."""
        check_extra("tensorboard", "tensorboard")

    def begin(self, run: LoggedRun) -> None:
        """Open an event file, with the HParams and the pictures that the run starts from."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.plugins.hparams.api import hparams_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._run = run
        self._last_call: tuple[float, int] | None = None
        if not run.resumed_at:  # of a run that begins anew in its folder, nothing told before is true
            for old in (run.folder / FOLDER).glob("events.out.tfevents.*"):
                old.unlink()
        self._writer = EventFileWriter(str(run.folder / FOLDER))
        if run.resumed_at:
            # readers drop whatever an earlier event file holds from this step on
            self._write(Event(step=run.resumed_at, session_log=SessionLog(status=SessionLog.START)))
            progress = run.folder / PROGRESS / f"step-{run.resumed_at:06d}.png"
            if progress.exists():
                self._add(run.resumed_at, [_picture("progress", read_picture(progress).pixels)])
        else:
            asked = overridden(run.settings, run.overrides)
            # runs with the same settings would share a row of the table, but for a name of their own
            name = f"{run.folder.parent.name}/{run.folder.name}"
            self._write(Event(step=0, summary=hparams_pb(dict(asked), trial_id=name)))
            self._add(0, [_picture(name, pixels) for name, pixels in run.pictures.items()])
        self._writer.flush()

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """The first call at a size compiles: its speed is none."""
        self._last_call = None

    def on_report(self, report: Report, solver: Solver) -> None:
        """Write the scalars, and the picture if it is time."""
        numbers = {"loss": report.loss, **report.parts, "run/size": report.size}
        if report.is_last_of_call:
            if solver.learning_rate is not None:
                numbers["run/learning_rate"] = solver.learning_rate
            if self._last_call is not None and report.seconds > self._last_call[0]:
                seconds, step = self._last_call
                numbers["run/steps_per_second"] = (report.step - step) / (report.seconds - seconds)
            self._last_call = (report.seconds, report.step)
        self._add(report.step, _scalars(numbers))
        updates = report.step + 1
        if self._run.image_every and updates % self._run.image_every == 0:
            self._add(updates, [_picture("progress", solver.picture)])
        if report.is_last_of_call:  # about four a second: on the disk before a checkpoint of this step is
            self._writer.flush()

    def finish(self, status: str, summary: Mapping[str, Any], picture: Path | None) -> None:
        """Write the loss of the saved picture and the picture, and close the file."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams import api_pb2
        from tensorboard.plugins.hparams.summary import session_end_pb

        if picture is not None:
            steps = summary["steps"]
            self._add(steps, _scalars(saved_losses(summary)))
            self._add(steps, [_picture("result", read_picture(picture).pixels)])
        if status in ("completed", "diverged"):  # others may be resumed, and the first word on it counts
            ended = api_pb2.STATUS_SUCCESS if status == "completed" else api_pb2.STATUS_FAILURE
            end = Summary.FromString(session_end_pb(ended).SerializeToString())
            self._write(Event(step=summary["steps"], summary=end))
        self._writer.close()

    def _add(self, step: int, values: Iterable[Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._write(Event(step=step, summary=Summary(value=list(values))))

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        self._writer.add_event(event)


def _scalars(numbers: Mapping[str, float]) -> list[Any]:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return [Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]


def _picture(name: str, pixels: np.ndarray) -> Any:
    """[H, W, 3] in [0, 1], as an 8-bit PNG."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    encoded = io.BytesIO()
    Image.fromarray(levels_of(pixels)).save(encoded, "PNG")
    height, width, channels = pixels.shape
    image = Summary.Image(
        height=height, width=width, colorspace=channels, encoded_image_string=encoded.getvalue()
    )
    return Summary.Value(tag=f"pictures/{name}", image=image)
