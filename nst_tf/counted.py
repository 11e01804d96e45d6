"""A number and its noun: ``1 step``, ``2 steps``."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """The number and the noun, which takes an s for any number but one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
