"""What watchers are told of a run, kept and told to others later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nst_tf.pyramid import Scale
from nst_tf.run.loop import Watcher
from nst_tf.solver import Report, RollBack, Solver


@dataclass(frozen=True)
class KeptSolver:
    """What watchers ask of a solver, as it was when it made a report; its time is over.

    ``picture`` [H, W, 3] is None between two progress pictures, where none asks.
    """

    picture: np.ndarray | None
    learning_rate: float | None
    roll_backs: Sequence[RollBack] = ()
    seconds: dict[str, float] = field(default_factory=lambda: {"first_steps": 0.0, "steps": 0.0})


class Tape:
    """A watcher that keeps everything, with a picture every ``image_every`` steps; 0 is none."""

    def __init__(self, image_every: int) -> None:
        """Nothing yet."""
        self._image_every = image_every
        self._told: list[tuple[str, tuple[Any, ...]]] = []
        self._rate: float | None = None

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Keep it."""
        self._told.append(("on_scale", (scale, height, width)))

    def on_report(self, report: Report, solver: Solver) -> None:
        """Keep it, with what the solver shows."""
        if report.is_last_of_call:  # each time the host asks the device
            self._rate = solver.learning_rate
        wanted = self._image_every and (report.step + 1) % self._image_every == 0
        shown = KeptSolver(solver.picture if wanted else None, self._rate)
        self._told.append(("on_report", (report, shown)))

    def play(self, watchers: Sequence[Watcher]) -> None:
        """Tell it all, in order."""
        for method, facts in self._told:
            for watcher in watchers:
                getattr(watcher, method)(*facts)
