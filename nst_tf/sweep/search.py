"""Searches with Optuna: what is looked for, and studies that are stored."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import DictConfig, open_dict

from nst_tf.errors import InputError, counted

# ---- A search whose trials are stored: another call goes on with it, and makes only what is missing ----

_SQLITE = "sqlite:///"
_SWEEPER = "hydra_plugins.hydra_optuna_sweeper._impl"
_MOST = 200  # letters of what a database says


@dataclass(frozen=True)
class StoredStudy:
    """What a database holds of a study: its trials, in their order, as Optuna has them."""

    name: str
    trials: Sequence[Any]

    number_of_next: ClassVar[int] = 0
    """Of the first job of this call."""

    @property
    def ended(self) -> int:
        """How many trials came to an end; one whose process was killed did not."""
        return sum(trial.state.is_finished() for trial in self.trials)

    def values(self, but: Collection[int]) -> dict[str, float | list[float]]:
        """The value, or values, of each completed trial by its name, without those of the numbers ``but``."""
        found: dict[str, float | list[float]] = {}
        for trial in self.trials:
            if trial.state.name == "COMPLETE" and trial.number not in but:
                chosen = " ".join(f"{key}={value}" for key, value in trial.params.items())
                values = list(trial.values)
                found[f"trial {trial.number} ({chosen})"] = values[0] if len(values) == 1 else values
        return found


def stored_study(sweeper: Any) -> StoredStudy | None:
    """What is stored of the study that a search names; None if it stores nothing, or nothing yet.

    Raises InputError for a storage that can't be read.
    """
    storage, name = sweeper.get("storage"), sweeper.get("study_name")
    if not isinstance(storage, str) or not isinstance(name, str):
        return None
    if storage.startswith(_SQLITE) and not Path(storage.removeprefix(_SQLITE)).exists():
        return None  # to look would make the file
    optuna = import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.load_study(study_name=name, storage=storage)
        return StoredStudy(name, study.get_trials(deepcopy=False)) if study.trials else None
    except KeyError:
        return None
    except Exception as error:  # of whatever kind the database and its driver raise
        reason = " ".join(str(error).split())[:_MOST]
        raise InputError(f"hydra.sweeper.storage={storage} can't be used ({reason})") from error


def continue_study(config: DictConfig, study: StoredStudy, taken: int) -> None:
    """Let the sweeper make the trials that are missing of ``n_trials``, numbered on.

    ``n_trials`` is the number of all, as that of the jobs of a grid is, where Optuna counts those of one
    call: so the same words finish a search that was cut short. A sampler with a seed gets another one for
    each call, or it would sample the first trials again. ``taken``: as many numbers are taken in the folder.
    """
    sweeper = config.hydra.sweeper
    with open_dict(config):
        sweeper.n_trials = max(0, sweeper.n_trials - study.ended)
        if sweeper.get("sampler") and sweeper.sampler.get("seed") is not None:
            sweeper.sampler.seed += len(study.trials)
    number_from(max(len(study.trials), taken))


def number_from(first: int) -> None:
    """Let the jobs of the search that comes begin with this number.

    Hydra's Optuna sweeper begins with 0, and has no setting for another number.
    """
    StoredStudy.number_of_next = first
    kind: Any = import_module(_SWEEPER).OptunaSweeperImpl
    if getattr(kind.setup, "numbers_on", False):
        return
    setup = kind.setup

    def numbering(self: Any, **context: Any) -> None:
        setup(self, **context)
        self.job_idx = StoredStudy.number_of_next

    numbering.numbers_on = True  # pyright: ignore[reportFunctionMemberAccess]
    kind.setup = numbering


def progress_of(study: StoredStudy, to_come: int) -> str:
    """How far the study is, and how it goes on."""
    there = f"the study {study.name} has {counted(study.ended, 'trial')}"
    if to_come:
        return f"{there}: {to_come} more {'comes' if to_come == 1 else 'come'}"
    return f"{there}, and is complete: a larger hydra.sweeper.n_trials makes more"


# ---- What a search looks for: the yardstick of a run, which is the same for every objective ----

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
    # late, for they bring h5py and SciPy, which a grid needs not
    from nst_tf.compare.reading import read_run
    from nst_tf.compare.yardstick import measured_runs, trade_off
    from nst_tf.vgg.weights import load_weights

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
