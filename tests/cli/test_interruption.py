"""Ctrl-C keeps what was done: the run ends after the step, with a checkpoint, and goes on from there."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli.command_line import Answer, nst
from cli.interrupted_runs import assert_goes_on_to_the_same_end, losses, status_of

from nst_tf.errors import terminable
from nst_tf.images.read import read_picture
from nst_tf.optim.step import CompiledStep
from nst_tf.runs.signals import DeferredSignals, ExitInTime

PYRAMID = ("pyramid=coarse_to_fine", "pyramid.smallest=24", "pyramid.steps_factor=1", "image.size=48")


@pytest.fixture(autouse=True)
def _signals_as_in_a_program() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _no_call_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is that runs the tests."""
    for name in ("SECONDS_OF_A_SLOW_CALL", "SECONDS_OF_A_VERY_SLOW_CALL"):
        monkeypatch.setattr(f"nst_tf.callbacks.{name}", float("inf"))


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


@pytest.fixture(scope="module")
def two_sizes(small: tuple[str, ...]) -> tuple[str, ...]:
    return (*small, *PYRAMID, "steps=4", "record.image_every=1", "hydra.run.dir=run")


@pytest.fixture(scope="module")
def whole(two_sizes: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """The run of these words that nobody interrupted."""
    answer = nst(tmp_path_factory.mktemp("whole"), *two_sizes)
    assert answer.status == 0, answer.err
    return answer


@pytest.mark.parametrize("call", [4, 7], ids=["at the end of the first size", "at the second size"])
def test_it_ends_after_the_step_with_a_checkpoint(
    call: int,
    whole: Answer,
    two_sizes: tuple[str, ...],
    tmp_path: Path,
    interrupted_at,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupted_at(call, signal.SIGINT)
    answer = nst(tmp_path, *two_sizes)
    assert answer.status == 130
    assert answer.err.splitlines()[-1] == "nst: interrupted; go on with: nst resume=run"
    assert status_of(tmp_path / "run") == "interrupted"
    assert len(losses(tmp_path / "run")) == call
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (summary["picture"], summary["steps"]) == ("image.png", call)  # the picture so far
    assert max(read_picture(tmp_path / "run" / "image.png").pixels.shape) == (24 if call == 4 else 48)
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
    assert status_of(tmp_path / "run") == "interrupted"
    assert not (tmp_path / "run" / "checkpoint.npz").exists()
    assert not (tmp_path / "run" / "image.png").exists()
    if call > 1:
        assert len(losses(tmp_path / "run")) == call - 1


def waits(error: type[Exception] | None = None) -> None:
    """Somebody asks, and nothing comes that passes it on."""
    with DeferredSignals() as deferred:
        deferred.defer()
        signal.raise_signal(signal.SIGINT)
        assert deferred.is_waiting
        if error:
            raise error


@pytest.mark.parametrize("error", [None, OSError])
def test_one_that_nobody_passed_on_is_not_lost(error: type[Exception] | None) -> None:
    with pytest.raises(KeyboardInterrupt):
        waits(error)


def test_what_the_system_handles_is_left_to_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with DeferredSignals() as deferred:
            deferred.defer()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert not deferred.is_waiting
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_of_another_kind_is_not_the_second_ctrl_c() -> None:
    """A sweep passes SIGTERM on to its jobs, which in a terminal have heard Ctrl-C themselves."""
    with pytest.raises(KeyboardInterrupt), terminable():  # noqa: PT012, SIM117
        with DeferredSignals() as deferred:
            deferred.defer()
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            assert deferred.is_waiting
            assert not deferred.came_twice


# what stands for the end of the process ends only the thread
thread_ends = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """What was called at the end, and the exit status that it ended with; the process stays."""
    said: list[tuple[int, ...]] = []

    def end(status: int) -> None:
        said.append((status,))
        raise SystemExit  # which ends the thread, in silence

    monkeypatch.setattr("nst_tf.runs.signals.os._exit", end)
    monkeypatch.setattr("nst_tf.runs.signals.SECONDS_BEFORE_SAYING_SO", 0.05)
    monkeypatch.setattr("nst_tf.runs.signals.SECONDS_AT_ONCE", 0.05)
    return said


def wait_for(said: list[tuple[int, ...]]) -> None:
    deadline = time.monotonic() + 10
    while len(said) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)


def ask(number: int) -> None:
    """Send it, and be in the middle of what no handler can interrupt: one that does nothing is called."""
    os.kill(os.getpid(), number)


@pytest.fixture
def deaf() -> Iterator[None]:
    """The program's handlers, which are called too late to be of use."""

    def nothing(*_: object) -> None:
        pass

    nothing.ends_the_program = True
    before = {number: signal.signal(number, nothing) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@thread_ends
@pytest.mark.parametrize("quiet", [True, False])
def test_a_step_without_an_end_is_left(quiet: bool, left, deaf, monkeypatch, capsys) -> None:
    monkeypatch.setattr("nst_tf.runs.signals.SECONDS_FOR_THE_STEP", 0.6)
    with ExitInTime(lambda *how: left.append(how), quiet):
        began = time.monotonic()
        ask(signal.SIGTERM)
        wait_for(left)
        assert time.monotonic() - began >= 0.5
    assert left == [(signal.SIGTERM, False), (143,)]
    assert ("Ctrl-C again ends at once" in capsys.readouterr().err) is not quiet


@thread_ends
def test_the_second_ctrl_c_does_not_wait(left, deaf) -> None:
    with ExitInTime(lambda *how: left.append(how)):
        ask(signal.SIGINT)
        ask(signal.SIGTERM)  # of another kind
        time.sleep(0.1)
        assert not left
        ask(signal.SIGINT)
        wait_for(left)
    assert left == [(signal.SIGINT, True), (130,)]


def test_whoever_leaves_by_themselves_is_not_hurried(left, deaf, monkeypatch) -> None:
    monkeypatch.setattr("nst_tf.runs.signals.SECONDS_FOR_THE_STEP", 0.5)
    with ExitInTime(lambda *how: left.append(how)):
        ask(signal.SIGINT)
    time.sleep(0.7)
    assert not left
    assert signal.set_wakeup_fd(-1) == -1


def test_a_program_that_ctrl_c_does_not_end_is_left_alone(left) -> None:
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with ExitInTime(lambda *how: left.append(how)):
            ask(signal.SIGINT)
            ask(signal.SIGINT)
            time.sleep(0.2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not left
