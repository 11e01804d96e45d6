"""A search whose trials are stored: another call goes on with it, and makes only what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import DictConfig, open_dict

from nst_tf.counted import counted
from nst_tf.errors import InputError

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
                words = " ".join(f"{key}={value}" for key, value in trial.params.items())
                values = list(trial.values)
                found[f"trial {trial.number} ({words})"] = values[0] if len(values) == 1 else values
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


def go_on(config: DictConfig, study: StoredStudy, beyond: int = 0) -> None:
    """Let the sweeper make the trials that are missing of ``n_trials``, numbered on.

    ``n_trials`` is the number of all, as that of the jobs of a grid is, where Optuna counts those of one
    call: so the same words finish a search that was cut short. A sampler with a seed gets another one for
    each call, or it would sample the first trials again. ``beyond``: as many numbers are taken in the folder.
    """
    sweeper = config.hydra.sweeper
    with open_dict(config):
        sweeper.n_trials = max(0, sweeper.n_trials - study.ended)
        if sweeper.get("sampler") and sweeper.sampler.get("seed") is not None:
            sweeper.sampler.seed += len(study.trials)
    number_from(max(len(study.trials), beyond))


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


def told(study: StoredStudy, to_come: int) -> str:
    """How far the study is, and how it goes on."""
    there = f"the study {study.name} has {counted(study.ended, 'trial')}"
    if to_come:
        return f"{there}: {to_come} more {'comes' if to_come == 1 else 'come'}"
    return f"{there}, and is complete: a larger hydra.sweeper.n_trials makes more"
