"""Sweeps as processes, through the launchers that are installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli.command_line import environment

EXTRAS = {
    "joblib": ("hydra_plugins.hydra_joblib_launcher", "joblib"),
    "submitit_local": ("hydra_plugins.hydra_submitit_launcher", "submitit"),
    "ray": ("hydra_plugins.hydra_ray_launcher", "ray"),
    "optuna": ("hydra_plugins.hydra_optuna_sweeper", "optuna"),
}


def need(option: str) -> None:
    plugin, extra = EXTRAS[option]
    try:
        found = importlib.util.find_spec(plugin)
    except ModuleNotFoundError:
        found = None
    if found is None:
        pytest.skip(f"the extra is not installed: pip install 'nst_tf[{extra}]'")


def process(folder: Path, *words: str, **kwargs) -> subprocess.Popen[str]:
    """The installed program if it is this code, else the module."""
    return subprocess.Popen(
        [sys.executable, "-m", "nst_tf", "-m", *words, "hydra.sweep.dir=sweep"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not appear"
        time.sleep(0.05)


def wait_for_note(folder: Path, job: int) -> dict:
    path = folder / "sweep" / ".jobs" / f"{job}.json"
    wait_for(path)
    note = json.loads(path.read_text())
    assert note["status"] == "running"
    return note


SEARCH = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=1")
