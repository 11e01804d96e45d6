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
main = importlib.import_module(sys.argv.pop(1)).main
try:
    main()
finally:
    loaded = [name for name in ("tensorflow", "keras") if name in sys.modules]
    assert not loaded, loaded
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_one_line_tells_the_versions_without_importing_tensorflow(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, command, "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"nst_tf {__version__} (TensorFlow {version('tensorflow')}, Keras {version('keras')},"
        f" Hydra {version('hydra-core')})\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.version_of("no-such-package-of-anybody") is None
    monkeypatch.setattr(module, "version_of", lambda package: None if package == "keras" else "1.2.3")
    assert module.versions() == f"nst_tf {__version__} (TensorFlow 1.2.3, Keras is missing, Hydra 1.2.3)"
