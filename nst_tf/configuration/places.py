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
    path = Path(name).expanduser()
    bundled = _PACKAGE / name
    if name.startswith(_SAMPLE_PREFIX) and not path.exists() and bundled.is_file():
        return bundled
    return path
