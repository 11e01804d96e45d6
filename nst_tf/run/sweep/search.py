"""What a search looks for: the yardstick of a run, which is the same for every objective."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from nst_tf.errors import InputError

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
    from nst_tf.compare.reading import read_run
    from nst_tf.compare.yardstick import trade_off
    from nst_tf.compare.yardstick_cache import measured_runs
    from nst_tf.weights import load_weights  # late, for it brings what reads and fetches files

    (run,) = measured_runs([read_run(folder)], load_weights("vgg19"))
    if run.error:
        raise InputError(run.error)
    if len(_directions(sweeper)) == 1:
        return float(trade_off(run.yardstick))
    return [float(run.yardstick[name]) for name in _FRONT]


def quieten(sweeper: Any) -> None:
    """Keep Optuna from telling in words of its own what the sweep tells of every job."""
    if "hydra_optuna_sweeper" not in sweeper._target_:
        return
    logging.getLogger("hydra_plugins.hydra_optuna_sweeper").setLevel(logging.CRITICAL)
    optuna = import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def best_of_search(values: Mapping[str, float | Sequence[float]]) -> str | None:
    """The smallest of the values of a search, by the names of its jobs, in a line; None if there is none.

    Of pairs, all that no other one is better than in both.
    """
    if not values:
        return None
    pairs = {name: tuple(value) for name, value in values.items() if isinstance(value, Sequence)}
    if not pairs:
        single = {name: float(value) for name, value in values.items() if not isinstance(value, Sequence)}
        best = min(single, key=lambda name: single[name])
        return f"{best}, with a trade-off of {single[best]:.4g}"
    front = [
        f"{name}, {', '.join(f'{one:.4g}' for one in pair)}"
        for name, pair in sorted(pairs.items(), key=lambda item: item[1])
        if not any(
            other != pair and all(a <= b for a, b in zip(other, pair, strict=True))
            for other in pairs.values()
        )
    ]
    return f"{'; '.join(front)} ({' and '.join(_FRONT)})"


def _directions(sweeper: Any) -> list[str]:
    given = sweeper.get("direction") or "minimize"
    several = [given] if isinstance(given, str) or not hasattr(given, "__iter__") else list(given)
    return [str(getattr(one, "name", one)) for one in several]
