"""What the loop tells of one step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """The loss of the image after ``step`` updates, before the next one.

    ``seconds`` counts from the start of the run. Steps that ran in one compiled call share one host
    sync; the seconds of all but its last are interpolated, and only at the last the solver's image is that
    after this step's update. ``parts`` are weighted and sum to ``loss``.
    """

    step: int
    size: int
    seconds: float
    loss: float
    parts: dict[str, float]
    is_last_of_call: bool = True
    frame: int | None = None
    """In an animation the number of the frame, from 1; steps and seconds go on from frame to frame."""
