"""One run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.images.write import FileForm, write_picture
from nst_tf.record.checkpoint import Checkpoint, write_checkpoint
from nst_tf.record.loss_plot import loss_plot
from nst_tf.solver.report import Report

FRAMES = "frames"
CONFIGURATION, SUMMARY, METRICS, PROGRESS, PLOT, CHECKPOINT = (
    "config.yaml",
    "run.json",
    "metrics.jsonl",
    "progress",
    "loss.svg",
    "checkpoint.npz",
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
        self._reports: list[Report] = []

    def begin(self, configuration: str, **facts: Any) -> None:
        """Write the configuration (YAML text) and the first summary."""
        self.configuration = configuration
        write_text_atomically(self.path / CONFIGURATION, configuration)
        self.update(status="running", **facts)

    @classmethod
    def resumed(cls, path: Path, step: int) -> RunFolder:
        """Go on in the folder of an unfinished run after ``step`` updates; later rows are taken back."""
        folder = cls.__new__(cls)
        folder.path = path
        folder._summary = dict(summary_of(path))
        folder._summary.pop("error", None)  # of its first end
        folder.configuration = (path / CONFIGURATION).read_text(encoding="utf-8")
        metrics = path / METRICS
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
        folder._reports = []
        for line in lines[:step]:
            try:
                row = json.loads(line)
                known = {name: row.pop(name) for name in ("step", "size", "seconds", "loss")}
                frame = row.pop("frame", None)
                if not all(isinstance(number, (int, float)) for number in (*known.values(), *row.values())):
                    raise ValueError("a value is not a number")
            except (ValueError, KeyError, AttributeError, RecursionError) as error:
                raise InputError(f"a row of {metrics} is damaged ({error}): begin the run anew") from None
            folder._reports.append(Report(**known, parts=row, frame=frame))
        write_text_atomically(metrics, "".join(f"{line}\n" for line in lines[:step]))
        folder.update(status="running", resumed_at_step=step)
        return folder

    @property
    def never_improved(self) -> bool:
        """Whether at every size no image seen has a lower loss than the one that the size began with."""
        began: dict[int, float] = {}
        return bool(self._reports) and not any(
            report.loss < began.setdefault(report.size, report.loss) for report in self._reports
        )

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write the state of the run; the last one stays until this one is whole."""
        write_checkpoint(self.path / CHECKPOINT, checkpoint)

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
        self._reports.append(report)

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
        self._summary |= facts
        write_text_atomically(self.path / SUMMARY, json.dumps(self._summary, indent=2) + "\n")

    def finish(self, status: str, **facts: Any) -> None:
        """Write the plot of the loss and the last summary."""
        if self._reports:
            write_text_atomically(self.path / PLOT, loss_plot(self._reports))
        self.update(status=status, **facts)
        if status == "completed":
            (self.path / CHECKPOINT).unlink(missing_ok=True)


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
