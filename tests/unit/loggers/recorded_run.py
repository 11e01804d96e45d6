"""A run's folder as a run leaves it, written by hand: no TensorFlow, no network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from nst_tf.images.write import write_picture
from nst_tf.loggers import LoggedRun

SUMMARY = {
    "status": "completed",
    "steps": 4,
    "picture": "image.png",
    "loss_of_saved_picture": 1.25,
    "parts_of_saved_picture": {"content/block4_conv2": 0.25, "style/block1_conv1": 1.0},
    "seconds": {"steps": 2.0},
    "git_commit": "abc",
}


def pixels(level: float, height: int = 20, width: int = 30) -> np.ndarray:
    """One grey, [H, W, 3] in [0, 1]."""
    return np.full((height, width, 3), level, np.float32)


def report(step: int, loss: float | None = None, is_last_of_call: bool = True) -> SimpleNamespace:
    """What the loop tells of a step, half a second each."""
    loss = 10.0 - step if loss is None else loss
    parts = {"content/block4_conv2": loss / 4, "style/block1_conv1": 3 * loss / 4}
    return SimpleNamespace(
        step=step,
        size=30,
        seconds=0.5 * (step + 1),
        loss=loss,
        parts=parts,
        is_last_of_call=is_last_of_call,
    )


def solver(level: float = 0.5) -> SimpleNamespace:
    """As much of a solver as a logger asks."""
    return SimpleNamespace(learning_rate=0.02, picture=pixels(level))


def recorded_run(folder: Path, steps: int = 4, **facts) -> LoggedRun:
    """Write the folder of a completed run of ``steps`` steps; returns what its loggers are told."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for step in range(steps):
        told = report(step, 10.0 - 9.0 * step / steps)
        rows.append({"step": step, "size": 30, "seconds": told.seconds, "loss": told.loss, **told.parts})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "config.yaml").write_text("steps: 4\n")
    (folder / "run.json").write_text(json.dumps(SUMMARY))
    (folder / "progress").mkdir(exist_ok=True)
    write_picture(folder / "progress" / "step-000002.png", pixels(0.2))
    write_picture(folder / "image.png", pixels(0.6))
    run = LoggedRun(
        folder=folder.absolute(),
        settings={"optimizer": "adam", "optimizer.learning_rate": 0.02, "steps": 4, "average": "null"},
        overrides=("optimizer=adam", "steps=4", "logger=mlflow", "record.image_every=2"),
        pictures={"content": pixels(0.0), "style": pixels(1.0, 25, 15)},
        image_every=2,
    )
    return replace(run, **facts)
