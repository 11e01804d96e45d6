"""What a run says and leaves when the machine fails it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from cli.command_line import Answer
from PIL import Image

LONG = ("optimizer=adam", "steps=60", "record.image_every=1", "record.checkpoint_every=1e-9")


def sentence(answer: Answer) -> str:
    assert answer.status == 2, answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert "Logging error" not in answer.err
    last = answer.err.splitlines()[-1]
    assert last.startswith("nst: ")
    return last


def assert_nothing_half_written(run: Path) -> None:
    """Whatever is there can be read to its end."""
    json.loads((run / "run.json").read_text())
    for picture in run.rglob("*.png"):
        Image.open(picture).load()
    for checkpoint in run.glob("*.npz"):
        with np.load(checkpoint, allow_pickle=False) as file:
            assert all(file[name] is not None for name in file.files)
    assert [path for path in run.rglob(".*") if path.name != ".hydra"] == []


def no_memory(*_: object) -> None:
    import tensorflow as tf

    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nwith shape [1,2]")
