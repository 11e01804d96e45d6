"""A terminal for a process, and what is shown in it."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
import sys
from pathlib import Path

from cli.command_line import environment


def nst_in_terminal(folder: Path, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    """``nst WORD ...`` in a terminal of its own; the process, and our side of the terminal."""
    ours, theirs = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-m", "nst_tf", *words],
        cwd=folder,
        env=environment() | {"TERM": "xterm", "COLUMNS": "150"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    return started, ours


def _take_terminal() -> None:
    """Make the terminal on standard input the one whose Ctrl-C is ours."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_terminal(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError as error:  # Linux tells so that the other side is closed
        if error.errno != errno.EIO:
            raise
        return ""
