"""Where the configuration files and the bundled sample pictures are."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent

# in a wheel the files lie inside of the package; in a checkout beside it
CONFIGURATION = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent / "conf"
"""The folder of the YAML files."""

SAMPLES = _PACKAGE / "samples"
"""The folder of the bundled pictures."""

_SAMPLE_PREFIX = "samples/"


def picture_path(name: str) -> Path:
    """The file that a name in ``content`` or ``style`` stands for.

    A path as the shell would take it; a name that starts with ``samples/`` is the bundled picture,
    unless there is such a file in the present folder.
    """
    path = user_path(name)
    bundled = _PACKAGE / name
    if name.startswith(_SAMPLE_PREFIX) and not is_there(path) and bundled.is_file():
        return bundled
    return path


def user_path(name: str | Path) -> Path:
    """The path with ~ and ~USER as the shell takes them; as it is where there is no such user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; not for what can't be the name of one, as too long a text."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
