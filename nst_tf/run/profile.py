"""What ``profile=true`` prints, and TensorFlow's own profile."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

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


def tensorflow_profile(settings: DictConfig, folder: Path) -> AbstractContextManager[Any]:
    """TensorFlow's own profile of what is done meanwhile, if it is asked for."""
    if not settings.record.tensorflow_profile:
        return nullcontext()
    import tensorflow as tf

    return tf.profiler.experimental.Profile(str(folder / "profile"))
