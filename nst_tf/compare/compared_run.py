"""What a comparison knows of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ComparedRun:
    """One run as it was read from its folder; nothing in it is trusted.

    ``settings`` is the resolved configuration, flat: "optimizer.learning_rate" -> 0.02; a config group
    chosen by name stands under the group's own name: "optimizer" -> "adam". ``picture`` is None where the
    run has none (yet). ``metrics`` are the rows of ``metrics.jsonl``; ``yardstick`` maps names of
    measures to numbers, empty where there is no picture.
    """

    folder: Path
    name: str
    """Short and unique among the runs that are compared, such as "3" or "11-02-33-a1b2"."""
    status: str
    summary: Mapping[str, Any]
    settings: Mapping[str, Any]
    overrides: tuple[str, ...]
    picture: Path | None
    content: Path | None
    styles: tuple[Path, ...]
    metrics: tuple[Mapping[str, float], ...] = ()
    yardstick: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    style_weights: tuple[float, ...] = ()
    """One for each of ``styles``; empty where a style is missing, for half a mixture is another style."""
    missing_inputs: tuple[str, ...] = ()
    """Pictures that the run was made from and that are not what they were, or gone; left out above."""
