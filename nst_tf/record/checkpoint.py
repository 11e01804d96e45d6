"""The state of an unfinished run in a file, from which it goes on as if it had not stopped."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.errors import InputError
from nst_tf.files import written_atomically

_NUMBERS = "numbers"


@dataclass(frozen=True)
class Checkpoint:
    """Index of the size, updates made there and in all, seconds of the run, and the solver's state."""

    scale: int
    steps_at_scale: int
    step: int
    seconds: float
    state: Mapping[str, np.ndarray]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write it to ``path`` (.npz) in one step; the last one stays until then."""
    numbers = [checkpoint.scale, checkpoint.steps_at_scale, checkpoint.step, checkpoint.seconds]
    with written_atomically(path) as temporary:
        arrays: dict[str, Any] = {_NUMBERS: np.array(numbers, np.float64), **checkpoint.state}
        np.savez(temporary, **arrays)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read it back; nothing is unpickled. Raises InputError if it is not there or damaged."""
    try:
        # opened here, because numpy leaves a file open that turns out to be damaged
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        scale, steps_at_scale, step, seconds = (float(number) for number in arrays.pop(_NUMBERS))
        places = int(scale), int(steps_at_scale), int(step)
    except FileNotFoundError:
        raise InputError(
            f"there is no checkpoint at {path}: the run can't be resumed, begin it anew"
        ) from None
    except (OSError, ValueError, TypeError, OverflowError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"the checkpoint {path} is damaged ({error}): begin the run anew") from None
    return Checkpoint(*places, seconds, arrays)
