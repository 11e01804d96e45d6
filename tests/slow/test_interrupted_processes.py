"""Ctrl-C and SIGTERM to real processes, also in the middle of a step that never ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli.command_line import environment, nst
from cli.evaluated import PARTS
from cli.interrupted_runs import assert_goes_on_to_the_same_end, losses, status_of
from cli.pseudo_terminal import nst_in_terminal, read_terminal

from nst_tf.images.read import read_picture
from nst_tf.runs.signals import EXIT_SECONDS


@pytest.mark.slow
def test_a_real_process(small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole").mkdir()
    words = (*small, "steps=80", "record.image_every=1", "record.checkpoint_every=1e-9", "hydra.run.dir=run")
    program = [sys.executable, "-m", "nst_tf", *words]
    with subprocess.Popen(
        program, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    ) as started:
        deadline = time.monotonic() + 60
        while not (tmp_path / "run" / "checkpoint.npz").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=60)
    assert started.returncode == 130, err
    assert err.splitlines()[-1] == "nst: interrupted; go on with: nst resume=run"
    assert 0 < len(losses(tmp_path / "run")) < 80
    whole = nst(tmp_path / "whole", *words)
    assert_goes_on_to_the_same_end(tmp_path, whole, monkeypatch)


@pytest.mark.slow
def test_bar_in_a_terminal_and_control_c(small: tuple[str, ...], tmp_path: Path) -> None:
    """Under a pseudo-terminal; Ctrl-C is typed once the bar has shown what it should."""
    words = (*small, "steps=100000", "hydra.run.dir=run")
    started, ours = nst_in_terminal(tmp_path, *words)
    shown, typed, deadline = "", False, time.monotonic() + 60
    while time.monotonic() < deadline and (piece := read_terminal(ours)):
        shown += piece
        if "steps/s" in shown and not typed:
            os.write(ours, b"\x03")
            typed = True
    status = started.wait(timeout=10)
    os.close(ours)
    assert status == 130, shown[-2000:]
    assert typed
    assert "\x1b[" in shown
    assert "/100000" in shown
    assert "loss " in shown
    assert "content " in shown
    assert shown.rstrip().endswith("nst: interrupted; go on with: nst resume=run")
    assert "Traceback" not in shown
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["status"] == "interrupted"
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert list(json.loads(rows[-1])) == ["step", "size", "seconds", "loss", *PARTS]


def stuck(folder: Path, calls: int, *words: str) -> subprocess.Popen[str]:
    """A process in the middle of a step that does not end, after so many calls that did."""
    sign = folder / "stuck"
    more = {"STUCK_AFTER": str(calls), "STUCK_SIGN": str(sign)}
    started = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("stuck.py")), *words],
        cwd=folder,
        env=environment() | more,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not sign.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    return started


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stuck_process_leaves_in_time(
    sent: signal.Signals, status: int, small: tuple[str, ...], tmp_path: Path, monkeypatch
) -> None:
    words = (*small, "steps=5", "record.image_every=1", "record.checkpoint_every=1e-9", "hydra.run.dir=run")
    (tmp_path / "whole").mkdir()
    whole = nst(tmp_path / "whole", *words)
    with stuck(tmp_path, 3, *words) as started:
        began = time.monotonic()
        started.send_signal(sent)
        _, err = started.communicate(timeout=30)
    assert time.monotonic() - began < EXIT_SECONDS
    assert started.returncode == status, err
    assert err.splitlines()[-1] == "nst: interrupted; go on with: nst resume=run"
    run = tmp_path / "run"
    assert status_of(run) == "interrupted"
    assert read_picture(run / "image.png").height == 26
    assert not list(run.glob(".unfinished-*"))
    assert_goes_on_to_the_same_end(tmp_path, whole, monkeypatch)


@pytest.mark.slow
@pytest.mark.alone
def test_a_stuck_process_leaves_at_once_at_the_second_ctrl_c(small: tuple[str, ...], tmp_path: Path) -> None:
    words = (*small, "steps=5", "record.image_every=1", "record.checkpoint_every=1e-9", "hydra.run.dir=run")
    with stuck(tmp_path, 3, *words) as started:
        started.send_signal(signal.SIGINT)
        time.sleep(0.2)
        began = time.monotonic()
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=30)
    assert time.monotonic() - began < 2
    assert started.returncode == 130, err
    assert status_of(tmp_path / "run") == "interrupted"
    assert not list((tmp_path / "run").glob(".unfinished-*"))


@pytest.mark.slow
@pytest.mark.alone
def test_a_sweep_in_one_process_leaves_in_time(small: tuple[str, ...], tmp_path: Path) -> None:
    words = (
        "-m",
        *small,
        "steps=5,6",
        "record.image_every=1",
        "sweep.compare=false",
        "hydra.sweep.dir=sweep",
    )
    with stuck(tmp_path, 3, *words, "hydra.sweep.dir=sweep") as started:
        began = time.monotonic()
        started.send_signal(signal.SIGTERM)
        _, err = started.communicate(timeout=30)
    assert time.monotonic() - began < EXIT_SECONDS
    assert started.returncode == 143, err
    assert "go on with it" in err.splitlines()[-1]
    sweep = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert [job["status"] for job in sweep["jobs"]] == ["interrupted", "pending"]
    assert sweep["status"] == "interrupted"
    assert status_of(tmp_path / "sweep" / "0") == "interrupted"
