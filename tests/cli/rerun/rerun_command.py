"""``nst-rerun`` as a function."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli.command_line import keep_sizes

from nst_tf.rerun.cli import main


@dataclass(frozen=True)
class Told:
    """What the program said."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line of a refusal."""
        (line,) = self.err.splitlines()
        assert line.startswith("nst-rerun: ")
        return line


def nst_rerun(folder: Path, *words: str | Path) -> Told:
    """``nst-rerun WORD ...`` in ``folder``, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setenv("COLUMNS", "120")
        keep_sizes(patch)
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
    return Told(int(stop.value.code or 0), out.getvalue(), err.getvalue())
