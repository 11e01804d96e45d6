"""A saved sweep as one experiment file: what its runs have in common, and the values that vary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from nst_tf.configuration.choices import EXPERIMENT
from nst_tf.errors import InputError
from nst_tf.reproduce.class_defaults import with_class_defaults
from nst_tf.reproduce.composition import composition
from nst_tf.reproduce.experiment_file import write_experiment
from nst_tf.reproduce.export_run import group_words, refuse_taken_away
from nst_tf.reproduce.exported_files import with_files_named
from nst_tf.reproduce.leaves import KeyPath, differing, leaves, same
from nst_tf.run.saved_run import SavedRun

_FILE_KEYS = (
    *("content", "style", "init.path", "model.weights", "record.profile"),
    *("guidance.content", "guidance.styles"),
)


def export_sweep(
    runs: Sequence[SavedRun], folder: Path, target: Path, command: str, left_out: int = 0
) -> None:
    """Write the runs of a sweep to ``target``, for ``nst experiment=TARGET``, which then sweeps.

    ``left_out`` is how many more the sweep has, which were not completed.

    Raises InputError as ``export_run`` does, and if the runs are not all combinations of lists of values,
    as those of a search or of a sweep with jobs that never began are not.
    """
    varying = _product([_words_of(run) for run in runs], folder, left_out)
    names: dict[str, str] = {}
    settings = [with_files_named(run, names) for run in runs]
    own_words = [
        [f"{key}={_value(key, run, wanted)}" for key in varying]
        for run, wanted in zip(runs, settings, strict=True)
    ]
    common = group_words(_common_choices(runs, varying))
    bases = [composition((*common, *words))[2] for words in own_words]
    flats = [with_class_defaults(leaves(wanted), base) for wanted, base in zip(settings, bases, strict=True)]
    own = _common_leaves(runs, flats, bases, folder)
    swept = {
        key: ",".join(dict.fromkeys(words[index].partition("=")[2] for words in own_words))
        for index, key in enumerate(varying)
    }
    write_experiment(target, common, own, list(zip(own_words, flats, strict=True)), runs, command, swept)


def _words_of(run: SavedRun) -> dict[str, str]:
    parts = [word.partition("=") for word in run.overrides]
    return {key: value for key, _, value in parts}


def _product(words: Sequence[Mapping[str, str]], folder: Path, left_out: int) -> list[str]:
    """The keys whose values vary; raises InputError unless the jobs are every combination of the values."""
    keys = list(words[0])
    values = {key: list(dict.fromkeys(one.get(key) for one in words)) for key in keys}
    varying = [key for key in keys if len(values[key]) > 1]
    combinations = {tuple(one.get(key) for key in varying) for one in words}
    complete = math.prod(len(values[key]) for key in varying)
    if any(one.keys() != words[0].keys() for one in words) or not complete == len(combinations) == len(words):
        what = f"the {len(words)} completed of {len(words) + left_out}" if left_out else f"the {len(words)}"
        raise InputError(
            f"{what} runs in {folder} are not all combinations of lists of values, so that no one"
            " experiment file has them: export single runs of it"
        )
    for key in varying:
        if key.startswith("~") or key.lstrip("+") == EXPERIMENT:
            raise InputError(
                f"the runs in {folder} vary in {key}, as no experiment file can: export single runs of it"
            )
    return varying


def _common_choices(runs: Sequence[SavedRun], varying: Sequence[str]) -> dict[str, str]:
    """The options that all runs have, but for those that come with an option that varies."""

    def comes_with(group: str) -> bool:
        return any(group.startswith(f"{key}/") for key in varying) and not any(
            group in _words_of(run) for run in runs
        )

    first = runs[0].choices
    return {
        group: option
        for group, option in first.items()
        if group not in varying
        and not comes_with(group)
        and all(run.choices.get(group) == option for run in runs)
    }


def _common_leaves(
    runs: Sequence[SavedRun],
    flats: Sequence[Mapping[KeyPath, Any]],
    bases: Sequence[Mapping[KeyPath, Any]],
    folder: Path,
) -> dict[KeyPath, Any]:
    """The leaves that differ from what the options compose to, over all runs."""
    own: dict[KeyPath, Any] = {}
    for run, flat, base in zip(runs, flats, bases, strict=True):
        refuse_taken_away(run.folder, flat, base)
        for path, value in differing(flat, base).items():
            if path in own and not same(own[path], value):
                raise InputError(
                    f"the runs in {folder} differ in {'.'.join(path)} by more than the words that asked for"
                    " them: export single runs of it"
                )
            own[path] = value
    return own


def _value(key: str, run: SavedRun, wanted: DictConfig) -> str:
    """The value of a key as a word: as it was given, but for files, which are named anew."""
    if key not in _FILE_KEYS:
        return _words_of(run)[key]
    named = leaves(wanted)[tuple(key.split("."))]
    return f"[{','.join(_quoted(name) for name in named)}]" if isinstance(named, list) else _quoted(named)


def _quoted(name: Any) -> str:
    if not isinstance(name, str):
        return "null"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
