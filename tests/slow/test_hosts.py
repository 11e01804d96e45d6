"""``nst`` where the machine lacks what Linux has, and where Keras is set otherwise: the same picture."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, environment, nst
from cli.evaluated import unit

# as Python on Windows: these modules and functions are not there, nor is /proc
_WINDOWS = """
import os, sys
import psutil  # its parts for other systems need none of these

for name in ("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty"):
    sys.modules[name] = None
for name in ("fork", "sysconf", "killpg", "setsid", "mkfifo", "getpgid"):
    delattr(os, name)
from pathlib import Path
read_text = Path.read_text

def read_what_is_there(self, *given, **named):
    if str(self).startswith(("/proc", "/sys")):
        raise FileNotFoundError(self)
    return read_text(self, *given, **named)

Path.read_text = read_what_is_there
opened = os.open

def open_files_only(path, *given, **named):
    if os.path.isdir(path):
        raise PermissionError(path)
    return opened(path, *given, **named)

os.open = open_files_only
from nst_tf.cli import main
main()
"""
_WORDS = (*SMALL, "image.size=64", "record.checkpoint_every=0.001", "optimizer=adam")


@pytest.mark.slow
def test_without_posix_modules_and_with_another_keras_the_picture_is_the_same(
    photo: Path, painting: Path, tmp_path: Path
) -> None:
    """In one process, for each takes seconds to start."""
    words = (*_WORDS, f"content={photo}", f"style={painting}")
    here = nst(tmp_path, *words, "hydra.run.dir=here")
    assert here.status == 0, here.err
    odd = {"floatx": "float16", "backend": "torch", "image_data_format": "channels_first"}
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "keras.json").write_text(json.dumps(odd))
    there = subprocess.run(
        [sys.executable, "-c", _WINDOWS, *words, "hydra.run.dir=there"],
        cwd=tmp_path,
        env=environment() | {"KERAS_HOME": str(tmp_path / "keras"), "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert there.returncode == 0, there.stderr
    assert "Traceback" not in there.stderr
    np.testing.assert_array_equal(unit(tmp_path / "there/image.png"), unit(tmp_path / "here/image.png"))
    summary = json.loads((tmp_path / "there/run.json").read_text())
    assert summary["status"] == "completed"
    assert summary["peak_memory_bytes"] is None
    assert summary["process"]["began"] is None
    assert here.summary["peak_memory_bytes"] > 0
