"""Real SIGKILLs, thirty at moments chosen by chance: each run ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cli.command_line import environment, nst
from zygote import Zygote

from nst_tf.compare.reading import read_run

OPTIMIZERS = {
    "adam": ("optimizer=adam", "average=0.9", "keep_best=false"),
    "lbfgs": ("optimizer=lbfgs", "stop.patience=20"),
    "lbfgs_torch": ("optimizer=lbfgs_torch", "optimizer.learning_rate=0.1"),
}
# two sizes of 60 steps each, and a checkpoint after every compiled call
PYRAMID = ("pyramid=coarse_to_fine", "pyramid.smallest=24", "pyramid.steps_factor=1", "image.size=48")
OFTEN = ("record.checkpoint_every=1e-9", "record.image_every=7", "steps=60", "memory_limit=4")
KILLS = 10  # of each optimizer


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(environment()) as zygote:
        yield zygote


def rows(run: Path) -> list[dict[str, float]]:
    lines = (run / "metrics.jsonl").read_text().splitlines() if (run / "metrics.jsonl").exists() else []
    found = [json.loads(line) for line in lines if line.endswith("}")]  # the last one may be being written
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


def is_being_written(run: Path) -> bool:
    """Whether half a checkpoint is there."""
    try:
        return any(path.stat().st_size for path in run.glob(".unfinished-checkpoint-*"))
    except OSError:
        return False


def steps_kept(run: Path) -> int:
    """The rows of the metrics when the last checkpoint was renamed, more or less: it follows each call."""
    return len(rows(run)) if (run / "checkpoint.npz").exists() else 0


def kill_at_some_moment(number: int, run: Path, chance: random.Random) -> str:
    """SIGKILL: while it starts, while it makes steps, or in the middle of writing a checkpoint."""
    moment = chance.choice(["any", "steps", "writing", "writing"])
    deadline = time.monotonic() + 120
    if moment == "any":
        time.sleep(chance.uniform(0, 3))
    else:
        # steps that are made anew after the last checkpoint do not count: ten kills go through both sizes
        enough = steps_kept(run) + chance.randint(1, 25)
        while steps_kept(run) < enough and time.monotonic() < deadline and not ended(number):
            time.sleep(0.001)
        while moment == "writing" and not is_being_written(run) and not ended(number):
            pass
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
    return moment


def ended(number: int) -> bool:
    """The zygote has waited for it, or it waits to be waited for."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_thirty_kills(optimizer: str, small: tuple[str, ...], tmp_path: Path, zygote: Zygote) -> None:
    words = (*small, *PYRAMID, *OFTEN, *OPTIMIZERS[optimizer], "hydra.run.dir=run")
    (tmp_path / "whole").mkdir()
    zygote.start(tmp_path / "whole", *words)
    assert zygote.status() == 0, (tmp_path / "whole" / "said.txt").read_text()
    whole = tmp_path / "whole" / "run"
    chance = random.Random(optimizer)
    kills, half_written, attempt = 0, 0, 0
    while kills < KILLS:
        folder = tmp_path / f"killed {attempt}"
        attempt += 1
        folder.mkdir()
        run = folder / "run"
        while True:
            begun = (run / "run.json").exists()
            number = zygote.start(folder, *(["resume=run"] if begun else words))
            if kills < KILLS and not ended(number):
                kill_at_some_moment(number, run, chance)
            status = zygote.status()
            if status == 0:
                break
            assert status == -signal.SIGKILL, (folder / "said.txt").read_text()
            kills += 1
            half_written += is_being_written(run)
            if kills >= KILLS:
                continue
        summary = json.loads((run / "run.json").read_text())
        assert summary["status"] == "completed"
        assert (run / "image.png").read_bytes() == (whole / "image.png").read_bytes()
        assert rows(run) == rows(whole)
        assert [row["step"] for row in rows(run)] == list(range(len(rows(whole))))
        assert len({row["size"] for row in rows(run)}) == 2
        progress = sorted(path.name for path in (whole / "progress").iterdir())
        assert sorted(path.name for path in (run / "progress").iterdir()) == progress
        for name in progress:
            assert (run / "progress" / name).read_bytes() == (whole / "progress" / name).read_bytes()
        left = {path.name for path in run.iterdir()} - {path.name for path in whole.iterdir()}
        assert not left, left
    assert half_written >= 2  # of ten, of which about half wait for such a moment


@pytest.mark.slow
def test_a_process_that_is_killed(small: tuple[str, ...], tmp_path: Path) -> None:
    words = (
        *small,
        "steps=100000",
        "record.image_every=0",
        "record.checkpoint_every=0.01",
        "hydra.run.dir=run",
    )
    process = subprocess.Popen([sys.executable, "-m", "nst_tf", *words], cwd=tmp_path, env=environment())
    run = tmp_path / "run"
    deadline = time.monotonic() + 60
    while not (run / "checkpoint.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert read_run(run).status == "running"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert read_run(run).status == "interrupted"
    made = len((run / "metrics.jsonl").read_text().splitlines())
    configuration = run / "config.yaml"
    configuration.write_text(configuration.read_text().replace("steps: 100000", f"steps: {made + 5}"))
    resumed = nst(tmp_path, "resume=run")
    assert resumed.status == 0, resumed.err
    assert [row["step"] for row in rows(run)] == list(range(made + 5))
    assert json.loads((run / "run.json").read_text())["process"]["number"] == os.getpid()  # who goes on
