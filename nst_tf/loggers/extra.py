"""Packages that only a logger needs."""

from __future__ import annotations

from importlib.util import find_spec

from nst_tf.errors import InputError


def check_extra(logger: str, *modules: str) -> None:
    """Raise InputError if one of the modules is not installed; imports none of them."""
    for module in modules:
        if find_spec(module) is None:
            raise InputError(
                f"logger={logger} needs the package {module}, which is not installed:"
                f" pip install 'nst_tf[{logger}]'"
            )
