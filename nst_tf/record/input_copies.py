"""The pictures that a run was made from, copied into its folder, so that the folder is complete."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nst_tf.files import written_atomically

INPUTS = "inputs"
"""The folder of the copies, in a run's folder."""

_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")  # .webp and the like; anything else is not a suffix but a name


def copy_input(run: Path, stem: str, name: str, content: bytes, sweep: Path | None = None) -> str:
    """Write ``content``, the bytes of the file that was configured as ``name``, to ``inputs/STEM.SUFFIX``.

    The bytes are those that were read and hashed, whatever the file has become since. In the folder of a
    ``sweep``, runs with equal files have one copy on the disk, by hard links, where the file system has
    them. Returns the path relative to the run's folder.
    """
    suffix = Path(name).suffix.lower()
    suffix = suffix if _SUFFIX.fullmatch(suffix) else ""
    target = run / INPUTS / f"{stem}{suffix}"
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    if sweep is None or not _linked(sweep, target, content):
        with written_atomically(target) as temporary:
            temporary.write_bytes(content)
    return target.relative_to(run).as_posix()


def _linked(sweep: Path, target: Path, content: bytes) -> bool:
    """Make ``target`` a hard link to an equal file of another run of the sweep, if there is one."""
    for other in sorted(sweep.glob(f"*/{INPUTS}/{target.name}")):
        try:
            if other.stat().st_size == len(content) and other.read_bytes() == content:
                os.link(other, target)
                return True
        except OSError:  # a file system without hard links; or the other run went away
            continue
    return False
