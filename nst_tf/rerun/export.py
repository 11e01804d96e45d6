"""A saved run or sweep as an experiment file: the options that were chosen, and every value.

Every one, for the defaults of a later version may be others: the file means the same then.
"""

from __future__ import annotations

import copy
import datetime as calendar
import json
import math
import os
import re
import shlex
import textwrap
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from nst_tf import __version__
from nst_tf.api import composed
from nst_tf.config.build import class_defaults
from nst_tf.config.experiment_files import SUFFIXES, written_by
from nst_tf.config.overrides import quoted
from nst_tf.config.schema import (
    EXPERIMENT,
    FILE_KEYS,
    SAMPLES,
    KeyPath,
    Settings,
    as_list,
    flatten,
    is_option,
    nested,
    picture_path,
    value_at,
)
from nst_tf.config.validate import GROUPS_WITH_ONE_OPTION
from nst_tf.errors import InputError, is_number
from nst_tf.files import sha256_of_file, written_atomically
from nst_tf.runs.saved_run import SavedRun
from nst_tf.sweep.resume import as_asked

# ----------------------------------------------------------------------------
# A saved run as what was chosen and what differs from it: options of groups, and settings by their paths.

FILE_PATHS: tuple[KeyPath, ...] = tuple(tuple(key.split(".")) for key in FILE_KEYS)
"""The settings that name files."""

_MOST_COMPOSITIONS = 64  # of some KB each: those of one sweep, mostly


def same_value(first: Any, second: Any) -> bool:
    """Whether two values are equal, in type too: 1 is not 1.0, which optimizers tell apart."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def differing(wanted: Mapping[KeyPath, Any], given: Mapping[KeyPath, Any]) -> dict[KeyPath, Any]:
    """The settings of ``wanted`` that ``given`` does not have, or has with another value."""
    return {
        path: value
        for path, value in wanted.items()
        if path not in given or not same_value(value, given[path])
    }


def refuse_removed_keys(folder: Path, wanted: Mapping[KeyPath, Any], base: Mapping[KeyPath, Any]) -> None:
    """Raise InputError if the run lacks a key that its options have: an experiment file can only add."""
    above = {path[:length] for path in wanted for length in range(1, len(path) + 1)}
    for path in base:
        is_replaced = any(path[:length] in wanted for length in range(1, len(path)))
        if path not in above and not is_replaced and path[0] != "layers":
            raise InputError(
                f"the configuration of {folder} can't be said in an experiment file: {'.'.join(path)} was"
                " taken away from the option that has it"
            )


@lru_cache(_MOST_COMPOSITIONS)
def composition(overrides: tuple[str, ...]) -> tuple[Settings, dict[str, str], dict[KeyPath, Any]]:
    """What ``composed`` gives, and the flat settings; remembered, and none of it is to be changed.

    For overrides that name no file, whose content may change.
    """
    settings, choices = composed(overrides)
    return settings, choices, flatten(settings)


def as_in_conf(group: str) -> tuple[int, str]:
    """To sort groups as conf/config.yaml has them."""
    top, known = group.partition("/")[0], GROUPS_WITH_ONE_OPTION
    return known.index(top) if top in known else len(known), group


def group_overrides(choices: Mapping[str, str]) -> tuple[str, ...]:
    """The fewest GROUP=OPTION that choose these options: those that are chosen anyway are left out."""
    overrides: tuple[str, ...] = ()
    for depth in range(1 + max((group.count("/") for group in choices), default=0)):
        present = composition(overrides)[1]
        overrides += tuple(
            f"{group}={choices[group]}"
            for group in sorted(choices, key=as_in_conf)
            if group.count("/") == depth and present.get(group) != choices[group]
        )
    return overrides


def with_given_layers(choices: Mapping[str, str], wanted: Settings) -> dict[str, str]:
    """The choices, with ``layers=given`` where a mapping of layers must replace another value.

    YAML would merge the mapping with that, and the order counts: losses are summed in it. The values of
    ``given`` are null.
    """
    base = composition(group_overrides(choices))[0]
    for term in ("content", "style"):
        mine, theirs = (getattr(settings.layers, term) for settings in (wanted, base))
        if OmegaConf.is_dict(mine) and (not OmegaConf.is_dict(theirs) or list(mine) != list(theirs)):
            return {**choices, "layers": "given"}
    return dict(choices)


def export_run(saved: SavedRun, target: Path, command: str) -> None:
    """Write the configuration of the run to ``target``, for ``nst experiment=TARGET``.

    It states every value, and is composed again before it is kept: each must be that of the run, precision
    and memory as they were asked for, and keys that options have gained since as they are without them
    (``_with_class_defaults``). Pictures are named as ``_with_files_named`` has them. ``command`` is told in
    the header.

    Raises InputError if ``target`` exists or does not end in .yaml, a picture is missing or not what it was,
    or the configuration can't be said in an experiment file (a key was taken away from an option).
    """
    wanted = _with_files_named(saved, {})
    choices = with_given_layers(saved.choices, wanted)
    base = composition(group_overrides(choices))[2]
    flat = _with_class_defaults(flatten(wanted), base)
    values = _values_to_state([saved], [flat], [base], choices, (), saved.folder)
    _write_experiment(target, choices, values, [((), flat)], [saved], command)


def export_sweep(runs: Sequence[SavedRun], folder: Path, target: Path, command: str, left_out: int) -> None:
    """Write the runs of a sweep to ``target``, for ``nst experiment=TARGET``, which then sweeps.

    The file states what the runs have in common, and the values that vary. ``left_out`` is how many more the
    sweep has, which were not completed.

    Raises InputError as ``export_run`` does, and if the runs are not all combinations of lists of values,
    as those of a search or of a sweep with jobs that never began are not.
    """
    varying = _varying_keys([_by_key(run) for run in runs], folder, left_out)
    names: dict[str, str] = {}
    settings = [_with_files_named(run, names) for run in runs]
    own_overrides = [
        [f"{key}={_value(key, run, wanted)}" for key in varying]
        for run, wanted in zip(runs, settings, strict=True)
    ]
    choices = _common_choices(runs, varying)
    options = group_overrides(choices)
    bases = [composition((*options, *overrides))[2] for overrides in own_overrides]
    flats = [
        _with_class_defaults(flatten(wanted), base) for wanted, base in zip(settings, bases, strict=True)
    ]
    values = _values_to_state(runs, flats, bases, choices, varying, folder)
    swept = {
        key: ",".join(dict.fromkeys(overrides[index].partition("=")[2] for overrides in own_overrides))
        for index, key in enumerate(varying)
    }
    expected = list(zip(own_overrides, flats, strict=True))
    _write_experiment(target, choices, values, expected, runs, command, swept)


# ---- What a run means on another machine and with today's options ----


def _with_files_named(saved: SavedRun, known: MutableMapping[str, str]) -> Settings:
    """The settings of the run with absolute paths of its files: the copies in its folder, if there are.

    Precision and memory are as they were asked for, so that each machine chooses its own.
    ``known`` has names of files by their SHA-256, and gets those of this run: the jobs of a sweep have a copy
    each of the same picture, which is one picture with one name. Bundled pictures keep their names, which
    mean the same everywhere. Raises InputError for a file that is missing or not what it was, and for values
    that no run could use.
    """
    located = saved.located()
    for name in located.changed:
        raise InputError(f"{located.named(name)} is not what it was when the run was made: put it back")
    saved.checked_inputs(located.files)
    names = {}
    for one in saved.inputs:
        if _is_bundled(one.name, one.sha256):
            names[one.name] = one.name
            continue
        path = os.path.abspath(located.files[one.name])  # noqa: PTH100  (keeps links as they are named)
        names[one.name] = known.setdefault(one.sha256, path) if one.sha256 else path
    settings: Any = copy.deepcopy(saved.settings)
    settings.logger = {}  # whom to tell is not part of a study: whoever runs it chooses
    settings.name, settings.tags, settings.notes = None, [], None  # and says what it is to them
    for key, free in _CHOSEN_BY_THE_RUN.items():
        if not _was_asked_for(saved, key, free):
            OmegaConf.update(settings, key, free)
    rename_files(settings, lambda name: names.get(name, name))
    return settings


def rename_files(
    settings: Settings, renamed: Callable[[str], str], keys: Collection[str] = FILE_KEYS
) -> None:
    """Give every file that the settings name at one of the keys the name that ``renamed`` has for it."""
    for key in keys:
        value: Any = value_at(settings, key)
        if isinstance(value, str):
            OmegaConf.update(cast("Any", settings), key, renamed(value))
        elif OmegaConf.is_list(value):
            names = [renamed(one) if isinstance(one, str) else one for one in value]
            OmegaConf.update(cast("Any", settings), key, names)


def _is_bundled(name: str, sha256: str | None) -> bool:
    path = picture_path(name)
    return path.is_relative_to(SAMPLES) and path.is_file() and sha256_of_file(path) == sha256


_CHOSEN_BY_THE_RUN = {"precision": "auto", "memory": "auto", "tile_size": None}
"""What a run writes into its configuration, and what stood there unless somebody asked for a value."""


def _was_asked_for(saved: SavedRun, key: str, free: Any) -> bool:
    """Whether the value is part of the study: of the command line, or of the recipe of a paper (float32).

    Of an experiment file that is not ours, the hash of what was asked for tells.
    """
    parts = [override.lstrip("+").partition("=") for override in saved.overrides]
    said = [value for name, _, value in parts if name == key]
    if said:
        return said[-1] not in ("auto", "null")
    studies = [value.strip("[]") for name, _, value in parts if name == EXPERIMENT]
    if not studies or studies[-1] == "null":
        return False
    if all(is_option(EXPERIMENT, name) for name in studies[-1].split(",")):
        try:
            theirs = value_at(composition((f"{EXPERIMENT}=[{studies[-1]}]",))[0], key)
        except InputError:
            return True
        return getattr(theirs, "name", theirs) != free
    here: Any = OmegaConf.to_container(saved.settings, enum_to_str=True)
    return as_asked(here, saved.summary.get("requested_sha256"))[key] != free


def _with_class_defaults(wanted: Mapping[KeyPath, Any], base: Mapping[KeyPath, Any]) -> dict[KeyPath, Any]:
    """The settings of a run, and those keys of ``base`` that it lacks, as the run was made with them.

    Whoever made the run built an object without the key, and so with the default of its class; the option in
    conf/ may give another value to new runs, which must not get into a saved one. A key stays missing if the
    class has no default for it that YAML could say. Every ``_target_`` of ``wanted`` was checked before.
    """
    completed = dict(wanted)
    for path in base:
        target = wanted.get((*path[:-1], "_target_"))
        if path in wanted or target is None:
            continue
        if any(other[: len(path)] == path for other in wanted):  # a mapping stands there
            continue
        defaults = class_defaults(target)
        if path[-1] in defaults:
            completed[path] = defaults[path[-1]]
    return completed


# ---- What the runs of a sweep have in common, and what varies ----


def _by_key(run: SavedRun) -> dict[str, str]:
    """The values of its overrides."""
    parts = [override.partition("=") for override in run.overrides]
    return {key: value for key, _, value in parts}


def _varying_keys(overrides: Sequence[Mapping[str, str]], folder: Path, left_out: int) -> list[str]:
    """The keys whose values vary; raises InputError unless the jobs are every combination of the values."""
    keys = list(overrides[0])
    values = {key: list(dict.fromkeys(one.get(key) for one in overrides)) for key in keys}
    varying = [key for key in keys if len(values[key]) > 1]
    combinations = {tuple(one.get(key) for key in varying) for one in overrides}
    complete = math.prod(len(values[key]) for key in varying)
    same_keys = all(one.keys() == overrides[0].keys() for one in overrides)
    if not same_keys or not complete == len(combinations) == len(overrides):
        count = len(overrides)
        what = f"the {count} completed of {count + left_out}" if left_out else f"the {count}"
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
            group in _by_key(run) for run in runs
        )

    return {
        group: option
        for group, option in runs[0].choices.items()
        if group not in varying
        and not comes_with(group)
        and all(run.choices.get(group) == option for run in runs)
    }


def _values_to_state(
    runs: Sequence[SavedRun],
    flats: Sequence[Mapping[KeyPath, Any]],
    bases: Sequence[Mapping[KeyPath, Any]],
    choices: Mapping[str, str],
    varying: Sequence[str],
    folder: Path,
) -> dict[KeyPath, Any]:
    """Every setting that the runs share; of the others those that differ from what the options compose to."""
    of_varying = [tuple(re.split(r"[./]", key.lstrip("+"))) for key in varying]
    stated: dict[KeyPath, Any] = {}
    for run, flat, base in zip(runs, flats, bases, strict=True):
        refuse_removed_keys(run.folder, flat, base)
        followed = _layers_of_objective(flat) if choices.get("layers") == "of_objective" else ()
        for path, value in flat.items():
            if path[0] in ("logger", "resume") or path[:2] in followed:
                continue
            varies = any(path[: len(key)] == key for key in of_varying) or not all(
                path in other and same_value(value, other[path]) for other in flats
            )
            if varies and path in base and same_value(value, base[path]):
                continue
            if path in stated and not same_value(stated[path], value):
                raise InputError(
                    f"the runs in {folder} differ in {'.'.join(path)} by more than the words that asked for"
                    " them: export single runs of it"
                )
            stated[path] = value
    return stated


def _layers_of_objective(flat: Mapping[KeyPath, Any]) -> list[KeyPath]:
    """Those of layers.content and layers.style that are what the objective names itself."""

    def below(*above: str) -> dict[KeyPath, Any]:
        return {path[len(above) :]: one for path, one in flat.items() if path[: len(above)] == above}

    terms = ("content", "style")
    return [("layers", term) for term in terms if below("layers", term) == below("objective", term, "layers")]


def _value(key: str, run: SavedRun, wanted: Settings) -> str:
    """The value of a key on the command line: as it was given, but for files, which are named anew."""
    if key not in FILE_KEYS:
        return _by_key(run)[key]
    named = flatten(wanted)[tuple(key.split("."))]
    words = [quoted(name) if isinstance(name, str) else "null" for name in as_list(named)]
    return f"[{','.join(words)}]" if isinstance(named, list) else words[0]


# ---- Writing an experiment file, and making sure that it says what it should ----

_COLUMNS = 110  # as wide as this project's own lines


def _write_experiment(
    target: Path,
    choices: Mapping[str, str],
    values: Mapping[KeyPath, Any],
    expected: Sequence[tuple[Sequence[str], Mapping[KeyPath, Any]]],
    runs: Sequence[SavedRun],
    command: str,
    swept: Mapping[str, str] | None = None,
) -> None:
    """Write ``target``: the options that are chosen, the settings ``values``, and values to sweep.

    ``expected`` has, for each run, the overrides of its own and the settings that it must have. The file is
    composed with each before it is kept; raises InputError if any is another, or for a bad ``target``.
    """
    if target.suffix not in SUFFIXES:
        raise InputError(f"--export {target} must end in .yaml")
    if target.exists():
        raise InputError(f"--export {target} is there already: choose another name, or take it away first")
    if not target.parent.is_dir():
        raise InputError(f"--export {target} can't be written: there is no folder {target.parent}")
    groups = sorted(choices.keys() - {"logger"}, key=as_in_conf)
    document: dict[str, Any] = {"defaults": [{f"override /{group}": choices[group]} for group in groups]}
    document |= nested(_relative_files(values, target.parent))
    if swept:
        document["hydra"] = {"mode": "MULTIRUN", "sweeper": {"params": dict(swept)}}
    yaml = OmegaConf.to_yaml(OmegaConf.create(document))
    with written_atomically(target) as temporary:  # in the same folder, so that relative paths hold
        temporary.write_text(_header(target, runs, choices, values, command) + yaml, encoding="utf-8")
        for overrides, wanted in expected:
            again = flatten(composed([f"{EXPERIMENT}={temporary}", *overrides])[0])
            for path in (*differing(wanted, again), *differing(again, wanted)):
                raise InputError(
                    f"the configuration can't be said in an experiment file: {'.'.join(path)} would be"
                    f" {again.get(path)!r} and not {wanted.get(path)!r}"
                    f"{': export single runs of it' if len(expected) > 1 else ''}"
                )


def _relative_files(own: Mapping[KeyPath, Any], folder: Path) -> dict[KeyPath, Any]:
    """The settings, with the path of each file that lies in ``folder`` or below it relative to ``folder``."""
    start = Path(os.path.abspath(folder))  # noqa: PTH100

    def shortened(name: Any) -> Any:
        is_below = isinstance(name, str) and Path(name).is_absolute() and Path(name).is_relative_to(start)
        return Path(name).relative_to(start).as_posix() if is_below else name

    short = dict(own)
    for path in FILE_PATHS:
        if path in short:
            given = short[path]
            short[path] = [shortened(name) for name in given] if isinstance(given, list) else shortened(given)
    return short


def _header(
    target: Path,
    runs: Sequence[SavedRun],
    choices: Mapping[str, str],
    values: Mapping[KeyPath, Any],
    command: str,
) -> str:
    options = group_overrides(choices)
    own = differing(values, composition(options)[2])
    chosen = " ".join([*options, *(f"{'.'.join(path)}={json.dumps(value)}" for path, value in own.items())])
    first = runs[0].summary
    versions, machine = first.get("versions"), first.get("machine")
    tensorflow = versions.get("tensorflow") if isinstance(versions, dict) else None
    processor = machine.get("processor") if isinstance(machine, dict) else None
    where = f"the run in {runs[0].folder}"
    if len(runs) > 1:
        where = f"the {len(runs)} runs in {runs[0].folder.parent}"
    precision = " and ".join(dict.fromkeys(run.settings.precision.name for run in runs))
    losses = [run.summary.get("loss_of_saved_picture") for run in runs]
    numbers = [float(loss) for loss in losses if is_number(loss)]
    expect = "Expect: the run was not completed."
    if numbers and len(runs) == 1:
        expect = f"Expect a loss of {numbers[0]:.6g} for the saved picture."
    elif numbers:
        expect = f"Expect losses of the saved pictures from {min(numbers):.6g} to {max(numbers):.6g}."
    lines = [
        f"nst {EXPERIMENT}={shlex.quote(target.name)}",
        f"Written on {calendar.date.today().isoformat()} by: {command}",
        f"From {where}, made with TensorFlow {tensorflow} on {processor} in {precision}.",
        expect,
        f"Not the defaults of that version: {chosen}" if chosen else "All are the defaults of that version.",
        written_by(__version__),
    ]
    return "# @package _global_\n" + "".join(f"# {part}\n" for line in lines for part in _wrapped(line))


def _wrapped(line: str) -> list[str]:
    """Lines of a comment; what comes from a run's folder must not end one."""
    plain = "".join(letter if letter.isprintable() else " " for letter in line)
    return textwrap.wrap(plain, _COLUMNS - 2, break_long_words=False, break_on_hyphens=False) or [""]
