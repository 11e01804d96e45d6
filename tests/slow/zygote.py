"""Start ``nst`` in new processes without importing TensorFlow anew in each: a process that forks.

Run as a program it imports everything, but starts nothing of TensorFlow's; for each line on its standard
input, {"folder": ..., "words": [...]}, it forks a process that is ``nst WORD ...`` in that folder, and
says its number; when the process ends, it says its exit status, negative for a signal.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


class Zygote:
    """The side of the test: use it as a context."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._program = subprocess.Popen(
            [sys.executable, __file__],
            env=environment | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *error: object) -> None:
        self._program.stdin.close()
        self._program.wait(timeout=60)
        self._program.stdout.close()

    def start(self, folder: Path, *words: str) -> int:
        """The number of the new process; what it says is appended to ``said.txt`` in ``folder``."""
        self._program.stdin.write(json.dumps({"folder": str(folder), "words": words}) + "\n")
        return self._answer()["started"]

    def status(self) -> int:
        """Wait for its end."""
        return self._answer()["status"]

    def _answer(self) -> dict[str, Any]:
        line = self._program.stdout.readline()
        assert line, "the zygote ended"
        return json.loads(line)


def _serve() -> None:
    import hydra  # noqa: F401
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    from nst_tf import callbacks as recording  # noqa: F401
    from nst_tf.vgg import weights as sources
    from nst_tf.vgg.layers import ARCHITECTURES

    # twenty million random numbers take as long as the rest of a small run
    drawn = sources.untrained(ARCHITECTURES["vgg19"], 0)
    sources.untrained = lambda vgg, seed: drawn
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        asked = json.loads(line)
        number = os.fork()
        if number == 0:
            answers.close()
            _be(asked["folder"], asked["words"])
        print(json.dumps({"started": number}), file=answers)
        _, ended = os.waitpid(number, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(ended)}), file=answers)


def _be(folder: str, words: list[str]) -> None:
    """Nst, from here on."""
    os.chdir(folder)
    said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["nst", *words]
    status: Any = 0
    try:
        from nst_tf.cli import main

        main()
    except SystemExit as stop:
        status = stop.code or 0
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve()
