"""How long to wait for bytes from afar: quick to give up on silence, slow to give up on a slow line."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nst_tf.weights.failure import Unavailable

_LEAST_PROGRESS = 1 << 16  # bytes a stall's span must bring; below that the line is as good as dead


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for the first byte, and for each next 64 KiB.

    A time-out on a socket does not cover a name server that hangs, and begins anew with every byte that
    drips; watching from outside covers both.
    """

    first_byte: float
    stall: float

    def wait(self, finished: Callable[[float], bool], received: Callable[[], int]) -> None:
        """Return when ``finished`` says so.

        Args:
            finished: waits up to the seconds it is given, and tells whether the work is over.
            received: the number of bytes so far.

        Raises Unavailable when no byte comes, or too few.
        """
        limit, seen, since = self.first_byte, 0, time.monotonic()
        while not finished(min(0.1, limit)):  # 0.1 s: the end is noticed sooner than a person would
            now, amount = time.monotonic(), received()
            if amount >= seen + _LEAST_PROGRESS or (seen == 0 and amount > 0):
                limit, seen, since = self.stall, amount, now
            elif now - since > limit:
                if seen == 0:
                    raise Unavailable(f"no answer within {limit:g} s")
                raise Unavailable(f"the transfer stalled for {limit:g} s after {amount} bytes")
