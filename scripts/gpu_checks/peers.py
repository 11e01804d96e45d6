"""PyTorch's step at the same sizes and precisions, and how soon our picture is as good as its picture."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from benchmarks.transfer import small_transfer

from gpu_checks.device import Device
from gpu_checks.finding import Finding
from gpu_checks.steps import steps_of
from nst_tf.device import tensor_float_32
from nst_tf.images.pixels import rounded
from nst_tf.optim import LBFGS
from nst_tf.optim.loop import Solver

_SCRIPT = Path(__file__).with_name("torch_peer.py")
_SAME = 1e-3  # of the loss of one start, computed by both in float32
_MOST_TIMES = 4  # as many evaluations as the peer made, before it is given up


def measure(
    device: Device, python: str, sizes: Sequence[int], arithmetics: Sequence[str], budget: float
) -> tuple[dict[str, Any], list[Finding]]:
    """The peer's rows, and whether it computes the same loss, without which they would mean nothing."""
    words = ["step", "--sizes", *map(str, sizes), "--arithmetics", *arithmetics, "--budget", str(budget)]
    if device.is_gpu:
        words.append("--compile")
    found = _answer(device, python, words, 2 * budget + 60)
    theirs = next(row["loss_of_start"] for row in found["step"] if "loss_of_start" in row)
    with tensor_float_32(False), tf.device(device.name):
        ours = steps_of(next(row["size"] for row in found["step"] if "loss_of_start" in row)).loss()
    differ = abs(ours - theirs) / theirs
    return found, [Finding("PyTorch's step has the same loss", differ <= _SAME, f"within {differ:.1e}")]


def measure_picture(
    device: Device, python: str, size: int, evaluations: int
) -> tuple[dict[str, Any], list[Finding]]:
    """After how many evaluations our saved picture's loss is at most that of the peer's saved picture.

    Both start from the content; theirs is torch.optim.LBFGS as the tutorial has it, ours the default
    optimizer. Both are rounded to 8 bits and scored by one scorer.
    """
    with tempfile.TemporaryDirectory() as folder, tensor_float_32(False), tf.device(device.name):
        file = Path(folder) / "peer.npy"
        words = ["picture", "--sizes", str(size), "--evaluations", str(evaluations), "--output", str(file)]
        found = _answer(device, python, words, 600)["picture"]
        theirs = rounded(np.load(file))
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
    result = {
        "size": size, "peer_evaluations": found["evaluations"], "peer_seconds": found["seconds"],
        "peer_loss": score, "evaluations": needed, "loss": reached,
    }  # fmt: skip
    detail = f"after {needed} evaluations, PyTorch's L-BFGS made {found['evaluations']}"
    return result, [Finding("the saved picture is as good as PyTorch's", needed is not None, detail)]


def _answer(device: Device, python: str, words: Sequence[str], seconds: float) -> dict[str, Any]:
    command = [python, str(_SCRIPT), *words, "--device", "cuda" if device.is_gpu else "cpu"]
    if not device.is_gpu:
        command += ["--steps-a-call", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise RuntimeError(f"{python} {_SCRIPT.name}: {(done.stderr.splitlines() or ['failed'])[-1]}")
    return json.loads(done.stdout.splitlines()[-1])
