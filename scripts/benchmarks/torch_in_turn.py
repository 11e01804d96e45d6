"""Our step beside PyTorch's of the same network, each in its turn, so that noise falls on all alike."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.lines import note
from benchmarks.transfer import CONTENT, STYLE, flop_of_step, small_transfer
from nst_tf.api import composed
from nst_tf.experiment import build_parts
from nst_tf.optim.step import compiled_apart

_SCRIPT = Path(__file__).with_name("torch_peer.py")
SAME = 1e-3  # of the loss of one start, computed by both in float32
OURS = {"nst, default objective": "wasserstein", "nst, objective=relative": "relative"}
THEIRS = {"PyTorch, channels last": "NHWC", "PyTorch, NCHW": "NCHW"}

Step = Callable[[], float]
"""Makes one step and says how many seconds it took."""


def rows(python: str, shape: tuple[int, int], rounds: int, peer: Path = _SCRIPT) -> Iterator[dict[str, Any]]:
    """Seconds of loss and gradient by the pixels, in float32, the best and the median of ``rounds``.

    VGG-19 to block5_conv1, content at block4_conv2, five layers of style: Gram matrices in PyTorch and in
    ``objective=relative``, the Wasserstein distance in ours by default. Where ``python`` has no PyTorch a
    line says so, and ours are measured alone.
    """
    ours: dict[str, Step] = {name: our_step(option, shape) for name, option in OURS.items()}
    try:
        with Peer(python, script=peer) as torch:
            theirs = {name: partial(torch.turn, shape, layout) for name, layout in THEIRS.items()}
            differ = _difference([turn()["loss"] for turn in theirs.values()], shape)
            note(f"PyTorch {torch.facts['torch']}, {torch.facts['threads']} threads; its loss of one start")
            note(f"and ours with the same Gram losses differ by {differ:.0e} of it")
            steps = {name: lambda turn=turn: float(turn()["seconds"]) for name, turn in theirs.items()}
            found = in_turn(ours | steps, rounds)
    except PeerMissing as error:
        note(f"PyTorch is left out: {error}")
        found = in_turn(ours, rounds)
    for name, seconds in found.items():
        best, median = min(seconds), statistics.median(seconds)
        gflops = flop_of_step(*shape) / best / 1e9
        yield {"what": name, "seconds": best, "median": median, "GFLOP/s": gflops, "all": seconds}


def in_turn(steps: Mapping[str, Step], rounds: int) -> dict[str, list[float]]:
    """Seconds of each step in every round, after one that is left out: it compiles, or warms up.

    Every second round goes backwards, so that none always comes after the same one.
    """
    for step in steps.values():
        step()
    found: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        for name in (*steps,) if number % 2 == 0 else (*reversed(steps),):
            found[name].append(steps[name]())
            note(f"  round {number + 1} of {rounds}: {name} {found[name][-1]:.3f} s")
    return found


def our_step(option: str, shape: tuple[int, int]) -> Step:
    """Loss and gradient of ``objective=OPTION`` as the solver compiles them, without the optimizer."""
    parts, layers = build_parts(composed([f"objective={option}"])[0]), (CONTENT, *STYLE)
    if tuple(dict.fromkeys((*parts.content.layers, *parts.style.layers))) != layers:
        raise RuntimeError(f"objective={option} has other layers than PyTorch's step")
    bound, _ = small_transfer(*shape, "float32", losses=(parts.content, parts.style))
    compiled = compiled_apart(bound.objective.value_and_gradient, bound.objective)
    image = _start(shape)

    def step() -> float:
        began = time.perf_counter()
        loss, _, gradient = compiled(image, bound.targets, bound.weights)
        float(loss), float(gradient[0, 0, 0, 0])
        return time.perf_counter() - began

    return step


def _start(shape: tuple[int, int]) -> tf.Tensor:
    return tf.constant(np.random.default_rng(1).uniform(0, 1, (1, *shape, 3)), tf.float32)


def _difference(losses: list[float], shape: tuple[int, int]) -> float:
    """Of PyTorch's losses of one start from ours: where they are not the same, times would mean nothing."""
    bound, _ = small_transfer(*shape, "float32")
    ours = float(bound.value_and_gradient(_start(shape))[0])
    differ = max(abs(loss - ours) / ours for loss in losses)
    if differ > SAME:
        raise RuntimeError(f"PyTorch's step has another loss than ours, by {differ:.1e} of it")
    return differ


class PeerMissing(Exception):
    """There is no PyTorch to measure."""


class Peer:
    """``torch_peer.py`` in a process of its own, which waits between what it is asked."""

    def __init__(
        self, python: str, device: str = "cpu", seconds: float = math.inf, script: Path = _SCRIPT
    ) -> None:
        """Start it with this interpreter, and end it after so many seconds. Raises PeerMissing."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        try:
            self._process = subprocess.Popen([python, str(script), device], text=True, **pipes)
        except OSError as error:
            raise PeerMissing(f"{python} can't be started ({error.strerror})") from error
        self._end = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._process.kill)
        self._end.daemon = True
        self._end.start()
        self.facts = self._line()

    def __enter__(self) -> Peer:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._end.cancel()
        self._process.communicate()

    def ask(self, what: str, **how: Any) -> dict[str, Any]:
        """Have it call its function ``what`` -> what that returns. Raises RuntimeError if it fails."""
        self._process.stdin.write(json.dumps({"what": what, **how}) + "\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        answer = self._line()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def turn(self, shape: tuple[int, int], layout: str) -> dict[str, Any]:
        """One step in this layout -> its loss and seconds, by its own clock."""
        return self.ask("turn", shape=shape, layout=layout)

    def _line(self) -> dict[str, Any]:
        if line := self._process.stdout.readline():  # type: ignore[union-attr]
            return json.loads(line)
        self._end.cancel()
        told = self._process.communicate()[1].strip().splitlines() or ["no reason given"]
        raise PeerMissing(f"{self._process.args[0]} ended with {told[-1]!r}")  # type: ignore[index]
