"""What a case may not do: write outside of its folder, start programs, connect, unpickle."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# events of sys.audit (docs.python.org/3/library/audit_events.html) whose first arguments are paths
_PATHS = {
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.chown"), 1),
    **dict.fromkeys(("os.utime", "os.setxattr", "os.removexattr", "shutil.rmtree", "os.mkfifo"), 1),
    **dict.fromkeys(("os.rename", "os.link"), 2),
}
_NEVER = (
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "subprocess.Popen"),
    *("pty.spawn", "socket.connect", "socket.bind", "pickle.find_class", "webbrowser.open", "os.putenv"),
    *("ftplib.connect", "smtplib.connect", "urllib.Request", "os.startfile", "ctypes.dlopen"),
)
# TensorFlow and Hydra set variables of their own
_HARMLESS_VARIABLES = ("HYDRA", "TF_", "KERAS", "COLUMNS", "LINES", "CUDA")


class Watch:
    """Hears of every file that Python opens, and of every program that it starts, in this process.

    A hook of ``sys.audit`` can't be taken out again: it belongs into a process of its own.
    """

    def __init__(self) -> None:
        """Nothing is allowed, and nothing watched, before ``begin``."""
        self._allowed: Path | None = None
        self._seen: list[str] = []
        sys.addaudithook(self._hear)

    def begin(self, folder: Path) -> None:
        """From now on only what lies in ``folder`` may be written."""
        self._seen = []
        self._allowed = Path(os.path.realpath(folder))

    def end(self) -> list[str]:
        """What was done that may not be, in words."""
        self._allowed = None
        return self._seen

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._allowed is None:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES:
                self._look_at(event, path)
        elif event in _PATHS:
            for path in arguments[: _PATHS[event]]:
                self._look_at(event, path)
        elif event == "os.symlink":
            self._look_at(event, arguments[1])
        elif event in _NEVER and not self._is_harmless(event, arguments):
            self._seen.append(f"{event} {arguments!r:.200}")

    def _look_at(self, event: str, path: object) -> None:
        if not isinstance(path, (str, bytes)):  # of a file that is open already
            return
        name = os.fsdecode(path)
        place = Path(os.path.realpath(os.path.dirname(name) or "."), os.path.basename(name))  # noqa: PTH119, PTH120
        if self._allowed and not place.is_relative_to(self._allowed) and str(place) != os.devnull:
            self._seen.append(f"{event} {name}")

    @staticmethod
    def _is_harmless(event: str, arguments: tuple[object, ...]) -> bool:
        name = arguments[0] if arguments else None
        return (
            event == "os.putenv"
            and isinstance(name, bytes)
            and os.fsdecode(name).startswith(_HARMLESS_VARIABLES)
        )
