"""Carrying an error past Hydra."""

from __future__ import annotations


class Stop(BaseException):
    """Raised ``from`` the error that ends the program.

    Hydra turns an ``Exception`` of a callback into a warning, and reports one of a job in several lines
    of its own; it lets any other ``BaseException`` pass.
    """
