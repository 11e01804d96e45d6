"""Which runs are best: by one distance, by their trade-off, and those that no other run beats in both."""

from __future__ import annotations

from collections.abc import Sequence

from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.yardstick import trade_off

CONTENT, STYLE = "content_distance", "style_distance"


def comparable(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The completed runs whose both distances are known: no other is ranked, here and on the page."""
    return [
        run
        for run in runs
        if run.status == "completed" and CONTENT in run.yardstick and STYLE in run.yardstick
    ]


def pareto_front(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The runs for which no other is at least as near to content and style, and nearer to one of them.

    Sorted from the nearest to the content to the nearest to the style; runs that are equal in both are all
    there. Runs that are not completed, or without both distances, are not.
    """
    front: list[ComparedRun] = []
    for run in sorted(comparable(runs), key=_distances):
        if not front or run.yardstick[STYLE] < front[-1].yardstick[STYLE] or _same(run, front[-1]):
            front.append(run)
    return front


def best_runs(runs: Sequence[ComparedRun], most: int) -> list[ComparedRun]:
    """At most ``most`` runs by their trade-off, among them the nearest to the content and to the style."""
    ranked = sorted(comparable(runs), key=lambda run: trade_off(run.yardstick))
    if not ranked:
        return []
    nearest = [min(ranked, key=lambda run: run.yardstick[name]) for name in (CONTENT, STYLE)]
    chosen = list(nearest)
    for run in ranked:
        if len(chosen) < most and all(run is not other for other in chosen):
            chosen.append(run)
    return [run for run in ranked if any(run is other for other in chosen)]


def _distances(run: ComparedRun) -> tuple[float, float]:
    return run.yardstick[CONTENT], run.yardstick[STYLE]


def _same(run: ComparedRun, other: ComparedRun) -> bool:
    return _distances(run) == _distances(other)
