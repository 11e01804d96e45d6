"""Our step beside PyTorch's of the same network, each in its turn, so that noise falls on all alike."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.lines import note
from benchmarks.transfer import CONTENT, STYLE, flop_of_step, small_transfer
from nst_tf.api import composed
from nst_tf.experiment import build_parts
from nst_tf.objective import BoundObjective, Objective, StyleImage
from nst_tf.optim.step import compiled_apart
from nst_tf.vgg.layers import ARCHITECTURES
from nst_tf.vgg.network import FeatureExtractor
from nst_tf.vgg.weights import untrained

_SCRIPT = Path(__file__).parents[1] / "gpu_checks" / "torch_peer.py"
_SAME = 1e-3  # of the loss of one start, computed by both in float32
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
    steps: dict[str, Step] = {name: our_step(option, shape) for name, option in OURS.items()}
    try:
        with Peer(python, shape, peer) as torch:
            steps |= {name: torch.step(layout) for name, layout in THEIRS.items()}
            note(f"PyTorch {torch.version}, {torch.threads} threads; {_likeness(torch, shape)}")
            found = in_turn(steps, rounds)
    except PeerMissing as error:
        note(f"PyTorch is left out: {error}")
        found = in_turn({name: steps[name] for name in OURS}, rounds)
    for name, seconds in found.items():
        best = min(seconds)
        yield {
            "what": name,
            "seconds": best,
            "median": statistics.median(seconds),
            "gflops": flop_of_step(*shape) / best / 1e9,
            "all": seconds,
        }


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
    bound = _bound(option, shape)
    compiled = compiled_apart(bound.objective.value_and_gradient, bound.objective)
    image = tf.constant(np.random.default_rng(1).uniform(0, 1, (1, *shape, 3)), tf.float32)

    def step() -> float:
        began = time.perf_counter()
        loss, _, gradient = compiled(image, bound.targets, bound.weights)
        float(loss), float(gradient[0, 0, 0, 0])
        return time.perf_counter() - began

    return step


def _bound(option: str, shape: tuple[int, int]) -> BoundObjective:
    settings, _ = composed([f"objective={option}"])
    parts = build_parts(settings)
    layers = (CONTENT, *STYLE)
    if tuple(dict.fromkeys((*parts.content.layers, *parts.style.layers))) != layers:
        raise RuntimeError(f"objective={option} has other layers than PyTorch's step")
    extractor = FeatureExtractor(untrained(ARCHITECTURES["vgg19"], 0), layers)
    content, style = np.random.default_rng(0).uniform(0, 1, (2, *shape, 3)).astype(np.float32)
    return Objective(extractor, parts.content, parts.style).bind(content, [StyleImage(style)])


def _likeness(peer: Peer, shape: tuple[int, int]) -> str:
    """That both compute the same loss of one start, without which the times would mean nothing."""
    bound, _ = small_transfer(*shape, "float32")
    image = np.random.default_rng(1).uniform(0, 1, (1, *shape, 3)).astype(np.float32)
    ours = float(bound.value_and_gradient(tf.constant(image))[0])
    differ = max(abs(peer.ask(layout)["loss"] - ours) / ours for layout in THEIRS.values())
    if differ > _SAME:
        raise RuntimeError(f"PyTorch's step has another loss than ours, by {differ:.1e} of it")
    return f"its loss of one start and ours with the same Gram losses differ by {differ:.0e} of it"


class PeerMissing(Exception):
    """There is no PyTorch to measure."""


class Peer:
    """``torch_peer.py turns`` in a process of its own, which waits between its turns."""

    def __init__(self, python: str, shape: tuple[int, int], script: Path = _SCRIPT) -> None:
        """Start it with this interpreter; it has the environment of this process. Raises PeerMissing."""
        words = ["turns", "--shape", *map(str, shape), "--device", "cpu"]
        try:
            self._process = subprocess.Popen(
                [python, str(script), *words],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        except OSError as error:
            raise PeerMissing(f"{python} can't be started ({error.strerror})") from error
        said = self._line()
        self.version, self.threads = str(said["torch"]), int(said["threads"])

    def __enter__(self) -> Peer:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.communicate()

    def ask(self, layout: str) -> dict[str, Any]:
        """One step in this layout -> its loss and seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{layout}\n")
        self._process.stdin.flush()
        return self._line()

    def step(self, layout: str) -> Step:
        """The step in this layout, by the peer's own clock."""
        return lambda: float(self.ask(layout)["seconds"])

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        _, told = self._process.communicate()
        reason = (told.strip().splitlines() or ["no reason given"])[-1]
        raise PeerMissing(f"{self._process.args[0]} ended with {reason!r}")  # type: ignore[index]
