"""The jobs of a sweep in other processes trust what the command does."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command_line import SMALL
from cli.sweep.launchers import need, process
from cli.sweep.sweeps import statuses

MODULE = """
from dataclasses import dataclass
import tensorflow as tf

@dataclass(frozen=True)
class Mean:
    epsilon: float = 0.0

    def describe(self, activations):
        return tf.reduce_mean(activations, axis=(0, 1, 2))

    def compare(self, generated, style):
        return tf.reduce_mean((generated - style) ** 2)
"""
WORDS = {
    "typed": ("objective.style.statistic._target_=own_module.Mean",),
    "trusted": ("experiment=theirs.yaml", "--trust", "own_module"),
}


@pytest.mark.slow
@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_a_class_of_ones_own(words: tuple[str, ...], launcher: str, tmp_path: Path) -> None:
    need(launcher)
    (tmp_path / "own_module.py").write_text(MODULE)
    (tmp_path / "theirs.yaml").write_text(
        "# @package _global_\nobjective: {style: {statistic: {_target_: own_module.Mean}}}\n"
    )
    more = (f"hydra/launcher={launcher}", "seed=0,1", "sweep.compare=false")
    with process(tmp_path, *SMALL, *words, *more) as started:
        _, err = started.communicate(timeout=600)
    assert started.returncode == 0, err
    assert statuses(tmp_path) == ["completed", "completed"]
