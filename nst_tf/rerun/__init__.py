"""Running a saved run or sweep again, and telling whether the same came out."""

from __future__ import annotations
