"""The one kind of error that a user's input can cause."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input: its message is one sentence that names the value received and what would be right.

    The command line prints the message alone and exits with status 2; a library caller catches it.
    """
