"""A saved run with words of the command line after its own: what is to be made in its place."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.choices import EXPERIMENT
from nst_tf.configuration.file_words import NO_FILES, with_quoted_files
from nst_tf.configuration.places import SAMPLES, is_there, picture_path
from nst_tf.configuration.words import as_spelled_here, groups
from nst_tf.errors import InputError
from nst_tf.quiet_tensorflow import load_tensorflow
from nst_tf.reproduce.composition import composition
from nst_tf.reproduce.export_run import group_words, needs_given_layers, refuse_taken_away
from nst_tf.reproduce.exported_files import FILE_LEAVES
from nst_tf.reproduce.leaves import differing, leaves, nested
from nst_tf.run.library import composed
from nst_tf.run.saved_run import SavedRun
from nst_tf.run.typed import typed_keys

_OPTION = "the_saved_run"
# of the call, or of another run; the pictures of a saved run are those of its recipe
_NOT_OF_A_RUN = {
    "resume": "nst resume=RUN goes on with a run that is not completed",
    EXPERIMENT: "a run that is made again keeps its own recipe",
    "sweep": "the runs of a sweep are made again one by one",
}


def changed(saved: SavedRun, words: Sequence[str]) -> SavedRun:
    """The run as it is to be made after ``words``, KEY=VALUE or GROUP=OPTION, as ``nst`` takes them.

    They come after everything that the run says: an option that they choose replaces what the run has
    there. Names of files are those of the present folder. Raises InputError for whatever ``nst`` would
    refuse, and for words that are not of one run.
    """
    if not words:
        return saved
    typed = with_quoted_files(as_spelled_here(words))
    _check(typed)
    keys = typed_keys(typed)
    settings, choices = _composed(saved, typed, keys)
    for path in FILE_LEAVES:
        if ".".join(path) in keys:
            _name_from_here(settings, ".".join(path))
    if "precision" in keys:  # else a sweep would find it out in its middle
        load_tensorflow()
        from nst_tf.run.precision import resolved_precision

        resolved_precision(settings.precision.name)
    named = {name for path in FILE_LEAVES for name in _names(OmegaConf.select(settings, ".".join(path)))}
    summary = {**saved.summary, "overrides": [*saved.overrides, *typed]}
    inputs = tuple(one for one in saved.inputs if one.name in named)
    return replace(saved, summary=summary, settings=settings, choices=choices, inputs=inputs)


def what_was_changed(before: SavedRun, after: SavedRun, words: Sequence[str]) -> list[tuple[str, Any, Any]]:
    """Each key of ``words`` with what the run had there, and what it has now."""
    keys = sorted(typed_keys(as_spelled_here(words)))
    values = [(key, *(_value(run, key) for run in (before, after))) for key in keys]
    return [one for one in values if one[1] != one[2]]


def _check(words: Sequence[str]) -> None:
    for word in words:
        key, equals, _ = word.partition("=")
        plain = key.lstrip("+~")
        if not equals or not plain:
            raise InputError(f"{word!r} is not of the form KEY=VALUE (see `nst-rerun --help`)")
        first = plain.partition(".")[0]
        if first == "hydra":
            raise InputError(f"{word} is not possible: --output says where the run is written")
        if first in _NOT_OF_A_RUN:
            raise InputError(f"{word} is not possible: {_NOT_OF_A_RUN[first]}")


def _composed(saved: SavedRun, words: Sequence[str], keys: frozenset[str]) -> tuple[DictConfig, dict]:
    wanted = copy.deepcopy(saved.settings)
    wanted.logger = {}
    if "calibration" in wanted.balance:  # was measured of the configuration before the words
        wanted.balance.calibration = None
    chosen = keys & set(groups())
    choices = {
        group: option
        for group, option in saved.choices.items()
        if not any(group == one or group.startswith(f"{one}/") for one in chosen)
    }
    options = group_words(saved.choices)
    if "layers" not in chosen and needs_given_layers(wanted, composition(options)[0]):
        choices, options = choices | {"layers": "given"}, group_words(saved.choices | {"layers": "given"})
    base, flat = composition(options)[2], leaves(wanted)
    refuse_taken_away(saved.folder, flat, base)
    replaced = [tuple(group.split("/")) for group in chosen]
    own = {
        path: value
        for path, value in differing(flat, base).items()
        if not any(path[: len(group)] == group for group in replaced)
    }
    node = nested(own)
    ConfigStore.instance().store(group=EXPERIMENT, name=_OPTION, node=node, package="_global_")
    kept = [word for word in options if word.partition("=")[0] in choices]
    settings, now = composed([*kept, f"{EXPERIMENT}={_OPTION}", *words])
    return settings, {group: one for group, one in now.items() if group != EXPERIMENT and one is not None}


def _name_from_here(settings: DictConfig, key: str) -> None:
    """The working folder of the run that is made is that of the saved one."""

    def absolute(name: Any) -> Any:
        path = picture_path(name) if isinstance(name, str) and name not in NO_FILES else None
        if path is None or not is_there(path) or path.is_relative_to(SAMPLES):
            return name
        return os.path.abspath(path)  # noqa: PTH100  (keeps links as they are named)

    value = OmegaConf.select(settings, key)
    several = OmegaConf.is_list(value)
    OmegaConf.update(settings, key, [absolute(one) for one in value] if several else absolute(value))


def _names(value: Any) -> list[str]:
    values = list(value) if OmegaConf.is_list(value) else [value]
    return [one for one in values if isinstance(one, str)]


def _value(run: SavedRun, key: str) -> Any:
    value = run.choices.get(key) if key in set(groups()) else OmegaConf.select(run.settings, key)
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=True)
    return "null" if value is None else getattr(value, "name", value)
