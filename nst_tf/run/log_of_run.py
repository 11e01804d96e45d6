"""The log in a run's folder, for a call that goes on with the run from elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"  # as conf/config.yaml has it for new runs


@contextmanager
def also_logged_to(path: Path) -> Iterator[None]:
    """Append what is logged meanwhile to ``path``, unless Hydra does, as for a sweep's job."""
    root = logging.getLogger()
    written = [Path(one.baseFilename) for one in root.handlers if isinstance(one, logging.FileHandler)]
    if path.absolute() in written:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_LINE))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
