"""The two pictures and the sweep of the tests of the parts."""

from __future__ import annotations

from unit.compare.conftest import content, drawn_once, style, sweep

__all__ = ["content", "drawn_once", "style", "sweep"]
