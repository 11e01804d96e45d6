"""One sentence for what a disk, or whoever else uses it, can do to a run."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path

from nst_tf.run.saved_run import SUMMARY, has_checkpoint

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def sentence_for_disk(error: OSError, folder: Path | None = None) -> str:
    """What happened to the file of ``error``, and the way on for the run in ``folder``, if there is one."""
    where = error.filename or folder or "the run's folder"
    if folder is not None and not folder.exists() and error.errno == errno.ENOENT:
        return (
            f"the run's folder {folder} is gone: somebody took it away while the run went on; begin it anew"
        )
    if error.errno in _FULL:
        return (
            f"there is no room on the disk for {where} ({error.strerror}): free some, then {_way_on(folder)}"
        )
    if error.errno in _READ_ONLY:
        return f"can't write to {where} ({error.strerror}): choose another folder with hydra.run.dir"
    return f"can't write to {where} ({error.strerror or error}): choose another folder with hydra.run.dir"


def cause_on_disk(error: BaseException) -> OSError | None:
    """The full disk, or the like, behind an error; None if there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return cause
        cause = cause.__cause__
    return None


def _way_on(folder: Path | None) -> str:
    if folder is None or not (folder / SUMMARY).exists():
        return "run it again, or choose another folder with hydra.run.dir"
    if has_checkpoint(folder):
        return f"go on with: nst resume={shlex.quote(str(folder))}"
    return "run it again in another folder"
