"""Runs averaged over settings such as the seed: mean and spread in the place of each run's number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from nst_tf.compare.ranking import CONTENT, STYLE
from nst_tf.compare.reading import ComparedRun, canonical
from nst_tf.compare.yardstick import trade_off
from nst_tf.errors import InputError, is_number

BAND = "±"
"""Before the name of a loss in ``metrics``: the spread of that loss among the runs of an average."""

TRADE_OFF, FINAL_LOSS = "trade_off", "loss_of_saved_picture"
"""Further names in ``spread``; the second is that of ``run.json``."""

_MOST_NAMED = 3  # runs in the name of an average


def averaged_runs(
    runs: Sequence[ComparedRun], varying: Sequence[str], over: Sequence[str]
) -> list[ComparedRun]:
    """Completed runs that agree in every setting of ``varying`` but those of ``over``, as one each.

    An average is a run whose ``yardstick``, ``metrics`` and final loss are the means over the runs that it is
    ``of``, with the sample standard deviations (n - 1) in ``spread`` and, of losses, in ``metrics`` as
    "±loss". Its picture is that of its first run. A number that not all of its runs have is left out, and so
    are the settings of ``over``. It stands where its first run stood; runs that did not complete stay as they
    are, and all do where ``over`` is empty. Raises InputError for a setting in ``over`` that has one value in
    all runs.
    """
    if not over:
        return list(runs)
    for name in over:
        if len({canonical(run.settings.get(name)) for run in runs if name in run.settings}) < 2:
            others = [one for one in varying if one not in over]
            raise InputError(
                f"--average {name}: it is the same in all runs, so that there is nothing to average"
                + (f"; what differs is {', '.join(others)}" if others else "")
            )
    told_apart = [name for name in varying if name not in over]
    members: dict[object, list[ComparedRun]] = {}
    for place, run in enumerate(runs):
        settings = tuple(canonical(run.settings.get(name)) for name in told_apart)
        members.setdefault(settings if run.status == "completed" else place, []).append(run)
    return [_average(some, over) if some[0].status == "completed" else some[0] for some in members.values()]


def _average(runs: Sequence[ComparedRun], over: Sequence[str]) -> ComparedRun:
    first = runs[0]
    means, spread = _means_and_spreads([_numbers(run) for run in runs])
    summary = {name: value for name, value in first.summary.items() if name != FINAL_LOSS}
    if FINAL_LOSS in means:
        summary[FINAL_LOSS] = means.pop(FINAL_LOSS)
    means.pop(TRADE_OFF, None)  # it is that of the mean distances
    names = ", ".join(run.name for run in runs[:_MOST_NAMED])
    return replace(
        first,
        name=names if len(runs) <= _MOST_NAMED else f"{names}, ... ({len(runs)} runs)",
        summary=summary,
        settings={name: value for name, value in first.settings.items() if name not in over},
        metrics=_mean_metrics([run.metrics for run in runs]),
        yardstick=means,
        error=None,
        of=tuple(runs),
        spread=spread,
    )


def _numbers(run: ComparedRun) -> dict[str, float]:
    found = dict(run.yardstick)
    if CONTENT in found and STYLE in found:
        found[TRADE_OFF] = trade_off(found)
    loss = run.summary.get(FINAL_LOSS)
    return found | ({FINAL_LOSS: float(loss)} if is_number(loss) else {})


def _means_and_spreads(rows: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Of the numbers that all rows have; of a single row there is no spread."""
    names = [name for name in rows[0] if all(name in row for row in rows)]
    numbers = np.array([[row[name] for name in names] for row in rows], np.float64)
    means = dict(zip(names, numbers.mean(axis=0).tolist(), strict=True))
    if len(rows) < 2:
        return means, {}
    return means, dict(zip(names, numbers.std(axis=0, ddof=1).tolist(), strict=True))


def _mean_metrics(metrics: Sequence[Sequence[Mapping[str, float]]]) -> tuple[dict[str, float], ...]:
    """Rows of the steps that all runs have, means under their names and spreads under "±NAME"."""
    by_step = [{row["step"]: row for row in rows if "step" in row} for rows in metrics]
    found = []
    for step in by_step[0]:
        if all(step in rows for rows in by_step):
            means, spreads = _means_and_spreads([rows[step] for rows in by_step])
            found.append(means | {f"{BAND}{name}": value for name, value in spreads.items()})
    return tuple(found)
