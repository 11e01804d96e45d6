"""Ctrl-C keeps what was done: the run ends after the step, with a checkpoint, and goes on from there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import Answer, environment, nst

from nst_tf.run.interruption import Interruption
from nst_tf.solver.compiled_step import CompiledStep

PYRAMID = ("pyramid=coarse_to_fine", "pyramid.smallest=24", "pyramid.steps_factor=1", "image.size=48")


@pytest.fixture(autouse=True)
def _signals_as_in_a_program() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def interrupted_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Send these signals in the middle of the compiled call with this number, counted from 1."""

    def arrange(call: int, *sent: signal.Signals) -> None:
        advance, calls = CompiledStep.__call__, []

        def interrupting(self, *arguments):
            calls.append(arguments)
            rows = advance(self, *arguments)  # the image is ahead of what anybody was told
            if len(calls) == call:
                for one in sent:
                    signal.raise_signal(one)
            return rows

        monkeypatch.setattr(CompiledStep, "__call__", interrupting)

    yield arrange
    monkeypatch.undo()


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def status(run: Path) -> str:
    return json.loads((run / "run.json").read_text())["status"]


def assert_goes_on_to_the_same_end(folder: Path, whole: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    run = folder / "run"
    resumed = nst(folder, "resume=run")
    assert resumed.status == 0, resumed.err
    assert (run / "image.png").read_bytes() == (whole.run / "image.png").read_bytes()
    assert losses(run) == losses(whole.run)
    assert not (run / "checkpoint.npz").exists()


@pytest.mark.parametrize("call", [4, 7], ids=["at the end of the first size", "at the second size"])
def test_it_ends_after_the_step_with_a_checkpoint(
    call: int, small: tuple[str, ...], tmp_path: Path, interrupted_at, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whole").mkdir()
    words = (*small, *PYRAMID, "steps=4", "record.image_every=1", "hydra.run.dir=run")
    whole = nst(tmp_path / "whole", *words)
    assert whole.status == 0, whole.err
    interrupted_at(call, signal.SIGINT)
    answer = nst(tmp_path, *words)
    assert answer.status == 130
    assert answer.err.splitlines()[-1] == "nst: interrupted; go on with: nst resume=run"
    assert status(tmp_path / "run") == "interrupted"
    assert len(losses(tmp_path / "run")) == call
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert_goes_on_to_the_same_end(tmp_path, whole, monkeypatch)


def test_sigterm_is_no_different(small: tuple[str, ...], tmp_path: Path, interrupted_at) -> None:
    interrupted_at(2, signal.SIGTERM)
    answer = nst(tmp_path, *small, "record.image_every=1", "hydra.run.dir=run")
    assert answer.status == 143
    assert answer.err.splitlines()[-1] == "nst: interrupted; go on with: nst resume=run"
    assert (tmp_path / "run" / "checkpoint.npz").is_file()


@pytest.mark.parametrize(
    ("words", "call", "sent"),
    [
        (("record.checkpoint_every=0",), 2, (signal.SIGINT,)),  # which is never
        ((), 1, (signal.SIGINT,)),  # before the first step was told there was nothing to keep
        ((), 2, (signal.SIGINT, signal.SIGINT)),  # the second does not wait
    ],
    ids=["never a checkpoint", "before the first step", "twice"],
)
def test_it_ends_at_once(
    words: tuple[str, ...],
    call: int,
    sent: tuple[signal.Signals, ...],
    small: tuple[str, ...],
    tmp_path: Path,
    interrupted_at,
) -> None:
    interrupted_at(call, *sent)
    answer = nst(tmp_path, *small, *words, "steps=4", "record.image_every=1", "hydra.run.dir=run")
    assert answer.status == 130
    assert answer.err.splitlines()[-1] == "nst: interrupted"
    assert status(tmp_path / "run") == "interrupted"
    assert not (tmp_path / "run" / "checkpoint.npz").exists()
    if call > 1:
        assert len(losses(tmp_path / "run")) == call - 1


@pytest.mark.slow
def test_a_real_process(small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole").mkdir()
    words = (*small, "steps=80", "record.image_every=1", "hydra.run.dir=run")
    program = [sys.executable, "-m", "nst_tf", *words]
    with subprocess.Popen(
        program, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    ) as started:
        deadline = time.monotonic() + 60
        while not (tmp_path / "run" / "metrics.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=60)
    assert started.returncode == 130, err
    assert err.splitlines()[-1] == "nst: interrupted; go on with: nst resume=run"
    assert 0 < len(losses(tmp_path / "run")) < 80
    whole = nst(tmp_path / "whole", *words)
    assert_goes_on_to_the_same_end(tmp_path, whole, monkeypatch)


def waits(error: type[Exception] | None = None, quiet: bool = True, seconds: float = 0) -> None:
    """Somebody asks, and nothing comes that passes it on."""
    with Interruption(quiet) as interruption:
        interruption.hold()
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked
        time.sleep(seconds)
        if error:
            raise error


@pytest.mark.parametrize("error", [None, OSError])
def test_one_that_nobody_passed_on_is_not_lost(error: type[Exception] | None) -> None:
    with pytest.raises(KeyboardInterrupt):
        waits(error)


@pytest.mark.parametrize("quiet", [True, False])
def test_a_long_wait_is_told(
    quiet: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nst_tf.run.interruption._SECONDS_BEFORE_A_WORD", 0.0)
    with pytest.raises(KeyboardInterrupt):
        waits(quiet=quiet, seconds=0.2)
    assert ("Ctrl-C again ends at once" in capsys.readouterr().err) is not quiet


def test_what_the_system_handles_is_left_to_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            interruption.hold()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert not interruption.asked
    finally:
        signal.signal(signal.SIGINT, before)
