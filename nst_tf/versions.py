"""The versions of this package and of what it stands on, without importing any of it."""

from __future__ import annotations

import argparse
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

_BELOW = {"TensorFlow": "tensorflow", "Keras": "keras", "Hydra": "hydra-core"}


@cache
def version_of(package: str) -> str | None:
    """The version of an installed package, by the name that pip has for it; None where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def versions() -> str:
    """One line: nst_tf's version, and those of TensorFlow, Keras and Hydra."""
    below = ", ".join(f"{name} {version_of(package) or 'is missing'}" for name, package in _BELOW.items())
    # of the package that this is a part of: an import would take all of the package for a part of this module
    return f"nst_tf {sys.modules['nst_tf'].__version__} ({below})"


class ShowVersions(argparse.Action):
    """What ``--version`` does: print ``versions`` and exit with 0. They are looked up only then."""

    def __init__(self, option_strings: list[str], dest: str, **others: Any) -> None:
        """A flag that takes no value."""
        others |= {"nargs": 0, "default": argparse.SUPPRESS}
        super().__init__(option_strings, argparse.SUPPRESS, **others)

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> NoReturn:
        """Print them."""
        print(versions())  # noqa: T201
        parser.exit()
