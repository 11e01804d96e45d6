"""A terminal for a process, and what is shown in it."""

from __future__ import annotations

import errno
import os


def take_terminal() -> None:
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
