"""The pictures and small runs of the tests of commands, and their browser."""

from __future__ import annotations

from cli.compare.report.conftest import chromium
from cli.conftest import _untrained_weights_drawn_once, painting, photo, small

__all__ = ["_untrained_weights_drawn_once", "chromium", "painting", "photo", "small"]
