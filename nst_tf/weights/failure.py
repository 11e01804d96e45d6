"""The two ways in which a place can fail to give weights."""

from __future__ import annotations


class Unavailable(Exception):
    """A source has nothing to give; its message is the reason, in one line, and the next one is asked.

    ``surprising`` tells a damaged file, worth a warning, from a mere absence.
    """

    def __init__(self, reason: str, *, surprising: bool = False) -> None:
        super().__init__(reason)
        self.surprising = surprising


class Malformed(ValueError):
    """A file does not hold the weights wanted; its message goes on the sentence "the file ..."."""
