"""``--version`` of each command."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from nst_tf import __version__
from nst_tf import machine as module

COMMANDS = ("nst_tf.cli", "nst_tf.compare.cli", "nst_tf.rerun.cli")

_PROGRAM = """
import sys, importlib
*commands, flag = sys.argv[1:]
for command in commands:
    sys.argv = [command, flag]
    try:
        importlib.import_module(command).main()
    except SystemExit as stop:
        assert stop.code in (None, 0), command
    else:
        raise AssertionError(command)
    loaded = [name for name in ("tensorflow", "keras") if name in sys.modules]
    assert not loaded, (command, loaded)
"""


def test_one_line_tells_the_versions_without_importing_tensorflow(tmp_path: Path) -> None:
    """Of each command, in one process: it takes a second to start."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *COMMANDS, "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    line = (
        f"nst_tf {__version__} (TensorFlow {version('tensorflow')}, Keras {version('keras')},"
        f" Hydra {version('hydra-core')})\n"
    )
    assert done.stdout == line * len(COMMANDS)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.version_of("no-such-package-of-anybody") is None
    monkeypatch.setattr(module, "version_of", lambda package: None if package == "keras" else "1.2.3")
    assert module.versions() == f"nst_tf {__version__} (TensorFlow 1.2.3, Keras is missing, Hydra 1.2.3)"
