"""What a diverged run tells its user to change."""

from __future__ import annotations

import pytest

from nst_tf.api import composed
from nst_tf.config.validate import validate
from nst_tf.errors import InputError
from nst_tf.recorded_run import what_to_change

LBFGS = "optimizer=lbfgs, which takes bad steps back"


@pytest.mark.parametrize(
    ("words", "tried", "said"),
    [
        (
            ["optimizer=adam", "optimizer.learning_rate=1e30"],
            [1e29, 1e28, 1e27],
            f"optimizer.learning_rate=1e+30 is too much: try optimizer.learning_rate=0.02, or {LBFGS}",
        ),
        (  # already below what the option has
            ["optimizer=sgd", "optimizer.learning_rate=1e-3"],
            [1e-4, 1e-5, 1e-6],
            f"optimizer.learning_rate=0.001 is too much: try optimizer.learning_rate=1e-07, or {LBFGS}",
        ),
        (
            ["optimizer=sgd_exponential", "optimizer.learning_rate.initial_learning_rate=5"],
            [0.5],
            "optimizer.learning_rate.initial_learning_rate=5 is too much:"
            f" try optimizer.learning_rate.initial_learning_rate=0.00154, or {LBFGS}",
        ),
        (
            ["optimizer=lbfgs", "optimizer.learning_rate=1000"],
            [100.0],
            "optimizer.learning_rate=1000 is too much: try optimizer.learning_rate=1",
        ),
        (["optimizer=lbfgs_scipy"], [], f"Choose {LBFGS}"),
    ],
)
def test_a_smaller_rate_is_named(words: list[str], tried: list[float], said: str) -> None:
    assert what_to_change(composed(words)[0], False, tried) == said


def test_no_rate_helps_where_no_step_was_made() -> None:
    assert "precision=float32 or bfloat16" in what_to_change(composed(["precision=float16"])[0], True)
    said = what_to_change(composed(["objective.style.weight=1e38"])[0], True)
    assert "objective.style.weight=1e+38" in said
    assert "no learning rate helps" in said


@pytest.mark.parametrize("rate", ["inf", "-inf", "nan", "1e39", "0", "-1"])
@pytest.mark.parametrize("key", ["learning_rate", "learning_rate.initial_learning_rate"])
def test_rates_that_are_none_are_refused(rate: str, key: str) -> None:
    option = "adam" if key == "learning_rate" else "sgd_exponential"
    settings, choices = composed([f"optimizer={option}", f"optimizer.{key}={rate}"])
    with pytest.raises(InputError, match=rf"optimizer\.{key} must be (above 0|a finite number)"):
        validate(settings, choices)
