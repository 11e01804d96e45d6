"""A saved run or sweep as an experiment file."""

from __future__ import annotations

import copy
import datetime as calendar
import inspect
import json
import math
import os
import shlex
import textwrap
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from nst_tf.api import composed
from nst_tf.config.experiment_files import SUFFIXES
from nst_tf.config.flat import KeyPath, leaves, nested
from nst_tf.config.schema import EXPERIMENT, GROUPS_WITH_ONE_OPTION, SAMPLES, is_option, picture_path
from nst_tf.errors import InputError
from nst_tf.files import sha256_of_file, written_atomically
from nst_tf.guidance.masks import rename_masks
from nst_tf.runs.saved_run import SavedRun
from nst_tf.sweep.earlier import as_asked
from nst_tf.tensorflow_setup import load_tensorflow

# ----------------------------------------------------------------------------
# Texts and numbers that may come from anybody, for a line of ours.


def on_one_line(value: object, most: int = 80) -> str:
    """The value as text of at most ``most`` characters, without line ends or what commands a terminal."""
    text = " ".join(str(value).split())
    printable = "".join(letter for letter in text if letter.isprintable())
    return printable if len(printable) <= most else printable[: most - 3] + "..."


def finite(value: Any) -> float | None:
    """The number, if it is one that a float can hold; JSON has whole numbers that are larger than any."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


# ----------------------------------------------------------------------------
# What differs between the leaves of two configurations.


def same(first: Any, second: Any) -> bool:
    """Whether two leaves are equal, in type too: 1 is not 1.0, which optimizers tell apart."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def differing(wanted: Mapping[KeyPath, Any], given: Mapping[KeyPath, Any]) -> dict[KeyPath, Any]:
    """The leaves of ``wanted`` that ``given`` does not have, or has with another value."""
    return {
        path: value for path, value in wanted.items() if path not in given or not same(value, given[path])
    }


def taken_away(wanted: Mapping[KeyPath, Any], given: Mapping[KeyPath, Any]) -> list[str]:
    """The leaves of ``given``, with dots, that ``wanted`` has not and that no leaf of it replaces."""
    above = {path[:length] for path in wanted for length in range(1, len(path) + 1)}
    replaced = set(wanted)
    return [
        ".".join(path)
        for path in given
        if path not in above and not any(path[:length] in replaced for length in range(1, len(path)))
    ]


# ----------------------------------------------------------------------------
# What words compose to, remembered: exporting asks for the same ones again and again.

_MOST = 64  # compositions of some KB: those of one sweep, mostly


@lru_cache(_MOST)
def composition(words: tuple[str, ...]) -> tuple[DictConfig, dict[str, str], dict[KeyPath, object]]:
    """The settings that the words select, the option of each group, and the leaves; none is to be changed.

    For words that name no file, whose content may change.
    """
    settings, choices = composed(words)
    return settings, choices, leaves(settings)


# ----------------------------------------------------------------------------
# Of what a run chose for its machine, what somebody had asked for: that alone is part of a study.

_CHOSEN = {"precision": "auto", "memory": "auto", "tile_size": None}
"""What a run writes into its configuration, and what stood there unless somebody fixed it."""


def forget_the_machine(saved: SavedRun, settings: DictConfig) -> None:
    """Set precision and memory of ``settings``, those of the run, to what was asked for: mostly auto.

    Words of the command line fix them, and so do the recipes of papers, which are in float32. Of an
    experiment file that is not ours, the hash of what was asked for tells.
    """
    for key, free in _CHOSEN.items():
        if not _is_fixed(saved, key, free):
            OmegaConf.update(settings, key, free)


def _is_fixed(saved: SavedRun, key: str, free: Any) -> bool:
    words = [word.lstrip("+").partition("=") for word in saved.overrides]
    said = [value for name, _, value in words if name == key]
    if said:
        return said[-1] not in ("auto", "null")
    studies = [value.strip("[]") for name, _, value in words if name == EXPERIMENT]
    if not studies or studies[-1] == "null":
        return False
    if all(is_option(EXPERIMENT, name) for name in studies[-1].split(",")):
        try:
            theirs = OmegaConf.select(composition((f"{EXPERIMENT}=[{studies[-1]}]",))[0], key)
        except InputError:
            return True
        return getattr(theirs, "name", theirs) != free
    here: Any = OmegaConf.to_container(saved.settings, enum_to_str=True)
    return as_asked(here, saved.summary.get("requested_sha256"))[key] != free


# ----------------------------------------------------------------------------
# What a saved configuration means by keys that it does not have, for options have gained some since.

_TARGET = "_target_"
_PLAIN = (bool, int, float, str, type(None))


def with_class_defaults(wanted: Mapping[KeyPath, Any], base: Mapping[KeyPath, Any]) -> dict[KeyPath, Any]:
    """The leaves of a run, and those keys of ``base`` that it lacks, as the run was made with them.

    Whoever made the run built an object without the key, and so with the default of its class; the option in
    conf/ may give another value to new runs, which must not get into a saved one. A key stays missing if the
    class has no default for it that YAML could say. Every ``_target_`` of ``wanted`` was checked before.
    """
    completed = dict(wanted)
    for path in base:
        target = wanted.get((*path[:-1], _TARGET))
        if path in wanted or target is None:
            continue
        if any(other[: len(path)] == path for other in wanted):  # a mapping stands there
            continue
        defaults = _defaults(target)
        if path[-1] in defaults:
            completed[path] = defaults[path[-1]]
    return completed


@cache
def _defaults(target: str) -> dict[str, Any]:
    load_tensorflow()  # most of these classes import it, and it chatters
    parameters = inspect.signature(get_class(target)).parameters.values()
    return {one.name: one.default for one in parameters if isinstance(one.default, _PLAIN)}


# ----------------------------------------------------------------------------
# How an experiment file names the pictures of the run that it comes from.

FILE_LEAVES = (
    *(("content",), ("style",), ("init", "path"), ("model", "weights"), ("record", "profile")),
    *(("guidance", "content"), ("guidance", "styles")),
)
"""The leaves of a configuration that name files."""


def with_files_named(saved: SavedRun, known: MutableMapping[str, str] | None = None) -> DictConfig:
    """The settings of the run with absolute paths of its files: the copies in its folder, if there are.

    Precision and memory are as they were asked for, so that each machine chooses its own.
    ``known`` has names of files by their SHA-256, and gets those of this run: the jobs of a sweep have a copy
    each of the same picture, which is one picture with one name. Bundled pictures keep their names, which
    mean the same everywhere. Raises InputError for a file that is missing or not what it was, and for values
    that no run could use.
    """
    located = saved.located()
    if located.missing:
        raise InputError(located.put_back(saved.working_folder))
    for name in located.changed:
        raise InputError(f"{located.what(name)} is not what it was when the run was made: put it back")
    saved.checked(located.files)
    known = {} if known is None else known
    names = {}
    for one in saved.inputs:
        if _is_bundled(one.name, one.sha256):
            names[one.name] = one.name
            continue
        path = os.path.abspath(located.files[one.name])  # noqa: PTH100  (keeps links as they are named)
        names[one.name] = known.setdefault(one.sha256, path) if one.sha256 else path
    settings = copy.deepcopy(saved.settings)
    settings.logger = {}  # whom to tell is not part of a study: whoever runs it chooses
    forget_the_machine(saved, settings)
    if settings.content is not None:
        settings.content = names[settings.content]
    if isinstance(settings.style, str):
        settings.style = names[settings.style]
    else:
        settings.style = [names[style] for style in settings.style]
    if settings.init.get("path") in names:
        settings.init.path = names[settings.init.path]
    rename_masks(settings, lambda name: names[name])
    settings.record.profile = names.get(settings.record.profile, settings.record.profile)
    settings.model.weights = names.get(settings.model.weights, settings.model.weights)
    return settings


def relative_files(own: Mapping[tuple[str, ...], Any], folder: Path) -> dict[tuple[str, ...], Any]:
    """The leaves, with the path of each file that lies in ``folder`` or below it relative to ``folder``."""

    def shortened(name: Any) -> Any:
        if not isinstance(name, str) or not Path(name).is_absolute():
            return name
        path, start = Path(name), Path(os.path.abspath(folder))  # noqa: PTH100
        return path.relative_to(start).as_posix() if path.is_relative_to(start) else name

    short = dict(own)
    for path in FILE_LEAVES:
        if path in short:
            given = short[path]
            short[path] = [shortened(name) for name in given] if isinstance(given, list) else shortened(given)
    return short


def _is_bundled(name: str, sha256: str | None) -> bool:
    path = picture_path(name)
    return path.is_relative_to(SAMPLES) and path.is_file() and sha256_of_file(path) == sha256


# ----------------------------------------------------------------------------
# Writing an experiment file, and making sure that it says what it should.

_COLUMNS = 110  # as wide as this project's own lines


def write_experiment(
    target: Path,
    group_words: Sequence[str],
    own: Mapping[KeyPath, Any],
    expected: Sequence[tuple[Sequence[str], Mapping[KeyPath, Any]]],
    runs: Sequence[SavedRun],
    command: str,
    swept: Mapping[str, str] | None = None,
) -> None:
    """Write ``target``: the options of ``group_words``, the leaves ``own``, and values to sweep.

    ``expected`` has, for each run, the words of its own and the leaves that it must have. The file is
    composed with each before it is kept; raises InputError if any leaf is another, or for a bad ``target``.
    """
    if target.suffix not in SUFFIXES:
        raise InputError(f"--export {target} must end in .yaml")
    if target.exists():
        raise InputError(f"--export {target} is there already: choose another name, or take it away first")
    if not target.parent.is_dir():
        raise InputError(f"--export {target} can't be written: there is no folder {target.parent}")
    document: dict[str, Any] = {}
    if group_words:
        parts = [word.partition("=") for word in group_words]
        document["defaults"] = [{f"override /{group}": option} for group, _, option in parts]
    document |= nested(relative_files(own, target.parent))
    if swept:
        document["hydra"] = {"mode": "MULTIRUN", "sweeper": {"params": dict(swept)}}
    text = _header(target, runs, command) + (
        OmegaConf.to_yaml(OmegaConf.create(document)) if document else "{}\n"
    )
    with written_atomically(target) as temporary:  # in the same folder, so that relative paths hold
        temporary.write_text(text, encoding="utf-8")
        for words, wanted in expected:
            _check(temporary, words, wanted, len(expected) > 1)


def _check(path: Path, words: Sequence[str], wanted: Mapping[KeyPath, Any], swept: bool) -> None:
    again = leaves(composed([f"experiment={path}", *words])[0])
    wrong = [*differing(wanted, again), *differing(again, wanted)]
    if wrong:
        key = wrong[0]
        raise InputError(
            f"the configuration can't be said in an experiment file: {'.'.join(key)} would be"
            f" {again.get(key)!r} and not {wanted.get(key)!r}{': export single runs of it' if swept else ''}"
        )


def _header(target: Path, runs: Sequence[SavedRun], command: str) -> str:
    first = runs[0].summary
    versions = first.get("versions")
    machine = first.get("machine")
    tensorflow = versions.get("tensorflow") if isinstance(versions, dict) else None
    processor = machine.get("processor") if isinstance(machine, dict) else None
    where = f"the run in {runs[0].folder}"
    if len(runs) > 1:
        where = f"the {len(runs)} runs in {runs[0].folder.parent}"
    precision = " and ".join(dict.fromkeys(run.settings.precision.name for run in runs))
    losses = [finite(run.summary.get("loss_of_saved_picture")) for run in runs]
    numbers = [loss for loss in losses if loss is not None]
    expect = "Expect: the run was not completed."
    if numbers and len(runs) == 1:
        expect = f"Expect a loss of {numbers[0]:.6g} for the saved picture."
    elif numbers:
        expect = f"Expect losses of the saved pictures from {min(numbers):.6g} to {max(numbers):.6g}."
    lines = [
        f"nst experiment={shlex.quote(target.name)}",
        f"Written on {calendar.date.today().isoformat()} by: {command}",
        f"From {where}, made with TensorFlow {tensorflow} on {processor} in {precision}.",
        expect,
    ]
    return "# @package _global_\n" + "".join(f"# {part}\n" for line in lines for part in _wrapped(line))


def _wrapped(line: str) -> list[str]:
    """Lines of a comment; what comes from a run's folder must not end one."""
    plain = "".join(letter if letter.isprintable() else " " for letter in line)
    return textwrap.wrap(plain, _COLUMNS - 2, break_long_words=False, break_on_hyphens=False) or [""]


# ----------------------------------------------------------------------------
# A saved run as an experiment file: the options that were chosen, and what differs from them.

_GIVEN = "layers=given"  # the option whose values are null, which anything can replace


def export_run(saved: SavedRun, target: Path, command: str) -> None:
    """Write the configuration of the run to ``target``, for ``nst experiment=TARGET``.

    It is composed again before it is kept: every leaf must be that of the run, precision and memory as they
    were asked for, and keys that options have gained since as they are without them
    (``with_class_defaults``). Pictures are named as ``with_files_named`` has them. ``command`` is told in
    the header.

    Raises InputError if ``target`` exists or does not end in .yaml, a picture is missing or not what it was,
    or the configuration can't be said in an experiment file (a key was taken away from an option).
    """
    wanted = with_files_named(saved)
    words = group_words(saved.choices)
    if needs_given_layers(wanted, composition(words)[0]):
        words = group_words(saved.choices | {"layers": "given"})
    base = composition(words)[2]
    flat = with_class_defaults(leaves(wanted), base)
    refuse_taken_away(saved.folder, flat, base)
    write_experiment(target, words, differing(flat, base), [((), flat)], [saved], command)


def group_words(choices: Mapping[str, str]) -> tuple[str, ...]:
    """The fewest GROUP=OPTION that choose these options: those that are chosen anyway are left out."""
    words: tuple[str, ...] = ()
    for depth in range(1 + max((group.count("/") for group in choices), default=0)):
        present = composition(words)[1]
        words += tuple(
            f"{group}={choices[group]}"
            for group in sorted(choices, key=_order)
            if group.count("/") == depth and present.get(group) != choices[group]
        )
    return words


def _order(group: str) -> tuple[int, str]:
    """As in conf/config.yaml."""
    top = group.partition("/")[0]
    known = GROUPS_WITH_ONE_OPTION
    return known.index(top) if top in known else len(known), group


def needs_given_layers(wanted: DictConfig, base: DictConfig) -> bool:
    """Whether a mapping of layers must replace another value, with which YAML would merge it.

    The order counts: losses are summed in it.
    """
    for term in ("content", "style"):
        mine, theirs = (_plain(settings.layers[term]) for settings in (wanted, base))
        if isinstance(mine, dict) and (not isinstance(theirs, dict) or list(mine) != list(theirs)):
            return True
    return False


def refuse_taken_away(folder: Path, wanted: Mapping[KeyPath, Any], base: Mapping[KeyPath, Any]) -> None:
    """Raise InputError if the run lacks a key that the options have: an experiment file can only add."""
    if missing := _without_layers(taken_away(wanted, base)):
        raise InputError(
            f"the configuration of {folder} can't be said in an experiment file: {missing[0]} was taken away"
            " from the option that has it"
        )


def _without_layers(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("layers.")]


def _plain(node: Any) -> Any:
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node


# ----------------------------------------------------------------------------
# A saved sweep as one experiment file: what its runs have in common, and the values that vary.

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
