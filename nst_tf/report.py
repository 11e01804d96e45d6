"""What the loop tells of each step, how long the rest takes, and whether anything changed."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from nst_tf.images.pixels import levels_of
from nst_tf.pyramid import Scale


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


class TimeLeft:
    """How long the rest of a run takes, from what its steps took so far.

    It follows the run through its ``scales``; all moments are in seconds from any one beginning.

    A step takes as long as the mean one at the present size, and at others in proportion to their pixels. A
    size needs as long before its first step, for tracing above all, as the last one did.
    """

    def __init__(self, scales: Sequence[Scale]) -> None:
        """``scales`` are all that the run goes through, also where it goes on in the middle."""
        self._scales = list(scales)
        self._ends = list(accumulate(scale.steps for scale in scales))
        self._number: int | None = None
        self._ahead = 0  # of the plan, by sizes that ended early
        self._began = self._to_begin = 0.0
        self._first: tuple[float, int] | None = None
        self._a_step: float | None = None

    def scale_begins(self, scale: Scale, now: float) -> None:
        """A size begins; the first of a run that goes on may be any."""
        before = self._number
        self._number = self._scales.index(scale) if before is None else min(before + 1, len(self._scales) - 1)
        if before is not None and self._a_step is not None:
            self._a_step *= (self._scales[self._number].size / self._scales[before].size) ** 2
        self._began, self._first = now, None

    def step_ends(self, done: int, now: float) -> float | None:
        """``done`` steps of the whole run are made -> the seconds that are left; None if unknown yet."""
        number = 0 if self._number is None else self._number
        if self._first is None:
            begins_at = self._ends[number] - self._scales[number].steps
            self._ahead = max(self._ahead, begins_at - (done - 1))
            self._first = now, done
            self._to_begin = max(0.0, now - self._began - (self._a_step or 0.0))
        elif done > self._first[1] and now > self._first[0]:
            self._a_step = (now - self._first[0]) / (done - self._first[1])
        if self._a_step is None:
            return None
        seconds = max(0, self._ends[number] - self._ahead - done) * self._a_step
        for scale in self._scales[number + 1 :]:
            pixels = (scale.size / self._scales[number].size) ** 2
            seconds += scale.steps * self._a_step * pixels + self._to_begin
        return seconds


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, as in 0:01:40."""
    return str(datetime.timedelta(seconds=round(seconds)))


NEVER_LOWER = (
    "no step lowered the loss, so the saved picture is the start image: a smaller"
    " optimizer.learning_rate helps"
)
_TOO_LITTLE = (
    "the steps changed the start image by less than the {bits} bits a channel of the file show, so that it is"
    " what is saved: more steps, or a larger optimizer.learning_rate, help"
)
_NO_CHANGE = (
    "no step changed the loss, so the saved picture is the start image: another start, such as init=noise, or"
    " another optimizer.learning_rate may help"
)
_ROWS = 256  # hashed at a time: rounding of a large picture takes several times its memory


class Untouched:
    """Whether a run saved the picture that it started from, and why.

    It follows the run from size to size; pictures are [H, W, 3] as they are saved, before they are rounded.
    """

    def __init__(self, bits: int) -> None:
        """``bits`` a channel of the file; a change below one level of these does not count."""
        self._bits = bits
        self._began: bytes | None = None
        self._first_loss: float | None = None
        self._unchanged = True
        self._lower = self._higher = False

    def begin(self, picture: np.ndarray) -> None:
        """A size begins with this picture."""
        self._began = self._digest(picture)
        self._first_loss = None

    def told(self, loss: float) -> None:
        """The loss before a step."""
        if self._first_loss is None:
            self._first_loss = loss
        self._lower |= loss < self._first_loss
        self._higher |= not loss <= self._first_loss

    def end(self, picture: np.ndarray) -> None:
        """The size ends with this one."""
        self._unchanged = self._unchanged and self._digest(picture) == self._began

    def sentence(self, picture: np.ndarray, is_best_seen: bool) -> str | None:
        """What to say if the saved ``picture`` is the start image; ``is_best_seen``: the last was worse."""
        self.end(picture)
        if not self._unchanged:
            return None
        if self._lower:
            return _TOO_LITTLE.format(bits=self._bits)
        return NEVER_LOWER if self._higher or is_best_seen else _NO_CHANGE

    def _digest(self, picture: np.ndarray) -> bytes | None:
        digest = hashlib.sha256()
        for top in range(0, len(picture), _ROWS):
            rows = picture[top : top + _ROWS]
            if not np.isfinite(rows).all():
                return None
            digest.update(levels_of(rows, self._bits).tobytes())
        return digest.digest()
