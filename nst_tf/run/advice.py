"""What to change when a run diverged, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.places import CONFIGURATION

_SAFE = "nst_tf.optimizers.LBFGS"
_RATE, _FIRST_RATE = "learning_rate", "initial_learning_rate"
_LARGEST_HALF = 65504  # IEEE 754, binary16


def what_to_change(settings: DictConfig, at_start: bool, tried: Sequence[float] = ()) -> str:
    """A sentence that names a key, its value and what to try.

    ``at_start``: no step was made at the size, so that no other step would help. ``tried`` are the smaller
    learning rates that were tried already.
    """
    precision = settings.precision if isinstance(settings.precision, str) else settings.precision.name
    if at_start and precision == "float16":
        return (
            f"precision=float16 holds no number above {_LARGEST_HALF}: choose precision=float32 or bfloat16"
        )
    if at_start:
        weights = ", ".join(
            f"objective.{term}.weight={settings.objective[term].weight:g}"
            for term in ("content", "style", "smoothness")
            if settings.objective[term].weight > 0
        )
        return f"no learning rate helps, for no step was made: smaller weights may ({weights})"
    target = settings.optimizer.get("_target_")
    otherwise = "" if target == _SAFE else "optimizer=lbfgs, which takes bad steps back"
    key, rate = _rate_of(settings.optimizer)
    if rate is None:
        return f"Choose {otherwise}" if otherwise else "Choose smaller weights of the objective"
    smallest = min(rate, *tried) if tried else rate
    usual = _usual_rate(target, key)
    better = usual if usual is not None and usual < smallest else smallest / 10
    return (
        f"optimizer.{key}={rate:g} is too much: try optimizer.{key}={better:.3g}"
        f"{f', or {otherwise}' if otherwise else ''}"
    )


def _rate_of(optimizer: Any) -> tuple[str, float | None]:
    """Its learning rate, or the first of a schedule, by the key below ``optimizer``."""
    rate, key = optimizer.get(_RATE), _RATE
    if isinstance(rate, DictConfig):
        rate, key = rate.get(_FIRST_RATE), f"{_RATE}.{_FIRST_RATE}"
    return key, float(rate) if isinstance(rate, (int, float)) else None


@cache
def _usual_rate(target: str, key: str) -> float | None:
    """What the option of the config group that builds this optimizer says."""
    for file in sorted((CONFIGURATION / "optimizer").glob("*.yaml")):
        option: Any = OmegaConf.load(file)
        if option.get("_target_") == target and _rate_of(option)[0] == key:
            return _rate_of(option)[1]
    return None
