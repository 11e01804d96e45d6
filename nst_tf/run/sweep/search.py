"""What a search looks for: the yardstick of a run, which is the same for every objective."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from nst_tf.errors import InputError
from nst_tf.weights import load_weights

_FRONT = ("content_distance", "style_distance")
"""What a search with two directions looks for: the Pareto front of both distances."""


def check_directions(sweeper: Any) -> None:
    """Raise InputError for directions that make no sense with the yardstick, which is less where nearer."""
    wanted = _directions(sweeper)
    if len(wanted) > len(_FRONT) or any(one.lower() != "minimize" for one in wanted):
        raise InputError(
            f"hydra.sweeper.direction={sweeper.get('direction')} is not possible: minimize looks for the"
            " smallest trade-off of content and style distance, [minimize,minimize] for the front of both"
        )


def value_of(folder: Path, sweeper: Any) -> float | list[float]:
    """The trade-off of the run in ``folder``, or both of its distances where two directions are given.

    Raises InputError if the run can't be measured.
    """
    # they import much, and a grid needs none of it
    read_run = import_module("nst_tf.compare.reading").read_run
    measured_runs = import_module("nst_tf.compare.yardstick_cache").measured_runs
    trade_off = import_module("nst_tf.compare.yardstick").trade_off
    (run,) = measured_runs([read_run(folder)], load_weights("vgg19"))
    if run.error:
        raise InputError(run.error)
    if len(_directions(sweeper)) == 1:
        return float(trade_off(run.yardstick))
    return [float(run.yardstick[name]) for name in _FRONT]


def _directions(sweeper: Any) -> list[str]:
    given = sweeper.get("direction") or "minimize"
    several = [given] if isinstance(given, str) or not hasattr(given, "__iter__") else list(given)
    return [str(getattr(one, "name", one)) for one in several]
