"""The pictures, small runs and other fixtures of the tests of commands."""

from __future__ import annotations

from cli.compare.report.conftest import chromium
from cli.conftest import painting, photo, small, untrained_weights_drawn_once
from cli.sweep.conftest import brightness, mistakes

__all__ = [
    "brightness",
    "chromium",
    "mistakes",
    "painting",
    "photo",
    "small",
    "untrained_weights_drawn_once",
]
