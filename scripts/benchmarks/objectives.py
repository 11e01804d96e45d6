"""A step of one objective beside a step of another, each in its turn, and what is prepared for a size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from nst_tf.api import build_experiment
from nst_tf.optim.step import compiled_apart
from nst_tf.style_transfer import stage_at

CONTENT, STYLE = "samples/landscape.jpg", "samples/brush_strokes.jpg"
OBJECTIVES = {
    "wasserstein (the default)": ("objective=wasserstein", -1),
    "relative (Gram matrices)": ("objective=relative", -1),
    "nnst, matched": ("objective=nnst pyramid.last_passes=2", -2),
    "nnst, final pass": ("objective=nnst pyramid.last_passes=2", -1),
    "strotss": ("objective=strotss", -1),
}
"""Words, and which size is measured, counted from the last."""


def rows(size: int, rounds: int) -> Iterator[dict[str, Any]]:
    """Seconds of value and gradient at the last size, the best of each, and as times the first one's."""
    steps = {}
    for name, (words, place) in OBJECTIVES.items():
        overrides = [*words.split(), f"image.size={size}", "precision=float32", "optimizer=adam"]
        experiment = build_experiment(CONTENT, STYLE, overrides)
        stage = stage_at(experiment.scales[place], experiment)
        began = time.perf_counter()
        bound = stage.bound(experiment)
        prepared = time.perf_counter() - began
        function = compiled_apart(bound.objective.value_and_gradient, bound.objective)
        image = tf.constant(stage.content[None])
        function(image, bound.targets, bound.weights)
        steps[name] = (function, image, bound, prepared)
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, (function, image, bound, _) in steps.items():
            began = time.perf_counter()
            function(image, bound.targets, bound.weights)[0].numpy()
            found[name].append(time.perf_counter() - began)
    first = min(next(iter(found.values())))
    for name, seconds in found.items():
        yield {
            "objective": name, "size": size, "seconds": min(seconds), "times": min(seconds) / first,
            "seconds_to_prepare": steps[name][3],
        }  # fmt: skip
