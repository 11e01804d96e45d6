"""What each frame of an animation begins from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from nst_tf.checks import check_weight
from nst_tf.errors import InputError
from nst_tf.video.flow import DenseFlow, DisFlow, confidence, outside, warped


@dataclass(frozen=True)
class Beginning:
    """``start`` [H, W, 3]: what the optimization begins from, in [0, 1].

    Where ``believed`` [H, W] is 1, the result is to stay near ``target`` [H, W, 3], the previous result as
    this frame sees it; None where nothing is. ``backward`` [H, W, 2] is the flow by which it was seen.
    """

    start: np.ndarray
    target: np.ndarray | None = None
    believed: np.ndarray | None = None
    backward: np.ndarray | None = None


class Video(Protocol):
    """Whether, and how, a run goes through the frames of an animation."""

    @property
    def takes_frames(self) -> bool:
        """Whether the content is an animation, rather than one picture."""
        ...

    @property
    def temporal_weight(self) -> float:
        """Of the temporal term of the objective; 0 for none."""
        ...

    @property
    def frames_per_second(self) -> float:
        """Of frames whose files do not say how long they are shown."""
        ...

    def later_steps(self, steps: int) -> int:
        """Steps of every frame but the first, which has ``steps`` at the last size."""
        ...

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        """Contents before and now, and the result before, all [H, W, 3] -> what to begin from.

        None: as the first frame does, over all sizes.
        """
        ...


@dataclass(frozen=True)
class Still:
    """One picture."""

    takes_frames: bool = field(default=False, init=False)
    temporal_weight: float = field(default=0.0, init=False)
    frames_per_second: float = field(default=12.0, init=False)

    def later_steps(self, steps: int) -> int:
        """There are no later frames."""
        return steps

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        """Nor do they begin."""
        return None


@dataclass(frozen=True)
class Independent:
    """Every frame as if it were the only one."""

    frames_per_second: float = 12.0
    takes_frames: bool = field(default=True, init=False)
    temporal_weight: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Refuse a rate that no animation has: InputError."""
        _check_rate(self.frames_per_second)

    def later_steps(self, steps: int) -> int:
        """All have the same."""
        return steps

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        """Anew."""
        return None


@dataclass(frozen=True)
class FromPrevious:
    """Each frame begins from the result of the one before, where it was."""

    steps: int | None = None
    frames_per_second: float = 12.0
    takes_frames: bool = field(default=True, init=False)
    temporal_weight: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Refuse a number of steps below 1 and a rate that no animation has: InputError."""
        _check_steps(self.steps)
        _check_rate(self.frames_per_second)

    def later_steps(self, steps: int) -> int:
        """As many as were asked for."""
        return self.steps or steps

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        """The result before."""
        return Beginning(result)


@dataclass(frozen=True)
class FollowFlow:
    """Each frame begins from the result before, moved along by optical flow, and is kept near it.

    Ruder, Dosovitskiy, Brox, "Artistic style transfer for videos", GCPR 2016, sections 4.1 and 4.2: the
    initialization, and the short-term temporal loss with ``weight`` (their gamma). The paper begins from the
    moved result everywhere; here, where the flow leads out of the picture before, from the content, because
    there is nothing to move.
    """

    weight: float = 200.0
    steps: int | None = None
    flow: DenseFlow = field(default_factory=DisFlow)
    frames_per_second: float = 12.0
    takes_frames: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        """Refuse a negative weight, steps below 1 and a rate that no animation has: InputError."""
        check_weight("video", self.weight)
        _check_steps(self.steps)
        _check_rate(self.frames_per_second)

    @property
    def temporal_weight(self) -> float:
        """The weight."""
        return self.weight

    def later_steps(self, steps: int) -> int:
        """As many as were asked for."""
        return self.steps or steps

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        """The result before, moved."""
        forward, backward = self.flow(before, now), self.flow(now, before)
        target = warped(result, backward)
        start = np.where(outside(backward)[..., np.newaxis], now, target)
        return Beginning(start.astype(np.float32), target, confidence(forward, backward), backward)


def _check_steps(steps: int | None) -> None:
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise InputError(f"video.steps must be null or at least 1, but is {steps!r}")


def _check_rate(rate: float) -> None:
    if not (math.isfinite(rate) and 0 < rate <= 100):  # a GIF counts hundredths of a second
        raise InputError(f"video.frames_per_second must be above 0 and at most 100, but is {rate}")
