"""A saved run as an experiment file: the options that were chosen, and what differs from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.option_types import GROUPS_WITH_ONE_OPTION
from nst_tf.errors import InputError
from nst_tf.reproduce.class_defaults import with_class_defaults
from nst_tf.reproduce.composition import composition
from nst_tf.reproduce.experiment_file import write_experiment
from nst_tf.reproduce.exported_files import with_files_named
from nst_tf.reproduce.leaves import KeyPath, differing, leaves, taken_away
from nst_tf.run.saved_run import SavedRun

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
