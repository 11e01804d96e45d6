"""Which settings differ among runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.settings import canonical, override_key

# say nothing of the picture: what is written beside it, and how a run was taken up again
_OF_RECORDS = ("record.", "resume", "logger")
_ABSENT = "absent"  # no value's canonical text, for that is JSON

# what a run finds out before its first step (nst_tf.run.job), and what stands there until then
_MEASURED = {"precision": "auto", "memory": "auto", "tile_size": None, "balance.calibration": None}
# follows from pictures, objective and sizes, unless somebody asks for it
_FOLLOWS = ("balance.calibration",)

_Values = Sequence[str | None]
"""The canonical value of one setting in each run; None where it is not known, which differs from nothing."""


def varying(runs: Sequence[ComparedRun]) -> list[str]:
    """Names of the settings that differ among the runs, the telling ones first.

    First what somebody asked for on the command line, in that order; then options of groups; then single
    values. A group that differs stands for the values that its options bring with them: these are named
    only where they differ among runs of the same option. A value that only repeats another one, because
    one refers to the other, is left out. Unreadable runs do not count; neither does what a run that did not
    complete had not come to: what it would have found out by measurement, and settings that it lacks.
    """
    runs = [run for run in runs if run.settings]
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    values = {name: _values(runs, name) for name in names}
    differing = [name for name in names if len(set(values[name]) - {None}) > 1]
    asked = [
        key
        for key in dict.fromkeys(override_key(word) for run in runs for word in run.overrides)
        if key in differing
    ]
    groups = [name for name in differing if _is_group(runs, name)]
    chosen = list(dict.fromkeys([*asked, *_independent(groups, asked, values)]))
    explained_by = [name for name in chosen if name in groups]
    others = [name for name in differing if name not in (*chosen, *groups, *_FOLLOWS)]
    for name in sorted(others, key=lambda one: one.startswith(_OF_RECORDS)):
        repeats = any(_agree(values[name], values[other]) for other in chosen)
        if not repeats and not _explained(values[name], [values[group] for group in explained_by]):
            chosen.append(name)
    return chosen


def value_of(run: ComparedRun, name: str) -> Any:
    """The value of a setting; None where the run has no such setting."""
    return run.settings.get(name)


def _values(runs: Sequence[ComparedRun], name: str) -> _Values:
    return [_value(run, name) for run in runs]


def _value(run: ComparedRun, name: str) -> str | None:
    if run.status != "completed" and (
        name not in run.settings or (name in _MEASURED and run.settings[name] == _MEASURED[name])
    ):
        return None
    return canonical(run.settings[name]) if name in run.settings else _ABSENT


def _agree(one: _Values, other: _Values) -> bool:
    return all(a == b or a is None or b is None for a, b in zip(one, other, strict=True))


def _is_group(runs: Sequence[ComparedRun], name: str) -> bool:
    return any(name in choices for run in runs if isinstance(choices := run.summary.get("choices"), dict))


def _independent(groups: list[str], asked: list[str], values: dict[str, _Values]) -> list[str]:
    """Groups that differ by themselves: "objective" brings its "objective/style", "experiment" any other."""
    kept = [name for name in asked if name in groups]
    for name in sorted(groups, key=lambda one: (one != "experiment", one.count("/"))):
        if name not in kept and not _explained(values[name], [values[one] for one in kept]):
            kept.append(name)
    return kept


def _explained(value: _Values, by: Sequence[_Values]) -> bool:
    """Whether the value is the same in all runs that agree in every one of ``by``, as far as is known."""
    if not by:
        return False
    seen: dict[tuple[str | None, ...], str] = {}
    return all(
        one is None or None in key or seen.setdefault(key, one) == one
        for key, one in zip(zip(*by, strict=True), value, strict=True)
    )
