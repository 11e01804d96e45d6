"""Addresses of the web or of a store, where the name of a file is wanted."""

from __future__ import annotations

import re

from nst_tf.errors import InputError

# RFC 3986, section 3.1; at least two letters, for a drive of Windows has one
_ADDRESS = re.compile(r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://|data:[^,]*,)")


def is_address(name: str) -> bool:
    """Whether the name is one, such as https://... or s3://..."""
    return bool(_ADDRESS.match(name))


def check_no_address(name: str, key: str | None = None) -> None:
    """Raise InputError if the name is an address; ``key`` is where it was given."""
    if not (found := _ADDRESS.match(name)):
        return
    said = f"{key}={name}" if key else name
    if found["scheme"] == "file":
        raise InputError(f"{said} is an address: name the file by its path, without file://")
    raise InputError(f"{said} is an address; addresses are not fetched: download it first, and name the file")
