"""Whether a run saves the image that it started from, and what to say then."""

from __future__ import annotations

import hashlib

import numpy as np

from nst_tf.images.levels import levels_of

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
    """Follows a run from size to size; pictures are [H, W, 3] as they are saved, before they are rounded."""

    def __init__(self, bits: int) -> None:
        """``bits`` a channel of the file: what it can't show is no change."""
        self._bits = bits
        self._began: bytes | None = None
        self._first_loss: float | None = None
        self._is = True
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
        self._is = self._is and self._digest(picture) == self._began

    def sentence(self, picture: np.ndarray, is_best_seen: bool) -> str | None:
        """What to say if the saved ``picture`` is the start image; ``is_best_seen``: the last was worse."""
        self.end(picture)
        if not self._is:
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
