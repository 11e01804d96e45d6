"""What a logger is, and what it is told of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nst_tf.loggers.flat_settings import FlatSettings

if TYPE_CHECKING:  # importing them brings TensorFlow
    from nst_tf.pyramid import Scale
    from nst_tf.solver import Report, Solver


@dataclass(frozen=True)
class LoggedRun:
    """A run that begins or goes on, as its loggers see it."""

    folder: Path
    """Absolute; ``config.yaml`` and ``run.json`` are in it already."""
    settings: FlatSettings
    """The resolved configuration, and the option chosen of each group under the group's name."""
    overrides: tuple[str, ...]
    """The words that asked for it, such as ``optimizer=adam``."""
    pictures: Mapping[str, np.ndarray]
    """"content" and "style", or "style_1" and so on: [H, W, 3] in [0, 1], at most as large as the result."""
    image_every: int
    """Steps between progress pictures; 0 is none."""
    sweep: Path | None = None
    """The folder of the sweep that the run is a job of."""
    resumed_at: int = 0
    """Updates that were made before this process; what was told of later ones is void."""


class Logger(Protocol):
    """A watcher of the run that also hears how it begins and how it ends.

    Its constructor raises InputError for options that can't work or a package that is not installed, and
    touches nothing. Whatever its methods raise ends the logger, not the run.
    """

    def begin(self, run: LoggedRun) -> None:
        """The run begins, or goes on."""

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """A size begins, in pixels."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """A step was made."""

    def finish(self, status: str, summary: Mapping[str, Any], picture: Path | None) -> None:
        """The run ended: completed, diverged, interrupted or failed; ``summary`` is its ``run.json``."""
