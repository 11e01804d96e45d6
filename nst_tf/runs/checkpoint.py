"""The state of an unfinished run in a file, from which it goes on as if it had not stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.errors import InputError
from nst_tf.files import hard_link, written_atomically
from nst_tf.runs.folder import CHECKPOINT, METRICS, PREVIOUS_CHECKPOINT

_NUMBERS = "numbers"
_BEGIN_ANEW = ": begin the run anew"


@dataclass(frozen=True)
class Checkpoint:
    """Index of the size, updates made there and in all, seconds of the run, and the solver's state."""

    scale: int
    steps_at_scale: int
    step: int
    seconds: float
    state: Mapping[str, np.ndarray]


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write it to ``folder`` in one step, flushed to the disk; the last one is kept as the previous one.

    The metrics that go with it are flushed before. The file is an .npz, whose zip holds a CRC-32 of each
    array: damage is found when it is read. So is damage to its table of contents, for the number of arrays
    is one of the numbers.
    """
    with suppress(FileNotFoundError), (folder / METRICS).open("rb+") as metrics:
        os.fsync(metrics.fileno())  # the rows that go with it must not be lost when the power fails
    path = folder / CHECKPOINT
    numbers = [checkpoint.scale, checkpoint.steps_at_scale, checkpoint.step, checkpoint.seconds]
    numbers.append(len(checkpoint.state))
    with written_atomically(path) as temporary:
        arrays: dict[str, Any] = {_NUMBERS: np.array(numbers, np.float64), **checkpoint.state}
        np.savez(temporary, **arrays)
        hard_link(path, folder / PREVIOUS_CHECKPOINT)


def last_checkpoint(folder: Path) -> tuple[Checkpoint, str | None]:
    """The newest checkpoint that is whole, and a sentence if that is the previous one.

    A damaged newest one is then taken away, so that the next one keeps the whole one. Raises InputError if
    there is none, or no whole one.
    """
    path, previous = folder / CHECKPOINT, folder / PREVIOUS_CHECKPOINT
    if path.exists() or not previous.exists():
        try:
            return read_checkpoint(path), None
        except InputError as error:
            if not previous.exists():
                raise
            damage = str(error).removesuffix(_BEGIN_ANEW)
    else:
        damage = f"the checkpoint {path} is missing"
    checkpoint = read_checkpoint(previous)
    previous.replace(path)
    return checkpoint, f"{damage}: the run goes on from the previous one, after step {checkpoint.step}"


def read_checkpoint(path: Path) -> Checkpoint:
    """Read it back; nothing is unpickled. Raises InputError if it is not there or damaged."""
    try:
        # opened here, because numpy leaves a file open that turns out to be damaged
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        scale, steps_at_scale, step, seconds, count = (float(number) for number in arrays.pop(_NUMBERS))
        if len(arrays) != count:
            raise ValueError(f"{len(arrays)} of {count:.0f} arrays are there")
    except FileNotFoundError:
        raise InputError(
            f"there is no checkpoint at {path}: the run can't be resumed, begin it anew"
        ) from None
    except Exception as error:  # numpy and zipfile raise whatever a changed byte leads them to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"the checkpoint {path} is damaged ({reason}){_BEGIN_ANEW}") from None
    return Checkpoint(int(scale), int(steps_at_scale), int(step), seconds, arrays)
