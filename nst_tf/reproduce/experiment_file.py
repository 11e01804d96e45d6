"""Writing an experiment file, and making sure that it says what it should."""

from __future__ import annotations

import datetime as calendar
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nst_tf.configuration.experiment_files import SUFFIXES
from nst_tf.errors import InputError
from nst_tf.files import written_atomically
from nst_tf.reproduce.exported_files import relative_files
from nst_tf.reproduce.foreign_text import finite
from nst_tf.reproduce.leaves import KeyPath, differing, leaves, nested
from nst_tf.run.library import composed
from nst_tf.run.saved_run import SavedRun

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
