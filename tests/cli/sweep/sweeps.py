"""Sweeps in this process, and what their folder says."""

from __future__ import annotations

import json
from pathlib import Path

from cli.command_line import Answer, nst

SWEEP = ("sweep.compare=false", "hydra.sweep.dir=sweep")


def sweep(folder: Path, *words: str) -> Answer:
    return nst(folder, "-m", *words, *SWEEP)


def told(folder: Path) -> dict:
    return json.loads((folder / "sweep" / "sweep.json").read_text())


def statuses(folder: Path) -> list[str]:
    return [job["status"] for job in told(folder)["jobs"]]


def summary(folder: Path, job: int) -> dict:
    return json.loads((folder / "sweep" / str(job) / "run.json").read_text())


def everything(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
