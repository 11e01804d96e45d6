"""What libtiff prints of a damaged file by itself becomes one line of the log."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nst_tf.images.kinds import is_tiff

_STANDARD_ERROR = 2
_MOST_BYTES = 200  # of what is passed on: it says one thing for every damaged row
_ONE_AT_A_TIME = threading.RLock()  # all threads have one standard error


@contextmanager
def chatter_logged(path: str | Path, content: bytes, log: logging.Logger) -> Iterator[None]:
    """Hold back what is written to standard error while a TIFF is decoded; its beginning is a warning.

    Pillow sets no handler for libtiff's errors, which would stand beside the one sentence that a user is
    told: when the block raises, that sentence says it all and nothing is logged. The decoders of other
    formats are silent, and what other threads say meanwhile is left alone.
    """
    if not is_tiff(content):
        yield
        return
    with _ONE_AT_A_TIME:
        try:
            sys.stderr.flush()
            real = os.dup(_STANDARD_ERROR)
        except (OSError, ValueError, AttributeError):  # there is no standard error that could be disturbed
            yield
            return
        reading, writing = os.pipe()  # which needs no disk
        for end in (reading, writing):
            os.set_blocking(end, False)  # when it is full, the rest is dropped
        os.dup2(writing, _STANDARD_ERROR)
        try:
            yield
        finally:
            os.dup2(real, _STANDARD_ERROR)
            for end in (real, writing):
                os.close(end)
            said = b""
            with suppress(BlockingIOError):  # nothing was said, and a child of another thread might yet
                said = os.read(reading, _MOST_BYTES)
            os.close(reading)
        line = said.decode("ascii", "replace").partition("\n")[0].strip()
        if line:
            log.warning("%s: parts of it are damaged (%s)", path, line)
