"""The pictures, small runs and other fixtures of the tests of commands."""

from __future__ import annotations

from cli.compare.report.conftest import chromium
from cli.conftest import _untrained_weights_drawn_once, painting, photo, small
from cli.sweep.conftest import brightness, mistakes

__all__ = [
    "_untrained_weights_drawn_once",
    "brightness",
    "chromium",
    "mistakes",
    "painting",
    "photo",
    "small",
]
