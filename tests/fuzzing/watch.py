"""What a case may not do: write outside of its folder, start programs, connect, unpickle."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# events of sys.audit (docs.python.org/3/library/audit_events.html), and which of their arguments are paths
_PATHS = {
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.chown"), (0,)),
    **dict.fromkeys(("os.utime", "os.setxattr", "os.removexattr", "shutil.rmtree", "os.mkfifo"), (0,)),
    **{"os.rename": (0, 1), "os.link": (0, 1), "os.symlink": (1,)},
}
_NEVER = (
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "subprocess.Popen"),
    *("pty.spawn", "socket.connect", "socket.bind", "pickle.find_class", "webbrowser.open", "os.putenv"),
    *("ftplib.connect", "smtplib.connect", "urllib.Request", "os.startfile", "ctypes.dlopen"),
)
# TensorFlow and Hydra set variables of their own
_HARMLESS_VARIABLES = (b"HYDRA", b"TF_", b"KERAS", b"COLUMNS", b"LINES", b"CUDA")


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
        paths = [arguments[place] for place in _PATHS.get(event, ())]
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
            paths = [arguments[0]]
        self._seen += [f"{event} {os.fsdecode(path)}" for path in paths if self._is_outside(path)]
        if event in _NEVER and not (event == "os.putenv" and arguments[0].startswith(_HARMLESS_VARIABLES)):
            self._seen.append(f"{event} {arguments!r:.200}")

    def _is_outside(self, path: object) -> bool:
        if not isinstance(path, (str, bytes)):  # of a file that is open already
            return False
        folder, name = os.path.split(os.fsdecode(path))
        place = Path(os.path.realpath(folder or "."), name)
        return not place.is_relative_to(self._allowed) and str(place) != os.devnull
