"""One run's folder."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.errors import InputError
from nst_tf.files import remove_unfinished, write_text_atomically
from nst_tf.images.write import FileForm, write_picture
from nst_tf.record.checkpoint import Checkpoint, remove_checkpoints, write_checkpoint
from nst_tf.record.loss_plot import MOST_POINTS, loss_plot
from nst_tf.solver.report import Report

FRAMES = "frames"
CONFIGURATION, SUMMARY, METRICS, PROGRESS, PLOT = (
    "config.yaml",
    "run.json",
    "metrics.jsonl",
    "progress",
    "loss.svg",
)


class RunFolder:
    """Writes ``config.yaml``, ``run.json``, ``metrics.jsonl``, ``progress/``, ``loss.svg`` and the picture.

    ``run.json`` is rewritten whole whenever something is known; its ``status`` is running, completed,
    diverged, interrupted or failed. Files other than the metrics are there wholly or not at all.
    """

    def __init__(self, path: Path) -> None:
        """Use an existing folder; raises InputError if it holds a run already."""
        self.path = path
        if (path / SUMMARY).exists():
            raise InputError(f"the folder {path} holds a run already: choose another with hydra.run.dir")
        self._summary: dict[str, Any] = {}
        self._forget_reports()
        self._summary_lock = threading.RLock()

    def begin(self, configuration: str, **facts: Any) -> None:
        """Write the configuration (YAML text) and the first summary."""
        self.configuration = configuration
        write_text_atomically(self.path / CONFIGURATION, configuration)
        self.update(status="running", **facts)

    @classmethod
    def resumed(cls, path: Path, step: int, configuration: str | None = None) -> RunFolder:
        """Go on in the folder of an unfinished run after ``step`` updates; later rows are taken back.

        So is what a killed process left half-written. ``configuration``, YAML, takes the place of that which
        is there. Raises InputError if rows are missing or damaged.
        """
        folder = cls.__new__(cls)
        folder.path = path
        folder._summary_lock = threading.RLock()
        folder._summary = dict(summary_of(path))
        for key in ("error", "roll_backs", "damage", "picture", "steps"):  # of its first end
            folder._summary.pop(key, None)
        for place in (path, path / PROGRESS):
            remove_unfinished(place)
        folder.configuration = (path / CONFIGURATION).read_text(encoding="utf-8")
        metrics = path / METRICS
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
        folder._forget_reports()
        if len(lines) < step:
            raise InputError(f"{metrics} has {len(lines)} rows for {step} steps: begin the run anew")
        for line in lines[:step]:
            try:
                row = json.loads(line)
                known = {name: row.pop(name) for name in ("step", "size", "seconds", "loss")}
                frame = row.pop("frame", None)
                if not all(isinstance(number, (int, float)) for number in (*known.values(), *row.values())):
                    raise ValueError("a value is not a number")
            except (ValueError, KeyError, AttributeError, RecursionError) as error:
                raise InputError(f"a row of {metrics} is damaged ({error}): begin the run anew") from None
            folder._keep(Report(**known, parts=row, frame=frame))
        write_text_atomically(metrics, "".join(f"{line}\n" for line in lines[:step]))
        if configuration is not None:
            folder.configuration = configuration
            write_text_atomically(path / CONFIGURATION, configuration)
        folder.update(status="running", resumed_at_step=step)
        return folder

    @property
    def never_improved(self) -> bool:
        """Whether at every size no image seen has a lower loss than the one that the size began with."""
        return bool(self._began) and not self._improved

    def _forget_reports(self) -> None:
        self._reports: list[Report] = []
        self._every, self._seen = 1, 0
        self._began: dict[int, float] = {}
        self._improved = False

    def _keep(self, report: Report) -> None:
        """What the plot needs: never more reports than it can show, however long the run is."""
        self._improved |= report.loss < self._began.setdefault(report.size, report.loss)
        if self._seen % self._every == 0:
            self._reports.append(report)
        self._seen += 1
        if len(self._reports) > 2 * MOST_POINTS:
            self._reports, self._every = self._reports[::2], 2 * self._every

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write the state of the run; the last one stays until then, and as the previous one."""
        with suppress(FileNotFoundError), (self.path / METRICS).open("rb+") as metrics:
            os.fsync(metrics.fileno())  # the rows that go with it must not be lost when the power fails
        write_checkpoint(self.path, checkpoint)

    def log(self, report: Report) -> None:
        """Append a row to the metrics: step, size, seconds, loss and each part by name."""
        row = {
            **({} if report.frame is None else {"frame": report.frame}),
            "step": report.step,
            "size": report.size,
            "seconds": round(report.seconds, 4),
            "loss": report.loss,
            **report.parts,
        }
        with (self.path / METRICS).open("a", encoding="utf-8") as metrics:
            metrics.write(json.dumps(row) + "\n")
        self._keep(report)

    def progress_picture(self, step: int, pixels: np.ndarray) -> None:
        """Write ``progress/step-000050.png``."""
        folder = self.path / PROGRESS
        folder.mkdir(exist_ok=True)
        write_picture(folder / f"step-{step:06d}.png", pixels)

    def frame_picture(self, number: int, pixels: np.ndarray) -> Path:
        """Write ``frames/000001.png``; returns its path."""
        folder = self.path / FRAMES
        folder.mkdir(exist_ok=True)
        write_picture(folder / f"{number:06d}.png", pixels)
        return folder / f"{number:06d}.png"

    @property
    def summary(self) -> Mapping[str, Any]:
        """What was written to ``run.json`` last."""
        return self._summary

    def picture(
        self,
        name: str,
        pixels: np.ndarray,
        alpha: np.ndarray | None = None,
        form: FileForm | None = None,
    ) -> Path:
        """Write the result, with the configuration in its metadata; returns its path."""
        path = self.path / name
        write_picture(path, pixels, {"nst_tf": self.configuration}, alpha, form)
        return path

    def update(self, **facts: Any) -> None:
        """Add facts to the summary and write it."""
        with self._summary_lock:
            self._summary |= facts
            self._write_summary()

    def break_off(self, seconds: float = 1.0, **facts: Any) -> None:
        """Say that the run was interrupted, unless it has ended, from a thread that ends the process.

        Whatever the thread of the run is at, it writes no summary after this one; it gets so many
        ``seconds`` for one that it has begun to write.
        """
        self._summary_lock.acquire(timeout=seconds)
        if self._summary.get("status") == "running":
            self._summary |= {"status": "interrupted", **facts}
            self._write_summary()

    def _write_summary(self) -> None:
        write_text_atomically(self.path / SUMMARY, json.dumps(self._summary, indent=2) + "\n")

    def finish(self, status: str, keep_checkpoint: bool = False, **facts: Any) -> None:
        """Write the plot of the loss and the last summary; no checkpoint stays of a completed run.

        ``keep_checkpoint``: the last one does, which is the state at its end.
        """
        if self._reports:
            write_text_atomically(self.path / PLOT, loss_plot(self._reports))
        self.update(status=status, **facts)
        if status == "completed":
            remove_checkpoints(self.path, but_the_last=keep_checkpoint)


def summary_of(path: Path) -> Mapping[str, Any]:
    """The summary of a run's folder; raises InputError if it is not one."""
    try:
        summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not the folder of a run: its {SUMMARY} can't be read ({error})"
        ) from None
    if not isinstance(summary, dict):
        raise InputError(f"{path} is not the folder of a run: its {SUMMARY} is not an object")
    return summary
