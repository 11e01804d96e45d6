"""Runs of a sweep that go wrong on purpose, and a measure that costs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def mistakes(monkeypatch: pytest.MonkeyPatch):
    """Runs of 3, 4 and 5 steps end as no run should; returns the steps of all runs that were begun."""
    import tensorflow as tf

    from nst_tf import recorded_run

    optimize, begun = recorded_run.optimize, []

    def failing(experiment, watchers=(), resumed=None):
        begun.append(experiment.steps)
        if experiment.steps == 3:
            raise MemoryError("Unable to allocate 9 TiB")
        if experiment.steps == 4:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\ntensor")
        if experiment.steps == 5:
            raise ValueError("operands could not be\nbroadcast together")
        return optimize(experiment, watchers, resumed)

    monkeypatch.setattr(recorded_run, "optimize", failing)
    return begun


@pytest.fixture
def brightness(monkeypatch: pytest.MonkeyPatch):
    """In the place of the yardstick, the mean of the picture; returns all that were asked for."""
    import numpy as np
    from cli.evaluated import unit

    asked = []

    def value_of(folder: Path, sweeper) -> float:
        asked.append(float(np.mean(unit(folder / "image.png"))))
        return asked[-1]

    monkeypatch.setattr("nst_tf.sweep.job.value_of", value_of)
    return asked
