"""The command line as a function: TensorFlow is imported once for all of its calls."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from hydra._internal.hydra import Hydra
from hydra.types import RunMode
from logging_restored import logging_restored

from nst_tf.cli import main

REPOSITORY = Path(__file__).parents[2]

# two blocks of an untrained network at the smallest sizes: a run of it takes about a second
SMALL = (
    "model.weights=random",
    "image.size=32",
    "steps=2",
    "pyramid=single",
    "precision=float32",
    "layers.content=[block2_conv2]",
    "layers.style=[block1_conv1,block2_conv1]",
)


@dataclass(frozen=True)
class Answer:
    """What the program said, and the folder it was started in."""

    status: int
    out: str
    err: str
    folder: Path

    @property
    def run(self) -> Path:
        """The run's folder, from the path of the picture on standard output."""
        return (self.folder / self.out.strip().splitlines()[-1]).parent

    @property
    def summary(self) -> dict:
        return json.loads((self.run / "run.json").read_text())

    @property
    def rows(self) -> list[dict]:
        return [json.loads(line) for line in (self.run / "metrics.jsonl").read_text().splitlines()]


def nst(folder: Path, *words: str, keeps_sizes: bool = True) -> Answer:
    """``nst WORD ...`` in ``folder``, in this process; see ``keep_sizes``."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
        logging_restored(),
    ):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["nst", *words])
        # Hydra's logging closes every handler there is, and absl's then closes what pytest captures with
        patch.setattr(logging, "shutdown", _close_log_files)
        patch.setenv("HYDRA_FULL_ERROR", "1")  # main sets it: taken back with the patch
        patch.setattr(Hydra, "get_mode", mode_of)
        if keeps_sizes:
            keep_sizes(patch)
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
    return Answer(status, out.getvalue(), err.getvalue(), folder)


def mode_of(
    hydra: Hydra, config_name: str | None, overrides: list[str], ask=Hydra.get_mode
) -> RunMode | None:
    """What Hydra would find, which composes everything once more for it: our files leave it open.

    Experiments say it, and words and folders of a user may.
    """
    may_say = any(
        word.lstrip("+~").startswith(("experiment", "hydra.mode", "hydra=", "hydra/")) for word in overrides
    )
    return ask(hydra, config_name, overrides) if may_say or "--config-dir" in sys.argv else None


def keep_sizes(patch: pytest.MonkeyPatch) -> None:
    """What runs of other sizes compiled stays, within its bounds: tests take turns at a few small sizes.

    In the program a run of other sizes frees it, for the sake of memory; the result is the same.
    """
    if warm := sys.modules.get("nst_tf.process_cache"):
        patch.setattr(warm.ProcessCache, "expect", lambda self, shapes: None)


def environment() -> dict[str, str]:
    """For a subprocess: this package, and no chatter of TensorFlow that we would have to wait for."""
    return os.environ | {"PYTHONPATH": str(REPOSITORY), "COLUMNS": "120"}


def nst_process(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """``python -m nst_tf WORD ...`` in ``folder``, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "nst_tf", *words],
        cwd=folder,
        env=environment() | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _close_log_files(handlers: Iterable[Callable[[], logging.Handler | None]]) -> None:
    for handler in [reference() for reference in handlers]:
        if type(handler) is logging.FileHandler:
            handler.close()
