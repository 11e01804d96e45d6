"""PyTorch's step at the same sizes and precisions, and how soon our picture is as good as its picture."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from benchmarks.lines import Finding
from benchmarks.torch_in_turn import SAME, Peer
from benchmarks.transfer import small_transfer, steps_of

from gpu_checks.device import Device
from nst_tf.device import tensor_float_32
from nst_tf.images.pixels import rounded
from nst_tf.optim import LBFGS
from nst_tf.optim.loop import Solver

_MOST_TIMES = 4  # as many evaluations as the peer made, before it is given up


def measure(
    device: Device, python: str, sizes: Sequence[int], arithmetics: Sequence[str], budget: float
) -> Iterator[dict[str, Any] | Finding]:
    """The peer's rows, and whether it computes the same loss, without which they would mean nothing."""
    until, theirs, steps_a_call = time.perf_counter() + budget, {}, 16 if device.is_gpu else 2
    with Peer(python, _torch_device(device), 2 * budget + 60) as peer:
        compiled = (False, True) if device.is_gpu else (False,)
        for row in itertools.product(compiled, ("NCHW", "NHWC"), sizes, arithmetics):
            asked = dict(zip(("compiled", "layout", "size", "arithmetic"), row, strict=True))
            if time.perf_counter() > until:
                yield {**asked, "error": "the budget was over"}
                continue
            try:
                found = peer.ask("step", **asked, steps_a_call=steps_a_call)
            except RuntimeError as error:
                yield {**asked, "error": str(error)}
                continue
            theirs.setdefault(asked["size"], found["loss_of_start"])
            yield {**asked, **found, "torch": peer.facts["torch"]}
    size, their_loss = next(iter(theirs.items()))
    with tensor_float_32(False), tf.device(device.name):
        differ = abs(steps_of(size).loss() - their_loss) / their_loss
    yield Finding("PyTorch's step has the same loss", differ <= SAME, f"within {differ:.1e}")


def measure_picture(
    device: Device, python: str, size: int, evaluations: int
) -> Iterator[dict[str, Any] | Finding]:
    """After how many evaluations our saved picture's loss is at most that of the peer's saved picture.

    Both start from the content; theirs is torch.optim.LBFGS as the tutorial has it, ours the default
    optimizer. Both are rounded to 8 bits and scored by one scorer.
    """
    with tempfile.TemporaryDirectory() as folder, Peer(python, _torch_device(device), 600) as peer:
        file = Path(folder) / "peer.npy"
        made = peer.ask("picture", size=size, evaluations=evaluations, file=str(file))
        theirs = rounded(np.load(file))
    with tensor_float_32(False), tf.device(device.name):
        bound, content = small_transfer(size, size, "float32")
        solver = Solver(LBFGS(history_size=20, octaves=5))
        solver.enter(content, bound)
        score, _ = solver.loss_of(theirs)
        needed, reached = None, float("inf")
        for report in solver.steps(_MOST_TIMES * evaluations, reports_every=1):
            reached, _ = solver.loss_of(rounded(solver.image))
            if reached <= score:
                needed = report.step + 1
                break
    yield {
        "size": size, "peer_evaluations": made["evaluations"], "peer_seconds": made["seconds"],
        "peer_loss": float(score), "evaluations": needed, "loss": float(reached),
    }  # fmt: skip
    detail = f"after {needed} evaluations, PyTorch's L-BFGS made {made['evaluations']}"
    yield Finding("the saved picture is as good as PyTorch's", needed is not None, detail)


def _torch_device(device: Device) -> str:
    return "cuda" if device.is_gpu else "cpu"
