"""What `video=` can be: what each frame of an animation begins from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from nst_tf.checks import check_weight, is_number, is_whole, require
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


@dataclass(frozen=True)
class Video:
    """Whether, and how, a run goes through the frames of an animation."""

    frames_per_second: float = 12.0
    """Of frames whose files do not say how long they are shown."""

    takes_frames: ClassVar[bool] = True
    """Whether the content is an animation, rather than one picture."""

    def __post_init__(self) -> None:
        rate = self.frames_per_second  # a GIF counts hundredths of a second
        right = is_number(rate) and 0 < rate <= 100
        require(right, "video.frames_per_second", rate, "above 0 and at most 100")

    @property
    def temporal_weight(self) -> float:
        """Of the temporal term of the objective; 0 for none."""
        return 0.0

    def later_steps(self, steps: int) -> int:
        """Steps of every frame but the first, which has ``steps`` at the last size."""
        return steps

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        """Contents before and now, and the result before, all [H, W, 3] -> what to begin from.

        None: as the first frame does, over all sizes.
        """
        return None


@dataclass(frozen=True)
class Still(Video):
    """One picture."""

    frames_per_second: float = field(default=12.0, init=False)
    takes_frames: ClassVar[bool] = False


@dataclass(frozen=True)
class Independent(Video):
    """Every frame as if it were the only one."""


@dataclass(frozen=True)
class FromPrevious(Video):
    """Each frame begins from the result of the one before, where it was."""

    steps: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        right = self.steps is None or is_whole(self.steps, 1)
        require(right, "video.steps", self.steps, "null or at least 1")

    def later_steps(self, steps: int) -> int:
        return self.steps or steps

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        return Beginning(result)


@dataclass(frozen=True)
class FollowFlow(FromPrevious):
    """Each frame begins from the result before, moved along by optical flow, and is kept near it.

    Ruder, Dosovitskiy, Brox, "Artistic style transfer for videos", GCPR 2016, sections 4.1 and 4.2: the
    initialization, and the short-term temporal loss with ``weight`` (their gamma). The paper begins from the
    moved result everywhere; here, where the flow leads out of the picture before, from the content, because
    there is nothing to move.
    """

    weight: float = 200.0
    flow: DenseFlow = field(default_factory=DisFlow)

    def __post_init__(self) -> None:
        check_weight("video", self.weight)
        super().__post_init__()

    @property
    def temporal_weight(self) -> float:
        return self.weight

    def begin(self, before: np.ndarray, now: np.ndarray, result: np.ndarray) -> Beginning | None:
        forward, backward = self.flow(before, now), self.flow(now, before)
        target = warped(result, backward)
        start = np.where(outside(backward)[..., np.newaxis], now, target)
        return Beginning(start.astype(np.float32), target, confidence(forward, backward), backward)
